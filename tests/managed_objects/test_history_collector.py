"""What a user is told of the past: what happened to objects that the user may read, and what the user did."""

from __future__ import annotations

import pytest

from vmsdk.wsdl import MoRef, vim

EVENTS = MoRef("EventManager", "ha-eventmgr")
TASKS = MoRef("TaskManager", "ha-taskmgr")
ROLES = MoRef("AuthorizationManager", "ha-authmgr")
ACCOUNTS = MoRef("HostLocalAccountManager", "ha-localacctmgr")
ROOT = MoRef("Folder", "ha-folder-root")
PASSWORD = "correct-Horse7battery"
READ_ONLY = -2


def grant(lab, entity, role=READ_ONLY):
    wanted = vim.Permission(principal="ann", group=False, roleId=role, propagate=True)
    lab.call(ROLES, "SetEntityPermissions", entity=getattr(entity, "ref", entity), permission=[wanted])


@pytest.fixture
def two(lab):
    """Two machines that ran; `ann` may read one of them and nothing else."""
    mine, other = lab.vm("mine"), lab.vm("other")
    for vm in (mine, other):
        lab.run(vm, "PowerOnVM_Task")
    lab.call(ACCOUNTS, "CreateUser", user=vim.HostAccountSpec(id="ann", password=PASSWORD))
    grant(lab, mine)
    return lab, mine, other, lab.client().login("ann", PASSWORD)


def machines(events):
    return {event.vm.name for event in events if event.vm is not None}


def collectors(client):
    return (
        client.call(TASKS, "CreateCollectorForTasks", filter=vim.TaskFilterSpec()),
        client.call(EVENTS, "CreateCollectorForEvents", filter=vim.EventFilterSpec()),
    )


def test_events_are_told_to_who_may_read_what_they_are_about(two):
    lab, _, _, ann = two
    found = ann.call(EVENTS, "QueryEvents", filter=vim.EventFilterSpec())
    assert machines(found) == {"mine"}
    assert {event.userName for event in found if event.vm is None} == {"ann"}, "logins of others are for who may read the root"
    assert machines(lab.call(EVENTS, "QueryEvents", filter=vim.EventFilterSpec())) == {"mine", "other"}


def test_a_collector_pages_only_through_what_its_user_may_know(two):
    _, _, _, ann = two
    tasks, events = collectors(ann)
    assert {info.entityName for info in ann.get(tasks, "latestPage")} == {"mine"}
    assert {info.entityName for info in ann.call(tasks, "ReadNextTasks", maxCount=100)} == {"mine"}
    assert machines(ann.call(events, "ReadNextEvents", maxCount=100)) == machines(ann.get(events, "latestPage")) == {"mine"}


def test_asking_by_the_entity_tells_no_more(two):
    _, _, other, ann = two
    about = vim.EventFilterSpecByEntity(entity=other.ref, recursion="self")
    assert ann.call(EVENTS, "QueryEvents", filter=vim.EventFilterSpec(entity=about)) == []


def test_the_latest_event_is_the_latest_that_one_may_know_of(two):
    lab, mine, other, ann = two
    lab.run(mine, "PowerOffVM_Task")
    lab.run(other, "PowerOffVM_Task")
    assert ann.get(EVENTS, "latestEvent").vm.name == "mine"
    assert lab.get(EVENTS, "latestEvent").vm.name == "other"


def test_a_page_follows_the_permissions(two):
    lab, mine, _, ann = two
    tasks, events = collectors(ann)
    seen = lab.watch(tasks, "latestPage", ann)
    grant(lab, ROOT)
    lab.step()
    assert {"mine", "other"} <= {info.entityName for info in seen[-1].items}
    assert machines(ann.get(events, "latestPage")) == {"mine", "other"}
    lab.call(ROLES, "RemoveEntityPermission", entity=ROOT, user="ann", isGroup=False)
    lab.call(ROLES, "RemoveEntityPermission", entity=mine.ref, user="ann", isGroup=False)
    lab.step()
    with pytest.raises(vim.NoPermission):
        ann.call(EVENTS, "QueryEvents", filter=vim.EventFilterSpec())
    assert ann.get(tasks, "latestPage") is None, "a page that is open already is emptied too"


def test_what_is_gone_is_told_to_who_may_read_where_it_was(two):
    lab, _, other, ann = two
    lab.run(other, "PowerOffVM_Task")
    lab.run(other, "Destroy_Task")
    assert machines(ann.call(EVENTS, "QueryEvents", filter=vim.EventFilterSpec())) == {"mine"}
    grant(lab, lab.folder)
    found = ann.call(EVENTS, "QueryEvents", filter=vim.EventFilterSpec())
    assert "VmRemovedEvent" in {type(event).__name__ for event in found if event.vm is not None and event.vm.name == "other"}


def test_who_did_it_is_told_wherever_it_was(two):
    lab, mine, _, ann = two
    role = lab.call(ROLES, "AddAuthorizationRole", name="Operator", privIds=["VirtualMachine.Interact.PowerOff"])
    grant(lab, mine, role)
    ann.call(mine, "PowerOffVM_Task")
    lab.step()
    grant(lab, mine, -5)
    grant(lab, ROOT)
    tasks, _ = collectors(ann)
    told = [(info.entityName, info.reason.userName) for info in ann.get(tasks, "latestPage") if info.entityName == "mine"]
    assert told == [("mine", "ann")], "no access to the machine, but the task was ann's"
