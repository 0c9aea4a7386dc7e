"""A machine's life as a client sees it."""

from __future__ import annotations

import pytest

from tests.lab import Proxy
from vmsdk.hypervisor.errors import HypervisorError
from vmsdk.wsdl import MoRef, vim


@pytest.mark.shows("PowerOnVM_Task")
def test_power_on_starts_the_machine(lab):
    vm = lab.vm("web")
    seen = lab.watch(vm, "runtime.powerState")

    task = lab.call(vm, "PowerOnVM_Task")
    assert (task.info.state, vm.runtime.powerState) == ("running", "poweredOff")

    lab.step()
    assert (task.info.state, vm.runtime.powerState) == ("success", "poweredOn")
    # A client told that the task is done must already see the machine on.
    assert seen == ["poweredOff", "poweredOn"]


def test_a_client_sees_the_new_state_no_later_than_the_tasks_success(lab):
    vm = lab.vm("web")
    task = lab.call(vm, "PowerOnVM_Task")
    while task.info.state == "running":
        lab.step(1)
    assert (task.info.state, vm.runtime.powerState) == ("success", "poweredOn")


@pytest.mark.parametrize("operation", ["PowerOffVM_Task", "ResetVM_Task", "SuspendVM_Task"])
def test_what_needs_a_running_machine_is_refused_in_the_task(lab, operation):
    vm = lab.vm("web")
    with pytest.raises(vim.InvalidPowerState) as refused:
        lab.run(vm, operation)
    assert refused.value.existingState == "poweredOff"
    assert refused.value.msg == "The attempted operation cannot be performed in the current state (Powered off)."
    assert operation in vm.disabledMethod


def test_the_table_of_power_states_decides_refusal_and_disabled_methods_alike(lab):
    vm = lab.vm("web")
    assert "PowerOnVM_Task" not in vm.disabledMethod
    lab.run(vm, "PowerOnVM_Task")
    assert {"PowerOnVM_Task", "Destroy_Task", "UnregisterVM"} <= set(vm.disabledMethod)
    assert "PowerOffVM_Task" not in vm.disabledMethod


@pytest.mark.shows("SuspendVM_Task")
def test_suspend_and_resume(lab):
    vm = lab.vm("web")
    lab.run(vm, "PowerOnVM_Task")
    lab.run(vm, "SuspendVM_Task")
    assert (vm.runtime.powerState, vm.runtime.bootTime) == ("suspended", None)
    lab.run(vm, "PowerOnVM_Task")
    assert vm.runtime.powerState == "poweredOn"


@pytest.mark.shows("TerminateVM")
def test_terminate_ends_the_machine_at_once(lab):
    vm = lab.vm("web")
    with pytest.raises(vim.InvalidPowerState):
        lab.call(vm, "TerminateVM")
    lab.run(vm, "PowerOnVM_Task")
    lab.call(vm, "TerminateVM")
    assert vm.runtime.powerState == "poweredOff"


def test_a_guest_that_powers_itself_off_appears_so(lab):
    vm = lab.vm("web")
    lab.run(vm, "PowerOnVM_Task")
    seen = lab.watch(vm, "runtime.powerState")
    lab.hypervisor.guest_powers_off(vm.config.instanceUuid)
    lab.step()
    assert seen == ["poweredOn", "poweredOff"]


def test_a_second_task_on_a_busy_machine_is_refused_and_names_the_first(lab):
    vm = lab.vm("web")
    first = lab.call(vm, "PowerOnVM_Task")
    with pytest.raises(vim.TaskInProgress) as refused:
        lab.call(vm, "ReconfigVM_Task", spec=vim.VirtualMachineConfigSpec(annotation="x"))
    assert refused.value.task == first.ref
    lab.step()
    lab.run(vm, "ReconfigVM_Task", spec=vim.VirtualMachineConfigSpec(annotation="x"))
    assert vm.config.annotation == "x"


def test_shutdown_without_an_agent_says_that_tools_are_not_running(lab):
    vm = lab.vm("web")
    lab.run(vm, "PowerOnVM_Task")
    with pytest.raises(vim.ToolsUnavailable):
        lab.call(vm, "ShutdownGuest")


@pytest.mark.shows("CreateVM_Task")
def test_create_makes_the_machine_with_its_disk_card_and_files(lab):
    vm = lab.vm("web", disk_kb=65536, network="VM Network")
    kinds = [type(d).__name__ for d in vm.config.hardware.device]
    assert kinds[-3:] == ["ParaVirtualSCSIController", "VirtualDisk", "VirtualVmxnet3"]
    disk = next(d for d in vm.config.hardware.device if d.key == 2000)
    assert (disk.capacityInKB, disk.backing.fileName, disk.controllerKey) == (65536, f"[{lab.datastore}] web/web.vmdk", 1000)
    card = next(d for d in vm.config.hardware.device if d.key == 4000)
    assert card.macAddress.startswith("00:0c:29:") and card.backing.deviceName == "VM Network"
    names = {f.name.rpartition("/")[2] for f in vm.layoutEx.file}
    assert {"web.vmx", "web.vmdk", "web-flat.vmdk"} <= names


def test_a_name_is_had_once(lab):
    vm = lab.vm("web")
    with pytest.raises(vim.DuplicateName) as refused:
        lab.vm("web")
    assert (refused.value.name, refused.value.object) == ("web", vm.ref)


def test_two_creates_of_one_name_at_once_make_one_machine(lab):
    tasks = [lab.call(lab.folder, "CreateVM_Task", config=lab.spec("web"), pool=lab.pool) for _ in range(2)]
    lab.step()
    assert sorted(task.info.state for task in tasks) == ["error", "success"]
    assert len(lab.machines) == 1


@pytest.mark.parametrize(
    ("facts", "fault"),
    [
        ({"name": ""}, "InvalidName"),
        ({"guestId": "noSuchGuest"}, "InvalidArgument"),
        ({"memoryMB": 3}, "InvalidArgument"),
        ({"files": vim.VirtualMachineFileInfo(vmPathName="[nowhere]")}, "InvalidDatastore"),
        ({"files": vim.VirtualMachineFileInfo(vmPathName="no brackets")}, "InvalidDatastorePath"),
        ({"files": vim.VirtualMachineFileInfo(vmPathName="[datastore1] ../x/x.vmx")}, "InvalidDatastorePath"),
        ({"network": "No such network"}, "InvalidDeviceBacking"),
        ({"iso": "[datastore1] none.iso"}, "FileNotFound"),
        ({"version": "vmx-99"}, "InvalidArgument"),
    ],
)
def test_a_spec_that_is_wrong_makes_nothing(lab, facts, fault):
    with pytest.raises(getattr(vim, fault)):
        lab.vm(**{"name": "web", "disk_kb": 65536, **facts})
    assert lab.machines == []
    place = next(iter(lab.daemon.site.host.datastores))
    from vmsdk.hypervisor.records import FilePlace

    assert lab.finish(lab.hypervisor.storage.list(FilePlace(datastore=place, path=""))) == ()


def test_a_failing_step_of_create_leaves_nothing_behind(lab):
    lab.hypervisor.conditions.fail("define", HypervisorError("the hypervisor says no"))
    with pytest.raises(vim.SystemError) as failed:
        lab.vm("web", disk_kb=65536)
    assert "the hypervisor says no" in failed.value.msg
    assert lab.machines == []
    lab.vm("web", disk_kb=65536)


@pytest.mark.shows("ReconfigVM_Task")
def test_reconfigure_changes_everything_of_a_spec(lab):
    vm = lab.vm("web")
    before = vm.config.changeVersion
    lab.clock.advance(1)
    spec = vim.VirtualMachineConfigSpec(
        numCPUs=2, memoryMB=256, annotation="notes", guestId="debian12_64Guest",
        extraConfig=[vim.OptionValue(key="guestinfo.a", value="1")], cpuHotAddEnabled=True,
        bootOptions=vim.VirtualMachineBootOptions(bootDelay=1000),
    )  # fmt: skip
    lab.run(vm, "ReconfigVM_Task", spec=spec)
    config = vm.config
    assert (config.hardware.numCPU, config.hardware.memoryMB, config.annotation) == (2, 256, "notes")
    assert (config.guestId, config.cpuHotAddEnabled, config.bootOptions.bootDelay) == ("debian12_64Guest", True, 1000)
    assert {o.key: o.value for o in config.extraConfig}["guestinfo.a"] == "1"
    assert config.changeVersion != before


def test_reconfigure_with_a_stale_change_version_changes_nothing(lab):
    vm = lab.vm("web")
    with pytest.raises(vim.ConcurrentAccess):
        lab.run(vm, "ReconfigVM_Task", spec=vim.VirtualMachineConfigSpec(changeVersion="old", annotation="x"))
    assert vm.config.annotation == ""


def test_a_bad_device_in_a_spec_changes_nothing_of_it(lab):
    vm = lab.vm("web")
    bad = vim.VirtualDeviceConfigSpec(operation="remove", device=vim.VirtualDisk(key=2042, capacityInKB=1))
    with pytest.raises(vim.InvalidDeviceSpec) as refused:
        lab.run(vm, "ReconfigVM_Task", spec=vim.VirtualMachineConfigSpec(annotation="x", deviceChange=[bad]))
    assert refused.value.deviceIndex == 0
    assert vm.config.annotation == ""


@pytest.mark.shows("Rename_Task")
def test_rename_keeps_the_files_and_tells_watchers(lab):
    vm = lab.vm("web")
    seen = lab.watch(vm, "name")
    lab.run(vm, "Rename_Task", newName="www")
    assert (vm.name, vm.config.name, seen) == ("www", "www", ["web", "www"])
    assert vm.config.files.vmPathName.endswith("web/web.vmx")


@pytest.mark.shows("UnregisterVM", "RegisterVM_Task")
def test_unregister_keeps_the_files_and_register_brings_the_same_machine_back(lab):
    vm = lab.vm("web", disk_kb=65536, network="VM Network", annotation='a "quoted" note\nof two lines')
    config, path = vm.config, vm.config.files.vmPathName
    lab.root.call(vm, "UnregisterVM")
    assert lab.machines == []
    again = Proxy(lab.root, lab.run(lab.folder, "RegisterVM_Task", path=path, asTemplate=False, pool=lab.pool))
    assert again.ref != vm.ref
    back = again.config
    for disk in (d for d in [*config.hardware.device, *back.hardware.device] if type(d).__name__ == "VirtualDisk"):
        disk.diskObjectId = None  # holds the machine's number
    assert back == config


@pytest.mark.shows("Destroy_Task")
def test_destroy_takes_the_files_along(lab):
    from vmsdk.hypervisor.records import FilePlace

    vm = lab.vm("web", disk_kb=65536)
    task = lab.call(vm, "Destroy_Task")
    lab.step()
    assert task.info.state == "success"
    with pytest.raises(vim.ManagedObjectNotFound) as gone:
        lab.get(vm, "name")
    assert gone.value.obj == vm.ref
    assert "has already been deleted or has not been completely created" in gone.value.msg
    place = next(iter(lab.daemon.site.host.datastores))
    assert lab.finish(lab.hypervisor.storage.list(FilePlace(datastore=place, path=""))) == ()


def test_a_reference_is_never_given_again(lab):
    first = lab.vm("web")
    lab.run(first, "Destroy_Task")
    assert lab.vm("web").ref != first.ref


def test_an_operation_that_we_do_not_have_yet_says_so_in_a_typed_fault(lab):
    vm = lab.vm("web")
    with pytest.raises(vim.NotImplemented):
        lab.call(vm, "MigrateVM_Task", priority="defaultPriority")
    with pytest.raises(vim.MethodNotFound):
        lab.call(MoRef("Folder", "ha-folder-vm"), "PowerOnVM_Task")


def test_a_raw_device_is_refused_not_made_into_a_file(lab):
    spec = lab.spec("web", disk_kb=65536)
    raw = vim.VirtualDiskRawDiskMappingVer1BackingInfo(fileName="", deviceName="/dev/sda", compatibilityMode="physicalMode", diskMode="")
    spec.deviceChange[1].device.backing = raw
    with pytest.raises(vim.InvalidDeviceBacking):
        lab.run(lab.folder, "CreateVM_Task", config=spec, pool=lab.pool)
    assert lab.machines == []


def test_a_disk_may_lie_on_another_datastore_and_goes_with_its_folder(tmp_path):
    from tests.lab import Lab
    from vmsdk.hypervisor.records import FilePlace

    lab = Lab(tmp_path, shape="large")
    first, second = [cell.get() for cell in lab.daemon.site.host.datastores.values()][:2]
    spec = lab.spec("web", disk_kb=65536)
    spec.files.vmPathName = f"[{first.name}]"
    spec.deviceChange[1].device.backing.fileName = f"[{second.name}]"
    vm = Proxy(lab.root, lab.run(lab.folder, "CreateVM_Task", config=spec, pool=lab.pool))
    disk = next(d for d in vm.config.hardware.device if d.key == 2000)
    assert disk.backing.fileName == f"[{second.name}] web/web.vmdk"
    assert len(vm.datastore) == 2
    lab.run(vm, "Destroy_Task")
    for store in (first, second):
        assert lab.finish(lab.hypervisor.storage.list(FilePlace(datastore=store.id, path=""))) == ()


def test_a_disk_removed_with_its_file_is_gone_and_nothing_stays_in_the_journal(lab):
    from vmsdk.hypervisor.records import FilePlace

    vm = lab.vm("web", disk_kb=65536)
    disk = next(d for d in vm.config.hardware.device if d.key == 2000)
    change = vim.VirtualDeviceConfigSpec(operation="remove", fileOperation="destroy", device=disk)
    lab.run(vm, "ReconfigVM_Task", spec=vim.VirtualMachineConfigSpec(deviceChange=[change]))
    assert 2000 not in [d.key for d in vm.config.hardware.device]
    folder = FilePlace(datastore=next(iter(lab.daemon.site.host.datastores)), path="web")
    assert [entry.path for entry in lab.finish(lab.hypervisor.storage.list(folder))] == ["web/web.vmx"]
    assert lab.store.database.rows("SELECT id FROM intent") == []
