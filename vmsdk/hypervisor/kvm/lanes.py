"""Threads for calls that may block for ever, and the deadline that each of them has.

Law: a call is waited for until its deadline, never longer; then its caller gets TimedOut and its thread is written
off until the call comes back. Threads written off are capped per lane, so a hung host costs a known number of
threads; past the cap calls are refused at once. A call that comes back late is reported to its `late` callable.
Lanes never share threads: what must not wait behind a hung verb (stop) runs in a lane of its own. All bookkeeping
is done on the reactor's thread; a thread makes its one call and hands the result over.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.base import DelayedCall
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..errors import Lost, TimedOut

T = TypeVar("T")
Late = Callable[[Any], None]

log = Logger()


class _Job:
    __slots__ = ("call", "deferred", "late", "running", "timer", "what")

    def __init__(self, call: Callable[[], Any], what: str, late: Late | None, deferred: Deferred[Any]):
        self.call, self.what, self.late, self.deferred = call, what, late, deferred
        self.timer: DelayedCall | None = None
        self.running = False


class Lane:
    """At most `width` calls at a time in threads, the others queue; those written off do not count.

    `stuck_limit`: how many threads may be written off at a time. `reactor` needs callLater and callFromThread.
    """

    def __init__(self, reactor: Any, name: str, width: int = 4, stuck_limit: int = 8):
        self._reactor, self.name = reactor, name
        self._width, self._stuck_limit = width, stuck_limit
        self._pending: deque[_Job] = deque()
        self._running: set[_Job] = set()
        self._stuck: set[_Job] = set()
        self._closed = False

    @property
    def stuck(self) -> int:
        """Threads written off at this moment."""
        return len(self._stuck)

    def run(self, call: Callable[[], T], deadline: float, what: str, late: Late | None = None) -> Deferred[T]:
        """Run `call` in a thread and answer with its result or error.

        `deadline`: seconds from now, waiting in the queue included. Past it: TimedOut with `what` in its text; if the
        call had begun, `late` gets its value or Failure whenever it ends. A cancelled Deferred is treated the same.
        """
        deferred: Deferred[T] = Deferred(lambda _: self._abandon(job))
        job = _Job(call, what, late, deferred)
        if self._closed:
            deferred.errback(Failure(Lost(f"{what}: the hypervisor is closed.")))
        elif len(self._stuck) >= self._stuck_limit:
            deferred.errback(Failure(TimedOut(f"{what}: {self.stuck} earlier calls hang, no more are begun.")))
        else:
            job.timer = self._reactor.callLater(deadline, self._expire, job, deadline)
            self._pending.append(job)
            self._next()
        return deferred

    def close(self) -> None:
        """Take no more calls; who waits for one gets Lost. Those that run are let go, as if past their deadline."""
        self._closed = True
        for job in [*self._running, *self._pending]:
            self._abandon(job)
            job.deferred.errback(Failure(Lost(f"{job.what}: the hypervisor is closed.")))

    def _next(self) -> None:
        while self._pending and len(self._running) < self._width:
            job = self._pending.popleft()
            job.running = True
            self._running.add(job)
            threading.Thread(target=self._work, args=(job,), name=f"kvm-{self.name}", daemon=True).start()

    def _work(self, job: _Job) -> None:
        try:
            result: Any = job.call()
        except BaseException:  # whatever it is belongs to the one who asked
            result = Failure()
        self._reactor.callFromThread(self._back, job, result)

    def _back(self, job: _Job, result: Any) -> None:
        if job in self._stuck:
            self._stuck.discard(job)
            log.info("{what} came back late", what=job.what)
            if job.late is not None:
                job.late(result)
            return
        self._running.discard(job)
        if job.timer is not None and job.timer.active():
            job.timer.cancel()
        self._next()
        job.deferred.callback(result)  # a Failure goes down the errback side by itself

    def _expire(self, job: _Job, deadline: float) -> None:
        self._abandon(job)
        text = f"{job.what} did not answer within {deadline:g} s."
        log.warn("{text}", text=text)
        job.deferred.errback(Failure(TimedOut(text)))

    def _abandon(self, job: _Job) -> None:
        """Nobody waits for it any more: a running one is written off, another one is forgotten."""
        if job.timer is not None and job.timer.active():
            job.timer.cancel()
        if job.running:
            self._running.discard(job)
            self._stuck.add(job)
        else:
            self._pending.remove(job)
        if not self._closed:
            self._next()


class ReadLock:
    """One reader at a time for each machine: `async with lock(uuid)`. Reads and what is posted of them stay in
    order.
    """

    def __init__(self) -> None:
        self._holders: dict[str, deque[Deferred[None]]] = {}

    def __call__(self, uuid: str) -> _Held:
        return _Held(self._holders, uuid)


class _Held:
    def __init__(self, holders: dict[str, deque[Deferred[None]]], uuid: str):
        self._holders, self._uuid = holders, uuid

    async def __aenter__(self) -> None:
        waiting = self._holders.get(self._uuid)
        if waiting is None:
            self._holders[self._uuid] = deque()
            return
        turn: Deferred[None] = Deferred(lambda _: waiting.remove(turn))
        waiting.append(turn)
        await turn

    async def __aexit__(self, *_: object) -> None:
        waiting = self._holders[self._uuid]
        if waiting:
            waiting.popleft().callback(None)
        else:
            del self._holders[self._uuid]
