"""Coroutines that nobody awaits: each has an owner, its failure is logged, and it ends with its owner."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

log = Logger()


class Background:
    def __init__(self) -> None:
        self._running: set[Deferred[Any]] = set()
        self._closed = False

    def spawn(self, coroutine: Coroutine[Any, Any, Any], what: str) -> None:
        if self._closed:
            coroutine.close()
            return
        deferred = Deferred.fromCoroutine(coroutine)
        self._running.add(deferred)
        deferred.addBoth(self._ended, deferred, what)

    def close(self) -> None:
        self._closed = True
        for deferred in list(self._running):
            deferred.cancel()

    def _ended(self, result: Any, deferred: Deferred[Any], what: str) -> None:
        self._running.discard(deferred)
        if isinstance(result, Failure) and not result.check(CancelledError) and not self._closed:
            log.failure("{what} failed", result, what=what)
