"""How a coroutine of a test is carried to its end: by steps, by a clock, or by a real reactor in a thread.

Law: every way has a limit and says what it waited for; none sleeps.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from vmsdk.hypervisor.worker import SteppedWorker

LIMIT = 60.0


def drive(coroutine: Coroutine[Any, Any, Any], clock: Clock, worker: SteppedWorker | None = None) -> Any:
    """Run it on simulated time: jobs first, then the clock to whatever comes next, LIMIT seconds at the most."""
    outcome: list[Any] = []
    Deferred.fromCoroutine(coroutine).addBoth(outcome.append)
    end = clock.seconds() + LIMIT
    while not outcome:
        if worker is not None and worker.step(1):
            continue
        calls = sorted(call.getTime() for call in clock.getDelayedCalls())
        if not calls or calls[0] > end:
            raise AssertionError(f"still waiting after {LIMIT:g} simulated seconds; {len(calls)} timers are set")
        clock.advance(max(0.0, calls[0] - clock.seconds()))
    if isinstance(outcome[0], Failure):
        outcome[0].raiseException()
    return outcome[0]


class ReactorThread:
    """Twisted's reactor in a thread. A process can have it once."""

    def __init__(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        ready = threading.Event()
        self.reactor.callWhenRunning(ready.set)
        self._thread = threading.Thread(target=self.reactor.run, args=(False,), name="reactor", daemon=True)
        self._thread.start()
        assert ready.wait(LIMIT)

    def run(self, coroutine: Coroutine[Any, Any, Any], limit: float = LIMIT) -> Any:
        """What the coroutine returns or raises; it is cancelled at the limit."""
        outcome: queue.SimpleQueue[Any] = queue.SimpleQueue()
        work: list[Deferred[Any]] = []

        def begin() -> None:
            work.append(Deferred.fromCoroutine(coroutine))
            work[0].addBoth(outcome.put)

        self.reactor.callFromThread(begin)
        try:
            result = outcome.get(timeout=limit)
        except queue.Empty:
            self.reactor.callFromThread(lambda: work and work[0].cancel())
            raise AssertionError(f"still waiting after {limit:g} seconds") from None
        if isinstance(result, Failure):
            result.raiseException()
        return result

    def call(self, what: Callable[[], Any]) -> Any:
        """`what()` on the reactor's thread."""

        async def once() -> Any:
            return what()

        return self.run(once())

    def stop(self) -> None:
        self.reactor.callFromThread(self.reactor.stop)
        self._thread.join(LIMIT)
