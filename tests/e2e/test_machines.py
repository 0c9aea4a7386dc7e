"""Real machines without a system: no boot to wait for. What pyVmomi is told is compared with libvirt's own files, QEMU's
command line and what lies on the datastore.
"""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree

import pytest
from pyVmomi import vim, vmodl

from tests.e2e.server import Server
from tests.e2e.vsphere import Host, flat
from tests.hypervisor.kvm.machinery import SERIAL_GUEST, SerialLine


def domain(server: Server, vm: vim.VirtualMachine) -> ElementTree.Element:
    """What libvirt has on disk of a machine, found by its instance UUID."""
    found = [ElementTree.parse(path).getroot() for path in (server.libvirt / "etc" / "qemu").glob("*.xml")]
    return next(root for root in found if root.findtext("uuid") == vm.config.instanceUuid)


@pytest.mark.shows("ReconfigVM_Task")
def test_a_reconfigured_machine_is_so_in_libvirt_too(server: Server, host: Host, machine):
    vm = machine("before")
    version = vm.config.changeVersion
    host.done(
        vm.ReconfigVM_Task(
            vim.vm.ConfigSpec(
                name="after", annotation='<b>two\nlines & "quotes"', numCPUs=2, memoryMB=96,
                extraConfig=[vim.option.OptionValue(key="guestinfo.job", value="a=b;c")],
            )
        )
    )  # fmt: skip

    config = vm.config
    assert (vm.name, config.name, vm.summary.config.name) == ("after", "after", "after")
    assert (config.annotation, config.hardware.numCPU, config.hardware.memoryMB) == ('<b>two\nlines & "quotes"', 2, 96)
    assert [o.value for o in config.extraConfig if o.key == "guestinfo.job"] == ["a=b;c"]
    assert config.changeVersion > version
    root = domain(server, vm)
    assert (root.findtext("name"), root.findtext("vcpu"), root.find("memory").text) == ("after", "2", str(96 << 10))
    lines = (server.datastore / "before" / "before.vmx").read_text().splitlines()
    assert {'displayName = "after"', 'numvcpus = "2"', 'memSize = "96"', 'guestinfo.job = "a=b;c"'} <= set(lines)

    host.done(vm.PowerOnVM_Task())
    [qemu] = server.qemus_of(vm.config.instanceUuid)
    words = Path(f"/proc/{qemu}/cmdline").read_text().split("\0")
    assert words[words.index("-smp") + 1].startswith("2,") and words[words.index("-m") + 1].startswith(("96", "size=98304k"))


@pytest.mark.shows("Rename_Task", "Destroy_Task")
def test_a_renamed_machine_keeps_its_files_and_a_destroyed_one_leaves_none(server: Server, host: Host, machine):
    vm = machine("early")
    assert sorted(os.listdir(server.datastore / "early")) == ["early-flat.vmdk", "early.vmdk", "early.vmx"]

    host.done(vm.Rename_Task("late"))
    assert (vm.name, domain(server, vm).findtext("name")) == ("late", "late")
    assert (vm.config.files.vmPathName, vm.parent) == ("[datastore1] early/early.vmx", host.folder)

    host.done(vm.Destroy_Task())
    assert "early" not in os.listdir(server.datastore) and "late" not in server.domains()
    assert host.named("late") is None
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        vm.name  # noqa: B018 - the read is the test


def test_a_client_that_waits_sees_every_state_and_then_that_the_machine_left(host: Host, machine):
    pc = vmodl.query.PropertyCollector
    view = host.content.viewManager.CreateContainerView(host.folder, [vim.VirtualMachine], True)
    walk = pc.TraversalSpec(name="all", type=vim.view.ContainerView, path="view", skip=False)
    collector = host.content.propertyCollector.CreatePropertyCollector()
    collector.CreateFilter(
        pc.FilterSpec(
            objectSet=[pc.ObjectSpec(obj=view, skip=True, selectSet=[walk])],
            propSet=[pc.PropertySpec(type=vim.VirtualMachine, pathSet=["name", "runtime.powerState"])],
        ),
        True,
    )
    first = collector.WaitForUpdatesEx("", pc.WaitOptions(maxWaitSeconds=0))
    version = first.version if first is not None else ""  # nothing yet when there is no machine

    def news() -> list:
        nonlocal version
        found = collector.WaitForUpdatesEx(version, pc.WaitOptions(maxWaitSeconds=30))
        assert found is not None and not found.truncated
        version = found.version
        return [
            (o.kind, o.obj._moId, {c.name: c.val for c in o.changeSet}) for f in found.filterSet for o in f.objectSet
        ]

    vm = machine("watched")
    key = vm._moId
    assert news() == [("enter", key, {"name": "watched", "runtime.powerState": "poweredOff"})]
    for operation, state in (("PowerOnVM_Task", "poweredOn"), ("SuspendVM_Task", "suspended"), ("PowerOnVM_Task", "poweredOn"),
                             ("PowerOffVM_Task", "poweredOff")):  # fmt: skip
        host.done(getattr(vm, operation)())
        assert news() == [("modify", key, {"runtime.powerState": state})]
    host.done(vm.Rename_Task("seen"))
    assert news() == [("modify", key, {"name": "seen"})]
    host.done(vm.Destroy_Task())
    assert news() == [("leave", key, {})]
    assert collector.WaitForUpdatesEx(version, pc.WaitOptions(maxWaitSeconds=0)) is None
    collector.DestroyPropertyCollector()
    view.DestroyView()


def test_a_guest_that_powers_itself_off_appears_so(server: Server, host: Host, machine):
    vm = machine("serial")
    with flat(server, vm).open("r+b") as file:
        file.write(SERIAL_GUEST.ljust(510, b"\0") + b"\x55\xaa")
    host.done(vm.PowerOnVM_Task())
    line = SerialLine(str(server.libvirt / "consoles" / f"{vm.config.instanceUuid}.serial"))
    line.until(b"R")

    with host.watch(vm, "runtime.powerState", "runtime.cleanPowerOff") as updates:
        values = updates(60)
        assert ("runtime.powerState", "poweredOn") in values
        line.say(b"q")
        assert ("runtime.powerState", "poweredOff") in values
    line.close()
    assert server.qemus_of(vm.config.instanceUuid) == []


@pytest.mark.shows("CancelTask")
def test_a_task_tells_who_did_what_to_which_machine_and_stays_to_be_read(host: Host, machine):
    vm = machine("tasks")
    on = vm.PowerOnVM_Task()
    host.done(on)
    info = on.info
    assert (info.state, info.entity, info.entityName, info.descriptionId) == ("success", vm, "tasks", "VirtualMachine.powerOn")
    assert info.queueTime <= info.startTime <= info.completeTime
    assert (info.name, info.reason.userName, info.cancelable) == (vim.VirtualMachine.PowerOn, "root", False)
    again = vm.PowerOnVM_Task()
    with pytest.raises(vim.fault.InvalidPowerState):
        host.done(again)
    assert again.info.state == "error" and isinstance(again.info.error, vim.fault.InvalidPowerState)

    assert list(vm.recentTask)[-2:] == [on, again]
    assert {on, again} <= set(host.content.taskManager.recentTask)
    with pytest.raises(vim.fault.InvalidState):
        on.CancelTask()


@pytest.mark.shows("CreateCollectorForTasks", "ReadPreviousTasks")
def test_the_history_of_a_machine_outlives_the_machine(host: Host, machine):
    vm = machine("history")
    tasks = []
    for start in (lambda: vm.Rename_Task("historic"), vm.PowerOnVM_Task):
        tasks.append(start())
        host.done(tasks[-1])
    manager = host.content.taskManager
    by_entity = vim.TaskFilterSpec.ByEntity(entity=vm, recursion="self")
    collector = manager.CreateCollectorForTasks(vim.TaskFilterSpec(entity=by_entity))

    told = {info.key: info for info in collector.latestPage}
    assert {task._moId for task in tasks} <= set(told)
    renamed = told[tasks[0]._moId]
    assert (renamed.state, renamed.entity, renamed.reason.userName) == ("success", vm, "root")
    collector.DestroyCollector()
    host.destroy(vm)
    assert tasks[0].info.entityName == "history", "as it was called when the task began"


def test_a_machine_with_efi_keeps_its_nvram_beside_it_and_takes_it_along(server: Server, host: Host, machine):
    vm = machine("efi", firmware="efi", memory=128)
    assert (vm.config.firmware, vm.runtime.powerState) == ("efi", "poweredOff")
    host.done(vm.PowerOnVM_Task())
    [qemu] = server.qemus_of(vm.config.instanceUuid)
    assert "OVMF_CODE" in Path(f"/proc/{qemu}/cmdline").read_text()
    host.done(vm.PowerOffVM_Task())
    remembered = (server.datastore / "efi" / "efi.nvram").read_bytes()
    vm.UnregisterVM()
    vm = host.done(host.folder.RegisterVM_Task("[datastore1] efi/efi.vmx", None, False, host.pool))
    assert (vm.config.firmware, (server.datastore / "efi" / "efi.nvram").read_bytes()) == ("efi", remembered)
    host.done(vm.Destroy_Task())
    assert "efi" not in os.listdir(server.datastore)


def test_what_a_suspended_machine_remembers_goes_with_it(server: Server, host: Host, machine):
    def memories() -> list[Path]:
        return [path for path in (server.libvirt / "lib" / "qemu" / "save").rglob("*") if path.is_file()]

    vm = machine("asleep")
    host.done(vm.PowerOnVM_Task())
    host.done(vm.SuspendVM_Task())
    assert len(memories()) == 1
    host.done(vm.PowerOffVM_Task())
    assert vm.runtime.powerState == "poweredOff" and memories() == []
    host.done(vm.PowerOnVM_Task())
    host.done(vm.SuspendVM_Task())
    host.done(vm.Destroy_Task())
    assert memories() == [] and "asleep" not in os.listdir(server.datastore)
