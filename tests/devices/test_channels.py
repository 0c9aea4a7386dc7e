"""IDE channels: every machine has both, its records name those in use."""

from __future__ import annotations

from tests.lab import Lab
from vmsdk.devices.keys import with_channels
from vmsdk.hypervisor.records import Controller, Disk, Nic, Optical
from vmsdk.wsdl import vim


def test_a_drive_put_on_a_channel_that_no_spec_made_has_its_controller_in_the_records(lab: Lab):
    vm = lab.vm("web")
    change = vim.VirtualDeviceConfigSpec(
        operation="add",
        device=vim.VirtualCdrom(
            key=-1, controllerKey=201, unitNumber=0, backing=vim.VirtualCdromRemotePassthroughBackingInfo(deviceName="", exclusive=False)
        ),
    )
    lab.run(vm, "ReconfigVM_Task", spec=vim.VirtualMachineConfigSpec(deviceChange=[change]))

    [machine] = lab.finish(lab.hypervisor.machines())
    controllers = [(d.key, d.bus) for d in machine.definition.devices if isinstance(d, Controller)]
    assert controllers == [(201, 1)]
    shown = [d.key for d in vm.config.hardware.device if type(d).__name__ == "VirtualIDEController"]
    assert shown == [200, 201], "clients see both, used or not"


def test_channels_are_listed_once_first_and_only_while_something_hangs_on_them():
    ide = Controller(key=200, model="ide", bus=0)
    other = Controller(key=1000, model="pvscsi")
    drive = Optical(key=3000, controller=200, unit=0)
    disk = Disk(key=2000, controller=1000, unit=0, file=None, capacity=0)  # type: ignore[arg-type]
    card = Nic(key=4000, model="vmxnet3", network="VM Network", mac="00:0c:29:00:00:01")
    assert with_channels([other, disk, drive, card]) == (ide, other, disk, drive, card)
    assert with_channels([other, ide, drive]) == (ide, other, drive)
    assert with_channels([ide, other, disk]) == (other, disk)
