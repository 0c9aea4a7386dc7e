"""Background coroutines: each has an owner, its failure is logged, and it ends with its owner."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

log = Logger()


class Nursery:
    """All running background work, by owner."""

    def __init__(self) -> None:
        self._running: dict[Any, set[Deferred]] = {}

    def spawn(self, owner: Any, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Start it now; the caller's turn goes on at its first wait."""
        work = Deferred.fromCoroutine(coroutine)
        mine = self._running.setdefault(owner, set())
        mine.add(work)

        def ended(outcome: Any) -> None:
            mine.discard(work)
            if not mine and self._running.get(owner) is mine:
                del self._running[owner]
            if isinstance(outcome, Failure) and not outcome.check(CancelledError):
                log.failure("background work of {owner} failed", outcome, owner=owner)

        work.addBoth(ended)

    def end(self, owner: Any) -> None:
        for work in tuple(self._running.get(owner, ())):
            work.cancel()

    @property
    def busy(self) -> int:
        return sum(len(mine) for mine in self._running.values())
