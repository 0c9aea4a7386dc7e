"""The two workers of the simulated host."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.task import Clock

from vmsdk.hypervisor.worker import SteppedWorker, TimedWorker


def test_a_stepped_worker_runs_the_oldest_first_and_only_as_many_as_it_is_told() -> None:
    worker, done = SteppedWorker(), []
    for name in "abc":
        worker.submit(name, lambda name=name: done.append(name), delay=5.0)  # type: ignore[misc]
    assert worker.waiting == ("a", "b", "c")
    assert (worker.step(1), done) == (1, ["a"])
    assert (worker.step(), done) == (2, ["a", "b", "c"])
    assert worker.step() == 0


def test_a_stepped_worker_goes_on_with_what_comes_up_meanwhile() -> None:
    worker, done = SteppedWorker(), []
    worker.submit("a", lambda: worker.submit("b", lambda: done.append("b")))
    assert (worker.step(), done) == (2, ["b"])


def test_work_without_end_is_an_error() -> None:
    worker = SteppedWorker()

    def again() -> None:
        worker.submit("again", again)

    again()
    with pytest.raises(RuntimeError, match="again"):
        worker.step(limit=10)


def test_a_timed_worker_never_runs_a_job_in_the_call_that_submits_it() -> None:
    clock, done = Clock(), []
    worker = TimedWorker(clock)
    worker.submit("a", lambda: done.append("a"))
    assert done == []
    clock.advance(0)
    assert done == ["a"]


def test_a_timed_worker_keeps_order_and_delays() -> None:
    clock, done = Clock(), []
    worker = TimedWorker(clock)
    worker.submit("late", lambda: done.append("late"), 2.0)
    for number in range(5):
        worker.submit("soon", lambda number=number: done.append(number))  # type: ignore[misc]
    clock.advance(0)
    assert done == [0, 1, 2, 3, 4]
    clock.advance(1.9)
    assert "late" not in done
    clock.advance(0.2)
    assert done[-1] == "late"


def test_many_jobs_take_several_turns_in_order() -> None:
    turns: list[int] = []
    done: list[int] = []

    class Turns(Clock):  # Clock runs at once what a reactor leaves to its next turn
        def callLater(self, delay: float, *what: Any, **more: Any) -> Any:
            turns.append(len(done))
            return super().callLater(delay, *what, **more)

    clock = Turns()
    worker = TimedWorker(clock, most=10)
    for number in range(25):
        worker.submit("job", lambda number=number: done.append(number))  # type: ignore[misc]
    clock.advance(0)
    assert (turns, done) == ([0, 10, 20], list(range(25)))
