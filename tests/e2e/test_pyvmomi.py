"""pyVmomi over TLS against a real machine with a system in it: booted, watched, suspended, rebooted, shut down, moved, deleted.

What the server says is compared with what lies on disk, with QEMU's processes and with what the guest itself wrote.
"""

from __future__ import annotations

import hashlib
import os
import ssl
from pathlib import Path
from xml.etree import ElementTree

import pytest
from pyVim.connect import SmartConnect
from pyVmomi import vim, vmodl

from tests.e2e.conftest import ISO
from tests.e2e.server import Server
from tests.e2e.vsphere import Host
from tests.hypervisor.kvm.machinery import SERIAL_GUEST, SerialLine


def flat(server: Server, vm: vim.VirtualMachine) -> Path:
    """Where the bytes of a machine's first disk lie."""
    disk = next(d for d in vm.config.hardware.device if isinstance(d, vim.vm.device.VirtualDisk))
    return server.datastore / disk.backing.fileName.partition("] ")[2].replace(".vmdk", "-flat.vmdk")


def boots_of(server: Server, vm: vim.VirtualMachine) -> int:
    """How often the guest has started: it counts in the first sector of its disk."""
    head = flat(server, vm).read_bytes()[:64].rstrip(b"\0").decode()
    return int(head.removeprefix("vmsdk test guest ")) if head else 0


def domain(server: Server, vm: vim.VirtualMachine) -> ElementTree.Element:
    """What libvirt has on disk of a machine, found by its instance UUID."""
    found = [ElementTree.parse(path).getroot() for path in (server.libvirt / "etc" / "qemu").glob("*.xml")]
    return next(root for root in found if root.findtext("uuid") == vm.config.instanceUuid)


def test_a_client_that_does_not_know_the_certificate_is_turned_away(server):
    with pytest.raises(ssl.SSLCertVerificationError):
        SmartConnect(
            host=server.host, port=server.port, user=server.user, pwd=server.password, sslContext=ssl.create_default_context()
        )


# -- a machine with a system -----------------------------------------------------------------------------------------


@pytest.mark.shows("CreateVM_Task", "PowerOnVM_Task", "WaitForUpdatesEx")
def test_a_machine_boots_from_an_iso_and_its_agent_says_who_it_is(server: Server, host: Host, guest_of):
    vm = guest_of(host)

    assert vm.guest.hostName == "vmsdk-guest"
    assert host.until(vm, "guest.ipAddress", bool) == "10.0.2.15"
    devices = {type(d): d for d in vm.config.hardware.device}
    card, cd = devices[vim.vm.device.VirtualVmxnet3], devices[vim.vm.device.VirtualCdrom]
    [net] = vm.guest.net
    assert (net.macAddress, net.network, net.deviceConfigId) == (card.macAddress, "VM Network", card.key)
    assert "10.0.2.15" in net.ipAddress
    assert (cd.backing.fileName, cd.connectable.connected) == (f"[datastore1] {ISO}", True)
    summary = vm.summary.guest
    assert (summary.hostName, summary.ipAddress, summary.toolsStatus) == ("vmsdk-guest", "10.0.2.15", "toolsOk")
    assert (vm.guest.guestFullName, vm.guest.guestState, vm.guestHeartbeatStatus) == ("vmsdk test guest", "running", "green")
    assert boots_of(server, vm) >= 1


@pytest.mark.shows("SuspendVM_Task")
def test_a_suspended_machine_goes_on_where_it_was(server: Server, host: Host, guest_of):
    vm = guest_of(host)
    boots, identity = boots_of(server, vm), vm.config.instanceUuid

    host.done(vm.SuspendVM_Task())
    assert vm.runtime.powerState == "suspended" and vm.runtime.suspendTime is not None
    assert server.qemus_of(identity) == []
    assert vm.guest.toolsRunningStatus == "guestToolsNotRunning"

    host.done(vm.PowerOnVM_Task())
    host.until(vm, "guest.toolsRunningStatus", "guestToolsRunning")
    assert (boots_of(server, vm), vm.guest.hostName) == (boots, "vmsdk-guest"), "it booted anew"


@pytest.mark.shows("RebootGuest")
def test_a_guest_asked_to_reboot_boots_again_in_the_same_machine(server: Server, host: Host, guest_of):
    vm = guest_of(host)
    boots, running = boots_of(server, vm), server.qemus_of(vm.config.instanceUuid)

    with host.watch(vm, "guest.toolsRunningStatus") as updates:
        vm.RebootGuest()
        values = []
        for _, value in updates(90):
            values.append(value)
            if values[-2:] == ["guestToolsNotRunning", "guestToolsRunning"]:
                break

    assert boots_of(server, vm) == boots + 1
    assert (server.qemus_of(vm.config.instanceUuid), vm.runtime.powerState) == (running, "poweredOn")


@pytest.mark.shows("ResetVM_Task", "ShutdownGuest")
def test_a_reset_machine_starts_anew_and_a_guest_asked_to_shut_down_is_off(server: Server, host: Host, guest_of):
    vm = guest_of(host)
    boots = boots_of(server, vm)

    host.done(vm.ResetVM_Task())
    host.until(vm, "guest.toolsRunningStatus", "guestToolsNotRunning")
    host.until(vm, "guest.toolsRunningStatus", "guestToolsRunning")
    assert boots_of(server, vm) == boots + 1

    vm.ShutdownGuest()
    host.until(vm, "runtime.powerState", "poweredOff")
    assert vm.runtime.cleanPowerOff and vm.runtime.bootTime is None
    assert boots_of(server, vm) == boots + 1


@pytest.mark.shows("UnregisterVM", "RegisterVM_Task")
def test_what_a_guest_wrote_survives_unregister_and_register(server: Server, host: Host, guest_of):
    vm = guest_of(host, running=False)
    path, files, identity = flat(server, vm), server.files(), (vm.config.instanceUuid, vm.config.uuid)
    with path.open("r+b") as file:
        file.seek(4 << 20)
        file.write(b"written by the host while the machine is off")
    before = hashlib.sha256(path.read_bytes()).digest()
    keys = [(type(d), d.key) for d in vm.config.hardware.device]

    vm.UnregisterVM()
    assert host.named("guest") is None and server.files() == files
    vm = host.done(host.folder.RegisterVM_Task("[datastore1] guest/guest.vmx", None, False, host.pool))

    assert (vm.name, vm.config.instanceUuid, vm.config.uuid) == ("guest", *identity)
    assert [(type(d), d.key) for d in vm.config.hardware.device] == keys
    assert hashlib.sha256(flat(server, vm).read_bytes()).digest() == before


# -- machines without a system: no boot to wait for ------------------------------------------------------------------


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
