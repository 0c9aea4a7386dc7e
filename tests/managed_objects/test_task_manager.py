"""Tasks of today and of earlier days, as collectors give them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.lab import Lab
from vmsdk.wsdl import MoRef, vim

MANAGER = MoRef("TaskManager", "ha-taskmgr")
ROOT = MoRef("Folder", "ha-folder-root")


def collector(lab, **filters):
    return lab.call(MANAGER, "CreateCollectorForTasks", filter=vim.TaskFilterSpec(**filters)).ref


def names(tasks):
    return [task.descriptionId for task in tasks]


def of(entity, recursion):
    return vim.TaskFilterSpecByEntity(entity=entity, recursion=recursion)


def test_the_description_has_a_label_for_every_task_of_a_machine(lab):
    said = lab.get(MANAGER, "description")
    labels = {each.key: each.label for each in said.methodInfo}
    assert (labels["VirtualMachine.powerOn"], labels["Folder.createVm"]) == ("Power On virtual machine", "Create virtual machine")
    vm = lab.vm("web")
    assert lab.call(vm, "PowerOnVM_Task").info.descriptionId in labels
    assert [each.key for each in said.state] == ["queued", "running", "success", "error"]
    assert "TaskReasonUser" in {each.key for each in said.reason}


@pytest.mark.shows("CreateCollectorForTasks")
def test_the_latest_page_has_the_newest_first_and_grows_by_itself(lab):
    mine = collector(lab)
    vm = lab.vm("web")
    lab.run(vm, "PowerOnVM_Task")
    assert names(lab.get(mine, "latestPage")) == ["VirtualMachine.powerOn", "Folder.createVm"]
    seen = lab.watch(mine, "latestPage")
    task = lab.call(vm, "PowerOffVM_Task")
    lab.step()
    first = [page.items[0] for page in seen]
    assert (first[-1].key, first[-1].state) == (task.ref.value, "success")
    assert "running" in {info.state for info in first}


@pytest.mark.shows("SetCollectorPageSize", "ReadNextTasks", "ReadPreviousTasks", "RewindCollector", "ResetCollector")
def test_one_reads_on_and_back_by_pages(lab):
    vm = lab.vm("web")
    for name in ("PowerOnVM_Task", "SuspendVM_Task", "PowerOnVM_Task", "PowerOffVM_Task"):
        lab.run(vm, name)
    mine = collector(lab)
    create, on, suspend, off = ("Folder.createVm", *(f"VirtualMachine.{word}" for word in ("powerOn", "suspend", "powerOff")))

    def read(way, count=2):
        return names(lab.call(mine, way, maxCount=count))

    assert [read("ReadNextTasks") for _ in range(4)] == [[create, on], [suspend, on], [off], []]
    lab.run(vm, "PowerOnVM_Task")
    assert read("ReadNextTasks") == [on]
    lab.call(mine, "ResetCollector")
    assert [read("ReadPreviousTasks", 4) for _ in range(3)] == [[on, off, on, suspend], [on, create], []]
    lab.call(mine, "RewindCollector")
    assert read("ReadPreviousTasks") == []
    assert read("ReadNextTasks", 1) == [create]
    lab.call(mine, "SetCollectorPageSize", maxCount=1)
    assert names(lab.get(mine, "latestPage")) == [on]
    for count in (0, -1, 1001):
        for operation in ("SetCollectorPageSize", "ReadNextTasks", "ReadPreviousTasks"):
            with pytest.raises(vim.InvalidArgument) as refused:
                lab.call(mine, operation, maxCount=count)
            assert refused.value.invalidProperty == "maxCount"


@pytest.mark.shows("DestroyCollector")
def test_a_collector_belongs_to_its_session_and_can_be_destroyed(lab):
    mine = collector(lab)
    with pytest.raises(vim.ManagedObjectNotFound):
        lab.client().login().call(mine, "RewindCollector")
    lab.call(mine, "DestroyCollector")
    with pytest.raises(vim.ManagedObjectNotFound):
        lab.call(mine, "RewindCollector")


def test_a_session_has_no_more_collectors_than_the_manager_says(lab):
    for _ in range(lab.get(MANAGER, "maxCollector")):
        last = collector(lab)
    with pytest.raises(vim.InvalidState):
        collector(lab)
    lab.call(last, "DestroyCollector")
    collector(lab)


def test_filters_by_entity_state_user_and_time(lab):
    web, db = lab.vm("web"), lab.vm("db")
    begin = datetime.fromtimestamp(lab.clock.seconds() + 1, UTC)
    lab.advance(5)
    lab.run(web, "PowerOnVM_Task")
    with pytest.raises(vim.InvalidPowerState):
        lab.run(db, "PowerOffVM_Task")

    def page(**filters):
        return names(lab.get(collector(lab, **filters), "latestPage") or [])

    create, on, off = "Folder.createVm", "VirtualMachine.powerOn", "VirtualMachine.powerOff"
    assert page(entity=of(web.ref, "self")) == [on]
    assert page(entity=of(ROOT, "self")) == []
    assert page(entity=of(ROOT, "all")) == [off, on, create, create]
    assert page(entity=of(lab.folder, "children")) == [off, on]
    assert page(entity=of(lab.folder, "self")) == [create, create]
    assert page(entity=of(MoRef("HostSystem", "ha-host"), "all")) == [off, on]
    assert page(state=["error"]) == [off]
    assert page(userName=vim.TaskFilterSpecByUsername(systemUser=True, userList=["nobody"])) == []
    assert page(userName=vim.TaskFilterSpecByUsername(systemUser=False, userList=["root"])) == [off, on, create, create]
    assert page(time=vim.TaskFilterSpecByTime(timeType="queuedTime", beginTime=begin)) == [off, on]
    assert page(time=vim.TaskFilterSpecByTime(timeType="completedTime", endTime=begin)) == [create, create]
    assert page(tag=["x"]) == []
    with pytest.raises(vim.ManagedObjectNotFound):
        collector(lab, entity=of(MoRef("VirtualMachine", "77"), "self"))


def test_what_is_retired_and_what_an_earlier_run_did_is_still_told(lab, tmp_path):
    vm = lab.vm("web")
    lab.run(vm, "PowerOnVM_Task")
    task = lab.call(vm, "PowerOffVM_Task")
    lab.step()
    mine = collector(lab)
    before = [(info.key, info.state, info.completeTime) for info in lab.get(mine, "latestPage")]
    lab.advance(601)
    lab.daemon.tasks.sweep()
    lab.step()
    with pytest.raises(vim.ManagedObjectNotFound):
        lab.get(task.ref, "info")
    assert [(info.key, info.state, info.completeTime) for info in lab.get(mine, "latestPage")] == before
    again = Lab(tmp_path, store=lab.store, before=lab)
    mine = collector(again)
    assert [(info.key, info.state, info.completeTime) for info in again.get(mine, "latestPage")] == before


def test_a_host_makes_no_tasks_for_others(lab):
    with pytest.raises(vim.NotSupported):
        lab.call(MANAGER, "CreateTask", obj=ROOT, taskTypeId="x", cancelable=False)
