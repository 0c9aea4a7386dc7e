"""Steps: what is undone, when, and what stays for the next start."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred

from vmsdk.engine.steps import Steps
from vmsdk.store.store import Store


def finish(coroutine):
    done = []
    Deferred.fromCoroutine(coroutine).addBoth(done.append)
    [outcome] = done
    if hasattr(outcome, "raiseException"):
        outcome.raiseException()
    return outcome


class House:
    """Effects on a list, each with its undo."""

    def __init__(self):
        self.made, self.store = [], Store.in_memory()
        self.broken = set()
        self.steps = Steps(self.store.intents, {"remove": self.remove})

    async def make(self, name):
        self.made.append(name)

    async def remove(self, name):
        if name in self.broken:
            raise OSError(name)
        if name in self.made:
            self.made.remove(name)


def test_what_succeeds_leaves_no_intent():
    house = House()

    async def work():
        async with house.steps.begin("op") as steps:
            await steps.do(lambda: house.make("a"), ("remove", "a"))

    finish(work())
    assert (house.made, house.store.intents.unfinished()) == (["a"], [])


def test_a_failure_undoes_backwards_and_comes_out():
    house = House()
    order = []
    house.steps.undoers["note"] = lambda name: note(name)

    async def note(name):
        order.append(name)

    async def work():
        async with house.steps.begin("op") as steps:
            await steps.do(lambda: house.make("a"), ("note", "first"))
            await steps.do(lambda: house.make("b"), ("note", "second"))
            raise ValueError("third")

    with pytest.raises(ValueError):
        finish(work())
    assert order == ["second", "first"]


def test_the_undo_is_stored_before_the_effect_runs():
    house = House()
    seen = []

    async def effect():
        seen.extend(house.store.database.rows("SELECT body FROM undo"))

    async def work():
        async with house.steps.begin("op") as steps:
            await steps.do(effect, ("remove", "a"))

    finish(work())
    assert seen == [('["remove","a"]',)]


def test_an_undo_that_fails_stays_for_the_next_start():
    house = House()
    house.broken.add("a")

    async def work():
        async with house.steps.begin("op") as steps:
            await steps.do(lambda: house.make("a"), ("remove", "a"))
            raise ValueError

    with pytest.raises(ValueError):
        finish(work())
    rows = house.store.database.rows("SELECT body FROM undo")
    assert rows == [('["remove","a"]',)]
