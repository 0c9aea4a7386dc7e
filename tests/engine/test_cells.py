"""Cells and slots: what is noted, what is dirtied, what is kept."""

from __future__ import annotations

import pytest

from vmsdk.engine.cells import AuditFailed, Graph, Slot, audit


class Listener:
    def __init__(self):
        self.slots, self.rounds = [], 0

    def touched(self, slot):
        self.slots.append(slot)

    def settled(self):
        self.rounds += 1


def graph(budget=1 << 20):
    later = []
    made = Graph(later.append, "newest", budget)
    made.turns = later
    return made


def test_nobody_asked_nothing_is_noted():
    g = graph()
    cell = g.cell(1)
    cell.set(2)
    assert g.turns == []


def test_a_watched_value_is_told_once_a_turn_however_often_its_cell_changed():
    g, who = graph(), Listener()
    cell = g.cell("a")
    slot = Slot(g, lambda key: cell.get())
    slot.watch(who, g.key)
    cell.set("b")
    cell.set("c")
    g.settle()
    assert (who.slots, who.rounds, slot.text("newest")) == ([slot], 1, "c")
    assert slot.stamp == g.stamp


def test_a_value_that_changes_and_changes_back_within_a_turn_is_not_told():
    g, who = graph(), Listener()
    cell = g.cell("a")
    slot = Slot(g, lambda key: cell.get())
    slot.watch(who, g.key)
    before = g.stamp
    cell.set("b")
    cell.set("a")
    g.settle()
    assert (who.slots, g.stamp) == ([], before)


def test_a_change_dirties_only_the_slots_that_read_the_cell():
    g = graph()
    one, two, runs = g.cell(1), g.cell(1), []
    watched = []
    for name, cell in (("one", one), ("two", two)):
        slot = Slot(g, lambda key, n=name, c=cell: runs.append(n) or str(c.get()))
        slot.watch(Listener(), g.key)
        watched.append(slot)
    runs.clear()
    one.set(2)
    g.settle()
    assert runs == ["one"]


def test_a_cached_value_that_nobody_watches_is_dropped_not_recomputed():
    g, runs = graph(), []
    cell = g.cell(1)
    slot = Slot(g, lambda key: runs.append(1) or str(cell.get()))
    assert (slot.text("newest"), slot.text("newest"), len(runs)) == ("1", "1", 1)
    cell.set(2)
    g.settle()
    assert (len(runs), slot.texts, g.budget.size) == (1, None, 0)
    assert slot.text("newest") == "2"


def test_the_budget_drops_the_least_recently_used_texts_first():
    g = graph(budget=20)
    slots = [Slot(g, lambda key, n=n: str(n) * 10) for n in range(3)]
    for slot in slots:
        slot.text("newest")
    assert [slot.texts is not None for slot in slots] == [False, True, True]
    assert g.budget.size == 20


def test_what_a_value_reads_may_change_with_its_value():
    g, who = graph(), Listener()
    switch, left, right = g.cell(True), g.cell("l"), g.cell("r")
    slot = Slot(g, lambda key: left.get() if switch.get() else right.get())
    slot.watch(who, g.key)
    right.set("R")
    g.settle()
    assert who.rounds == 0
    switch.set(False)
    g.settle()
    left.set("L")
    g.settle()
    assert (who.rounds, slot.text("newest")) == (1, "R")


def test_the_auditor_finds_a_value_that_changed_without_a_cell():
    g = graph()
    hidden = ["a"]
    slot = Slot(g, lambda key: hidden[0])
    slot.watch(Listener(), g.key)
    hidden[0] = "b"
    with pytest.raises(AuditFailed):
        audit(g, [slot])


def test_an_object_that_is_gone_leaves_nothing_in_the_cells_of_others(lab):
    host = lab.daemon.site.host.host
    before = len(host._readers or ())
    vm = lab.vm("web")
    lab.get(vm, "runtime", "summary", "config")
    lab.run(vm, "Destroy_Task")
    assert len(host._readers or ()) <= before


def test_a_filter_on_what_depends_on_the_caller_leaves_nothing_behind(lab):
    from vmsdk.wsdl import MoRef, vim

    epoch = lab.daemon.sessions.epoch
    before = len(epoch._readers or ())
    manager = MoRef("SessionManager", "ha-sessionmgr")
    spec = vim.PropertyFilterSpec(
        propSet=[vim.PropertySpec(type="SessionManager", pathSet=["sessionList"])], objectSet=[vim.ObjectSpec(obj=manager)]
    )
    made = lab.call(lab.root.collector, "CreateFilter", spec=spec, partialUpdates=False)
    assert len(epoch._readers or ()) > before
    lab.call(made, "DestroyPropertyFilter")
    assert len(epoch._readers or ()) == before
