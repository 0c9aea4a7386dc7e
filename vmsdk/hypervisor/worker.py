"""Who does the work of the simulated hypervisor, and when.

Law: a job never runs inside the call that submitted it, so every verb really is asynchronous, and jobs of equal
delay run in the order of submission. `SteppedWorker` does nothing until a test says so; `TimedWorker` works by
a clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

Job = Callable[[], None]


class Delayed(Protocol):
    """Twisted's IDelayedCall, as far as it is used here; a type checker cannot read zope interfaces."""

    def active(self) -> bool: ...

    def cancel(self) -> None: ...


class ReactorTime(Protocol):
    """Twisted's IReactorTime: the reactor, or a test's `Clock`."""

    def seconds(self) -> float: ...

    def callLater(self, delay: float, callable: Callable[..., Any], *args: Any, **kwargs: Any) -> Delayed: ...


class Worker(Protocol):
    def submit(self, name: str, job: Job, delay: float = 0.0) -> None:
        """Run `job` later, `delay` seconds from now where the worker knows time. A job must not raise."""


class SteppedWorker:
    """Jobs wait until `step()`; delays are ignored, the order is that of submission."""

    def __init__(self) -> None:
        self._queue: deque[tuple[str, Job]] = deque()

    def submit(self, name: str, job: Job, delay: float = 0.0) -> None:
        self._queue.append((name, job))

    @property
    def waiting(self) -> tuple[str, ...]:
        """The names of the jobs that wait, oldest first."""
        return tuple(name for name, job in self._queue)

    def step(self, jobs: int | None = None, limit: int = 1_000_000) -> int:
        """Run the oldest `jobs`, or all until none is left, those included that come up meanwhile; how many ran.

        RuntimeError past `limit`: the work makes work without end.
        """
        done = 0
        while self._queue and done != jobs:
            if done == limit:
                raise RuntimeError(f"{limit} jobs ran and more come: {self.waiting[:5]}")
            self._queue.popleft()[1]()
            done += 1
        return done


class TimedWorker:
    """Jobs run by `clock` after their delay.

    Those without delay share one timer and keep their order, which equal times in a reactor's heap would not. A turn
    runs at most `most` of them, so that a thousand verbs at once do not stop the reactor.
    """

    def __init__(self, clock: ReactorTime, most: int = 64):
        self._clock, self._most = clock, most
        self._soon: deque[Job] = deque()
        self._scheduled = False

    def submit(self, name: str, job: Job, delay: float = 0.0) -> None:
        if delay > 0:
            self._clock.callLater(delay, job)
            return
        self._soon.append(job)
        self._schedule()

    def _schedule(self) -> None:
        if self._soon and not self._scheduled:
            self._scheduled = True
            self._clock.callLater(0, self._drain)

    def _drain(self) -> None:
        self._scheduled = False
        try:
            for _ in range(min(self._most, len(self._soon))):
                self._soon.popleft()()
        finally:
            self._schedule()
