"""A loop of one thread in place of the reactor, which a process can run only once."""

from __future__ import annotations

import queue
from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

LIMIT = 30.0


class TestLoop:
    __test__ = False

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[tuple[Callable[..., Any], tuple[Any, ...]]] = queue.SimpleQueue()
        self.seconds = lambda: 1_800_000_000.0

    def callFromThread(self, callable: Callable[..., Any], *args: Any) -> None:
        self._calls.put((callable, args))

    def callLater(self, delay: float, callable: Callable[..., Any], *args: Any) -> None:
        assert delay == 0
        self._calls.put((callable, args))

    def wait(self, what: Deferred[Any] | Coroutine[Any, Any, Any]) -> Any:
        """Work until it has a result; that, or its error. queue.Empty past the limit."""
        outcome: list[Any] = []
        (what if isinstance(what, Deferred) else Deferred.fromCoroutine(what)).addBoth(outcome.append)
        while not outcome:
            call, arguments = self._calls.get(timeout=LIMIT)
            call(*arguments)
        if isinstance(outcome[0], Failure):
            outcome[0].raiseException()
        return outcome[0]
