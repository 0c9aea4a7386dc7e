"""The way of one simulated verb from call to answer, and who is told of what it did.

Law: the effect of a verb is one job of the worker, and the answer comes in the same job, after the
announcements. A verb that gave up (deadline, cancelled) may still have its effect later; one that was cut off
(close, lost connection) has none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..errors import HypervisorError, Lost, TimedOut
from ..interface import Announcement, Listener
from ..worker import ReactorTime, Worker
from .conditions import Conditions, Hold

log = Logger()
T = TypeVar("T")


class Verbs:
    """Carries verbs out. `up` False: none is taken."""

    def __init__(self, clock: ReactorTime, worker: Worker, conditions: Conditions, deadline: float | None):
        self._clock, self._worker, self._conditions, self._deadline = clock, worker, conditions, deadline
        self._waiting: set[Deferred[Any]] = set()
        self._connection = 0
        self.up = False

    async def do(self, verb: str, subject: str, effect: Callable[[], T], always: bool = False) -> T:
        """`effect()` in a later job, and what it returned. Lost, TimedOut, and what the effect raises."""
        if not (self.up or always):
            raise Lost("The simulated host is out of reach.")
        seconds, trouble = self._conditions.of(verb, subject)
        outcome: Deferred[T] = Deferred()
        connection = self._connection

        def run(error: HypervisorError | None) -> None:
            if connection != self._connection:
                return
            try:
                if error is not None:
                    raise error
                result = effect()
            except Exception as failed:
                if not outcome.called:
                    outcome.errback(Failure())
                elif not isinstance(failed, HypervisorError):
                    log.failure("{verb} of {subject} failed after it was given up", verb=verb, subject=subject)
            else:
                if not outcome.called:
                    outcome.callback(result)

        def submit(error: HypervisorError | None) -> None:
            self._worker.submit(f"{verb} {subject}".rstrip(), lambda: run(error), seconds)

        self._watch(outcome, verb)
        if isinstance(trouble, Hold):
            trouble.wait(submit)
        else:
            submit(trouble)
        return await outcome

    def _watch(self, outcome: Deferred[Any], verb: str) -> None:
        self._waiting.add(outcome)
        timer = None
        if self._deadline is not None:
            error = TimedOut(f"{verb} did not answer within {self._deadline:g} s.")
            timer = self._clock.callLater(self._deadline, outcome.errback, error)

        def ended(result: Any) -> Any:
            self._waiting.discard(outcome)
            if timer is not None and timer.active():
                timer.cancel()
            return result

        outcome.addBoth(ended)

    def cut(self) -> None:
        """Every verb under way ends with Lost and without effect."""
        self.up = False
        self._connection += 1
        for outcome in tuple(self._waiting):
            if not outcome.called:
                outcome.errback(Lost("The connection to the simulated host ended."))


class Announcer:
    """Tells every listener everything, in one order for all, even where a listener's doing makes news."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._news: deque[Announcement] = deque()
        self._telling = False

    def listen(self, listener: Listener) -> Callable[[], None]:
        def told(announcement: Announcement) -> None:  # its own identity: one callable may listen twice
            listener(announcement)

        self._listeners.append(told)

        def end() -> None:
            if told in self._listeners:
                self._listeners.remove(told)

        return end

    def post(self, announcement: Announcement) -> None:
        self._news.append(announcement)
        if self._telling:
            return
        self._telling = True
        try:
            while self._news:
                self._tell(self._news.popleft())
        finally:
            self._telling = False

    def _tell(self, announcement: Announcement) -> None:
        for listener in tuple(self._listeners):
            if listener not in self._listeners:
                continue  # an earlier one ended it
            try:
                listener(announcement)
            except Exception:
                log.failure("a listener failed on {kind}", kind=type(announcement).__name__)
