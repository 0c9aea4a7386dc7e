"""Events as clients read them: who came and went, and what happened to machines, whoever caused it."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from tests.lab import Lab
from tests.lab.lab import definition_of
from vmsdk.wsdl import MoRef, vim

MANAGER = MoRef("EventManager", "ha-eventmgr")
SESSIONS = MoRef("SessionManager", "ha-sessionmgr")
TASKS = MoRef("TaskManager", "ha-taskmgr")
ROOT = MoRef("Folder", "ha-folder-root")


def events(lab, **filters):
    """Oldest first."""
    return lab.call(MANAGER, "QueryEvents", filter=vim.EventFilterSpec(**filters))[::-1]


def kinds(found):
    return [type(event).__name__ for event in found]


def of(entity, recursion="self"):
    return vim.EventFilterSpecByEntity(entity=entity, recursion=recursion)


def about(lab, vm):
    return kinds(events(lab, entity=of(vm.ref)))


@pytest.mark.shows("QueryEvents")
def test_the_life_of_a_machine_is_told_in_order_in_words_and_by_whom(lab):
    vm = lab.vm("web")
    for name in ("PowerOnVM_Task", "ResetVM_Task", "SuspendVM_Task", "PowerOnVM_Task", "PowerOffVM_Task"):
        lab.run(vm, name)
    lab.run(vm, "Rename_Task", newName="www")
    lab.run(vm, "Destroy_Task")
    found = events(lab, entity=of(lab.folder, "children"))
    host = lab.get(MoRef("HostSystem", "ha-host"), "name")
    where = f"{host} in ha-datacenter"
    assert [(type(e).__name__, e.fullFormattedMessage) for e in found] == [
        ("VmBeingCreatedEvent", f"Creating web on host {where}"),
        ("VmCreatedEvent", f"Created virtual machine web on {where}"),
        ("VmStartingEvent", f"web on host {where} is starting"),
        ("VmPoweredOnEvent", f"web on  {where} is powered on"),
        ("VmResettingEvent", f"web on {where} is reset"),
        ("VmSuspendingEvent", f"web on {where} is being suspended"),
        ("VmSuspendedEvent", f"web on {where} is suspended"),
        ("VmResumingEvent", f"web on {where} is resumed"),
        ("VmPoweredOnEvent", f"web on  {where} is powered on"),
        ("VmStoppingEvent", f"web on {where} is stopping"),
        ("VmPoweredOffEvent", f"web on  {where} is powered off"),
        ("VmRenamedEvent", "Renamed www from web to www in ha-datacenter"),
        ("VmRemovedEvent", f"Removed www on {host} from ha-datacenter"),
    ]
    assert {e.userName for e in found} == {"root"}
    first = found[0]
    assert (first.vm.name, first.vm.vm) == ("web", vm.ref)
    assert (first.host.host.value, first.datacenter.datacenter.value) == ("ha-host", "ha-datacenter")
    assert first.computeResource.computeResource.value == "ha-compute-res"
    assert [e.key for e in found] == sorted(e.key for e in found)


def test_events_of_one_task_hang_together_and_the_task_names_their_chain(lab):
    vm = lab.vm("web")
    task = lab.call(vm, "PowerOnVM_Task")
    lab.step()
    starting, on = events(lab, entity=of(vm.ref), eventTypeId=["vim.event.VmStartingEvent", "VmPoweredOnEvent"])
    assert (starting.chainId, on.chainId, task.info.eventChainId) == (starting.key,) * 3
    assert kinds(events(lab, eventChainId=starting.key)) == ["VmStartingEvent", "VmPoweredOnEvent"]
    mine = lab.call(TASKS, "CreateCollectorForTasks", filter=vim.TaskFilterSpec(eventChainId=[starting.key]))
    assert [info.key for info in lab.get(mine, "latestPage")] == [task.ref.value]


def test_what_a_client_is_told_as_done_is_an_event_already(lab):
    vm = lab.vm("web")
    task = lab.call(vm, "PowerOnVM_Task")
    while task.info.state == "running":
        lab.step(1)
    assert about(lab, vm)[-1] == "VmPoweredOnEvent"


def test_a_guest_that_powers_itself_off_did_it_without_a_user(lab):
    vm = lab.vm("web")
    lab.run(vm, "PowerOnVM_Task")
    lab.hypervisor.guest_powers_off(vm.config.instanceUuid)
    lab.step()
    last = events(lab, entity=of(vm.ref))[-1]
    assert (type(last).__name__, last.userName, last.chainId) == ("VmPoweredOffEvent", "", last.key)


def test_what_someone_does_beside_us_is_told_too(lab):
    vm = lab.vm("web")
    definition = definition_of(lab, vm)
    lab.finish(lab.hypervisor.start(definition.uuid))
    lab.finish(lab.hypervisor.stop(definition.uuid))
    lab.finish(lab.hypervisor.redefine(msgspec.structs.replace(definition, memory_mib=256)))
    lab.finish(lab.hypervisor.undefine(definition.uuid))
    lab.step()
    found = events(lab, entity=of(lab.folder, "children"))[2:]
    assert kinds(found) == ["VmPoweredOnEvent", "VmPoweredOffEvent", "VmReconfiguredEvent", "VmRemovedEvent"]
    assert {e.userName for e in found} == {""}
    lab.finish(lab.hypervisor.define(definition))
    lab.step()
    assert kinds(events(lab))[-1] == "VmRegisteredEvent"


@pytest.mark.shows("ReconfigVM_Task")
def test_a_reconfiguration_says_what_it_changed(lab):
    vm = lab.vm("web", disk_kb=65536)
    drop = vim.VirtualDeviceConfigSpec(operation="remove", device=next(d for d in vm.config.hardware.device if d.key == 2000))
    lab.run(vm, "ReconfigVM_Task", spec=vim.VirtualMachineConfigSpec(numCPUs=2, deviceChange=[drop]))
    event = events(lab)[-1]
    assert (type(event).__name__, event.configSpec.numCPUs, event.configSpec.memoryMB) == ("VmReconfiguredEvent", 2, None)
    assert "config.hardware.numCPU: 1 -> 2" in event.configChanges.modified
    assert event.configChanges.deleted == "config.hardware.device(2000)"
    lab.run(vm, "ReconfigVM_Task", spec=vim.VirtualMachineConfigSpec(numCPUs=2))
    assert events(lab)[-1].key == event.key  # nothing changed, nothing told
    lab.run(vm, "ReconfigVM_Task", spec=vim.VirtualMachineConfigSpec(annotation="x" * 5000))
    event = events(lab)[-1]
    assert event.configChanges.modified == f"config.annotation:  -> {'x' * 200}" and event.configSpec.annotation is None


@pytest.mark.shows("ShutdownGuest", "RebootGuest", "UnregisterVM")
def test_what_is_asked_of_a_guest_and_what_has_no_task_has_its_user(lab):
    vm = lab.vm("web")
    lab.run(vm, "PowerOnVM_Task")
    uuid = vm.config.instanceUuid
    lab.hypervisor.install_agent(uuid)
    lab.advance(120)
    lab.step()
    lab.call(vm, "RebootGuest")
    asked = next(e for e in reversed(events(lab, entity=of(vm.ref))) if type(e).__name__ == "VmGuestRebootEvent")
    assert asked.userName == "root"
    lab.advance(120)
    lab.step()
    lab.call(vm, "ShutdownGuest")
    lab.advance(120)
    lab.step()
    found = about(lab, vm)
    assert {"VmGuestShutdownEvent", "VmPoweredOffEvent"} <= set(found) and "VmStoppingEvent" not in found
    lab.call(vm, "UnregisterVM")
    last = events(lab)[-1]
    assert (type(last).__name__, last.userName) == ("VmRemovedEvent", "root")


def test_a_refused_power_on_is_no_event_and_a_failed_one_says_why(lab):
    vm = lab.vm("web", disk_kb=65536)
    with pytest.raises(vim.InvalidPowerState):
        lab.run(vm, "PowerOffVM_Task")
    before = about(lab, vm)
    assert before == ["VmBeingCreatedEvent", "VmCreatedEvent"]
    [disk] = [d for d in definition_of(lab, vm).devices if type(d).__name__ == "Disk"]
    lab.finish(lab.hypervisor.storage.delete(disk.file))
    with pytest.raises(vim.MethodFault):
        lab.run(vm, "PowerOnVM_Task")
    assert about(lab, vm)[2:] == ["VmStartingEvent", "VmFailedToPowerOnEvent"]


def test_sessions_that_begin_and_end_are_told(lab):
    begin = events(lab)[-1].key
    client = lab.client(address="192.0.2.7", user_agent="govc/0.30").login()
    with pytest.raises(vim.InvalidLogin):
        lab.client(address="192.0.2.8").login("eve", "x")
    client.call(SESSIONS, "Logout")
    other = lab.client().login()
    key = other.get(SESSIONS, "currentSession").key
    lab.call(SESSIONS, "TerminateSession", sessionId=[key])
    lab.client().login()
    lab.advance(1801)
    lab.daemon.sessions.sweep()
    lab.root.login()
    found = [e for e in events(lab) if e.key > begin]
    assert [(type(e).__name__, e.userName) for e in found][:6] == [
        ("UserLoginSessionEvent", "root"), ("BadUsernameSessionEvent", "eve"), ("UserLogoutSessionEvent", "root"),
        ("UserLoginSessionEvent", "root"), ("SessionTerminatedEvent", "root"), ("UserLogoutSessionEvent", "root"),
    ]  # fmt: skip
    assert kinds(found[6:]) == ["UserLoginSessionEvent", *["UserLogoutSessionEvent"] * 2, "UserLoginSessionEvent"]
    assert found[0].fullFormattedMessage == "User root@192.0.2.7 logged in as govc/0.30"
    assert found[1].fullFormattedMessage == "Cannot login eve@192.0.2.8"
    assert found[2].fullFormattedMessage == (
        "User root@192.0.2.7 logged out (login time: Tuesday, 14 November, 2023 22:13:20, number of API invocations: 1, "
        "user agent: govc/0.30)"
    )
    assert (found[4].sessionId, found[4].terminatedUsername) == (key, "root")


@pytest.mark.shows("CreateCollectorForEvents", "ReadNextEvents", "ReadPreviousEvents")
def test_a_collector_pages_through_events_and_its_latest_page_follows_them(lab):
    vm = lab.vm("web")
    mine = lab.call(MANAGER, "CreateCollectorForEvents", filter=vim.EventFilterSpec(type=["VmEvent"])).ref
    seen = lab.watch(mine, "latestPage")
    lab.run(vm, "PowerOnVM_Task")
    assert kinds(seen[-1].items) == ["VmPoweredOnEvent", "VmStartingEvent", "VmCreatedEvent", "VmBeingCreatedEvent"]
    assert kinds(lab.call(mine, "ReadNextEvents", maxCount=3)) == ["VmBeingCreatedEvent", "VmCreatedEvent", "VmStartingEvent"]
    assert kinds(lab.call(mine, "ReadPreviousEvents", maxCount=1)) == ["VmStartingEvent"]
    lab.call(mine, "SetCollectorPageSize", maxCount=1)
    lab.turn()
    assert kinds(seen[-1].items) == ["VmPoweredOnEvent"]
    assert lab.get(mine, "filter").type == ["VmEvent"] and lab.get(mine, "initialized") is True


def test_filters_by_category_user_time_count_and_kind(lab):
    vm = lab.vm("web")
    begin = datetime.fromtimestamp(lab.clock.seconds() + 1, UTC)
    lab.advance(5)
    lab.finish(lab.hypervisor.start(vm.config.instanceUuid))
    lab.step()
    assert kinds(events(lab, time=vim.EventFilterSpecByTime(beginTime=begin))) == ["VmPoweredOnEvent"]
    assert kinds(events(lab, userName=vim.EventFilterSpecByUsername(systemUser=True, userList=["no"]))) == ["VmPoweredOnEvent"]
    assert "VmPoweredOnEvent" not in kinds(events(lab, userName=vim.EventFilterSpecByUsername(systemUser=False)))
    assert events(lab, category=["error"]) == [] and kinds(events(lab, category=["info"], maxCount=1)) == ["VmPoweredOnEvent"]
    assert kinds(events(lab, eventTypeId=["vim.event.VmCreatedEvent"])) == ["VmCreatedEvent"]
    assert events(lab, disableFullMessage=True, maxCount=1)[0].fullFormattedMessage is None
    assert events(lab, maxCount=1)[0].fullFormattedMessage
    assert len(events(lab, entity=of(ROOT, "all"))) == len(events(lab)) and events(lab, entity=of(ROOT)) == []
    with pytest.raises(vim.InvalidArgument):
        events(lab, maxCount=0)
    with pytest.raises(vim.ManagedObjectNotFound):
        events(lab, entity=of(MoRef("VirtualMachine", "77")))


@pytest.mark.shows("LogUserEvent")
def test_a_client_writes_events_of_its_own(lab):
    vm = lab.vm("web")
    seen = lab.watch(MANAGER, "latestEvent")
    lab.call(MANAGER, "LogUserEvent", entity=vm.ref, msg="backup begins")
    [event] = events(lab, category=["user"])
    assert (event.message, event.fullFormattedMessage) == ("backup begins", "User logged event: backup begins")
    assert (event.userName, event.entity.entity, event.vm.vm) == ("root", vm.ref, vm.ref)
    lab.turn()
    assert seen[-1].key == event.key == lab.get(MANAGER, "latestEvent").key
    with pytest.raises(vim.InvalidArgument):
        lab.call(MANAGER, "LogUserEvent", entity=vm.ref, msg="x" * 5000)
    with pytest.raises(vim.NotSupported):
        lab.call(MANAGER, "PostEvent", eventToPost=event)


def test_events_outlive_the_server_and_keys_count_on(lab, tmp_path):
    vm = lab.vm("web")
    lab.run(vm, "PowerOnVM_Task")
    before = [(e.key, type(e).__name__, e.createdTime, e.fullFormattedMessage) for e in events(lab)]
    again = Lab(tmp_path, store=lab.store, before=lab)
    after = [(e.key, type(e).__name__, e.createdTime, e.fullFormattedMessage) for e in events(again)]
    assert after[: len(before)] == before
    # Machines that were there already are no news.
    assert [(key, kind) for key, kind, *_ in after[len(before) :]] == [(before[-1][0] + 1, "UserLoginSessionEvent")]


def test_only_the_newest_thousand_are_kept(lab):
    log = lab.daemon.site.events
    for number in range(1005):
        log.post(vim.GeneralUserEvent(message=str(number)))
    found = lab.call(MANAGER, "QueryEvents", filter=vim.EventFilterSpec())
    assert len(found) == 1000 and found[0].message == "1004"
    assert len(lab.store.facts.keys("event.")) == 1000


@pytest.mark.shows("RetrieveArgumentDescription")
def test_every_class_that_is_posted_is_described(lab):
    said = lab.get(MANAGER, "description")
    details = {each.key: each for each in said.eventInfo}
    on = details["VmPoweredOnEvent"]
    assert (on.category, on.fullFormat) == ("info", "{vm.name} on  {host.name} in {datacenter.name} is powered on")
    assert (on.formatOnHost, details["VmStartingEvent"].formatOnHost) == ("{vm.name} is powered on", "{vm.name} is starting")
    assert [each.key for each in said.category] == ["info", "warning", "error", "user"]
    lab.run(lab.vm("web"), "PowerOnVM_Task")
    assert {type(event).__name__ for event in events(lab)} <= set(details)
    fields = lab.call(MANAGER, "RetrieveArgumentDescription", eventTypeId="vim.event.VmRenamedEvent")
    assert {"oldName", "newName"} <= {field.name for field in fields}
    with pytest.raises(vim.InvalidArgument):
        lab.call(MANAGER, "RetrieveArgumentDescription", eventTypeId="Nonsense")
