"""The order in which a machine looks for something to boot."""

from __future__ import annotations

from tests.lab import Lab
from vmsdk.wsdl import vim


def test_a_boot_order_is_set_kept_and_taken_back_by_an_entry_of_no_device(lab: Lab):
    vm = lab.vm("web", disk_kb=1024)
    disk = vim.VirtualMachineBootOptionsBootableDiskDevice(deviceKey=2000)

    def order(*entries: object) -> list[str]:
        options = vim.VirtualMachineBootOptions(bootOrder=list(entries))
        lab.run(vm, "ReconfigVM_Task", spec=vim.VirtualMachineConfigSpec(bootOptions=options))
        return [type(entry).__name__ for entry in vm.config.bootOptions.bootOrder]

    cdrom = vim.VirtualMachineBootOptionsBootableCdromDevice()
    assert order(cdrom, disk) == ["VirtualMachineBootOptionsBootableCdromDevice", "VirtualMachineBootOptionsBootableDiskDevice"]
    assert order() == ["VirtualMachineBootOptionsBootableCdromDevice", "VirtualMachineBootOptionsBootableDiskDevice"]
    assert order(vim.VirtualMachineBootOptionsBootableDevice()) == []
