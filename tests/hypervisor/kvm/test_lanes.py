import threading

import pytest
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from vmsdk.hypervisor.errors import Lost, TimedOut
from vmsdk.hypervisor.kvm.lanes import Lane, ReadLock


class Reactor(Clock):
    """A clock whose callFromThread is collected; `take` waits for the next one and runs it in the test's thread."""

    def __init__(self):
        super().__init__()
        self._calls, self._arrived = [], threading.Semaphore(0)

    def callFromThread(self, *call):
        self._calls.append(call)
        self._arrived.release()

    def take(self):
        assert self._arrived.acquire(timeout=10), "no thread came back"
        function, *rest = self._calls.pop(0)
        function(*rest)


@pytest.fixture
def reactor():
    return Reactor()


def outcome(deferred):
    seen = []
    deferred.addBoth(seen.append)
    return seen


def test_a_call_answers_with_its_value_or_its_error(reactor):
    lane = Lane(reactor, "t")
    good = outcome(lane.run(lambda: 7, 5, "good"))
    reactor.take()
    bad = outcome(lane.run(lambda: 1 / 0, 5, "bad"))
    reactor.take()
    assert good == [7] and bad[0].check(ZeroDivisionError)
    assert not reactor.getDelayedCalls()


def test_a_hung_call_times_out_frees_its_place_and_its_late_result_is_told(reactor):
    lane, gate, late = Lane(reactor, "t", width=1), threading.Event(), []
    hung = outcome(lane.run(lambda: gate.wait(20) and "late", 3, "hung", late.append))
    behind = outcome(lane.run(lambda: "next", 10, "behind"))
    reactor.advance(3)
    assert hung[0].check(TimedOut) and "hung" in str(hung[0].value) and lane.stuck == 1
    reactor.take()
    assert behind == ["next"]
    gate.set()
    reactor.take()
    assert late == ["late"] and lane.stuck == 0


def test_a_call_that_never_began_is_forgotten_at_its_deadline(reactor):
    lane, gate, ran = Lane(reactor, "t", width=1), threading.Event(), []
    outcome(lane.run(lambda: gate.wait(20), 100, "first"))
    second = outcome(lane.run(lambda: ran.append(1), 2, "second"))
    reactor.advance(2)
    assert second[0].check(TimedOut)
    gate.set()
    reactor.take()
    assert not ran and lane.stuck == 0


def test_past_the_cap_of_hung_threads_calls_are_refused_at_once(reactor):
    lane, gate = Lane(reactor, "t", width=1, stuck_limit=2), threading.Event()
    for _ in range(2):
        outcome(lane.run(lambda: gate.wait(20), 1, "hung"))
        reactor.advance(1)
    assert outcome(lane.run(lambda: 1, 1, "more"))[0].check(TimedOut)
    gate.set()
    reactor.take(), reactor.take()
    again = outcome(lane.run(lambda: 1, 1, "more"))
    reactor.take()
    assert again == [1]


def test_a_cancelled_call_counts_as_hung_until_it_returns(reactor):
    lane, gate, late = Lane(reactor, "t"), threading.Event(), []
    deferred = lane.run(lambda: gate.wait(20), 5, "cancelled", late.append)
    seen = outcome(deferred)
    deferred.cancel()
    assert seen[0].check(CancelledError) and lane.stuck == 1
    gate.set()
    reactor.take()
    assert late == [True]


def test_close_refuses_what_waits_and_lets_go_of_what_runs(reactor):
    lane, gate = Lane(reactor, "t", width=1), threading.Event()
    runs, waits = (outcome(lane.run(lambda: gate.wait(20), 50, name)) for name in ("runs", "waits"))
    lane.close()
    assert runs[0].check(Lost) and waits[0].check(Lost)
    assert outcome(lane.run(lambda: 1, 5, "more"))[0].check(Lost)
    gate.set()


def test_the_read_lock_keeps_the_readers_of_one_machine_in_order_and_others_free():
    lock, order, gates = ReadLock(), [], {name: Deferred() for name in "abc"}

    async def reader(uuid, name):
        async with lock(uuid):
            order.append(name)
            await gates[name]
            order.append(name.upper())

    done = [ensureDeferred(reader(*pair)) for pair in (("1", "a"), ("1", "b"), ("2", "c"))]
    assert order == ["a", "c"]
    gates["a"].errback(Failure(ValueError()))
    assert order == ["a", "c", "b"]
    gates["b"].callback(None), gates["c"].callback(None)
    assert order == ["a", "c", "b", "B", "C"]
    done[0].addErrback(lambda failure: failure.trap(ValueError))


def test_a_reader_that_gives_up_waiting_leaves_the_queue():
    lock, gate, order = ReadLock(), Deferred(), []

    async def reader(name, wait):
        async with lock("1"):
            order.append(name)
            await wait

    first = ensureDeferred(reader("a", gate))
    second, third = (ensureDeferred(reader(name, Deferred())) for name in "bc")
    second.addErrback(lambda failure: failure.trap(CancelledError))
    second.cancel()
    gate.callback(None)
    assert order == ["a", "c"] and first.called and not third.called
