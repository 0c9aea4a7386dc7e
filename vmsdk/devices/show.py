"""Records as clients see them: the device list of `config.hardware`, in ESXi's order, with its labels and keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..hypervisor.records import AnyDevice, Controller, Definition, Disk, FilePlace, Nic, Optical
from ..wsdl import MoRef, vim
from .keys import SCSI, implicit_controllers

_CONTROLLER_TYPES: dict[str, tuple[str, str, str]] = {
    "ide": ("VirtualIDEController", "IDE {0}", "IDE {0}"),
    "buslogic": ("VirtualBusLogicController", "SCSI controller {0}", "BusLogic"),
    "lsilogic": ("VirtualLsiLogicController", "SCSI controller {0}", "LSI Logic"),
    "lsisas1068": ("VirtualLsiLogicSASController", "SCSI controller {0}", "LSI Logic SAS"),
    "pvscsi": ("ParaVirtualSCSIController", "SCSI controller {0}", "VMware paravirtual SCSI"),
    "ahci": ("VirtualAHCIController", "SATA controller {0}", "AHCI"),
    "nvme": ("VirtualNVMEController", "NVME controller {0}", "NVME controller {0}"),
    "ehci": ("VirtualUSBController", "USB controller ", "Auto connect Disabled"),
    "xhci": ("VirtualUSBXHCIController", "USB xHCI controller ", "USB xHCI controller"),
}
CARD_TYPES = {
    "vmxnet3": "VirtualVmxnet3", "e1000": "VirtualE1000", "e1000e": "VirtualE1000e", "pcnet": "VirtualPCNet32",
    "virtio": "VirtualVmxnet3",
}  # fmt: skip
_PCI_UNITS = {"ahci": 24, "nvme": 30, "ehci": 22, "xhci": 23}


@dataclass(frozen=True)
class Names:
    """How places and networks are spelled: `place` as `[ds] path`, `datastore` and `network` as references."""

    place: Callable[[FilePlace], str]
    datastore: Callable[[str], MoRef | None]
    network: Callable[[str], MoRef | None]
    machine_number: str = ""
    running: bool = False


def device_list(definition: Definition, names: Names) -> list[Any]:
    """All devices: fixed ones first, then controllers, drives, disks and cards."""
    own = definition.devices
    controllers = [d for d in own if isinstance(d, Controller) and d.model != "ide"]
    order = {"ehci": 0, "xhci": 1, "ahci": 3, "nvme": 4}
    controllers.sort(key=lambda c: (order.get(c.model, 2), c.key))
    drives = sorted((d for d in own if isinstance(d, Optical)), key=lambda d: d.key)
    disks = sorted((d for d in own if isinstance(d, Disk)), key=lambda d: d.key)
    cards = sorted((d for d in own if isinstance(d, Nic)), key=lambda d: d.key)
    made = [controller(c, own) for c in implicit_controllers()]
    made += _fixed(own)
    made += [controller(c, own) for c in controllers]
    made += [optical(d, index, names) for index, d in enumerate(drives)]
    made += [disk(d, index, names) for index, d in enumerate(disks)]
    made += [card(d, index, names) for index, d in enumerate(cards)]
    return made


def _describe(label: str, summary: str) -> Any:
    return vim.Description(label=label, summary=summary)


def _fixed(own: tuple[AnyDevice, ...]) -> list[Any]:
    on_pci = [500, 12000, *(d.key for d in own if isinstance(d, Nic) or (isinstance(d, Controller) and d.model != "ide"))]
    pointing = vim.VirtualPointingDeviceDeviceBackingInfo(deviceName="", useAutoDetect=False, hostPointingDevice="autodetect")
    ps2, pci, sio = (_describe(f"{name} controller 0", f"{name} controller 0") for name in ("PS2", "PCI", "SIO"))
    vmci = _describe(
        "VMCI device", "Device on the virtual machine PCI bus that provides support for the virtual machine communication interface"
    )
    return [
        vim.VirtualPS2Controller(key=300, deviceInfo=ps2, busNumber=0, device=[600, 700]),
        vim.VirtualPCIController(key=100, deviceInfo=pci, busNumber=0, device=on_pci),
        vim.VirtualSIOController(key=400, deviceInfo=sio, busNumber=0),
        vim.VirtualKeyboard(key=600, deviceInfo=_describe("Keyboard ", "Keyboard"), controllerKey=300, unitNumber=0),
        vim.VirtualPointingDevice(
            key=700, deviceInfo=_describe("Pointing device", "Pointing device; Device"), backing=pointing, controllerKey=300,
            unitNumber=1,
        ),
        vim.VirtualMachineVideoCard(
            key=500, deviceInfo=_describe("Video card ", "Video card"), controllerKey=100, unitNumber=0, videoRamSizeInKB=16384,
            numDisplays=1, useAutoDetect=False, enable3DSupport=False, use3dRenderer="automatic", graphicsMemorySizeInKB=262144,
        ),
        vim.VirtualMachineVMCIDevice(
            key=12000, deviceInfo=vmci, controllerKey=100, unitNumber=17, id=-1, allowUnrestrictedCommunication=False,
            filterEnable=True,
        ),
    ]  # fmt: skip


def controller(record: Controller, own: tuple[AnyDevice, ...]) -> Any:
    kind, label, summary = _CONTROLLER_TYPES[record.model]
    on_it = [d.key for d in own if isinstance(d, (Disk, Optical)) and d.controller == record.key]
    facts: dict[str, Any] = {
        "key": record.key, "deviceInfo": _describe(label.format(record.bus), summary.format(record.bus)),
        "busNumber": record.bus, "device": on_it,
    }  # fmt: skip
    if record.model in SCSI:
        facts.update(controllerKey=100, unitNumber=3 + record.bus, hotAddRemove=True, sharedBus="noSharing", scsiCtlrUnitNumber=7)
    elif record.model != "ide":
        facts.update(controllerKey=100, unitNumber=_PCI_UNITS[record.model] + record.bus)
    if record.model in ("ehci", "xhci"):
        facts.update(autoConnectDevices=False)
    if record.model == "ehci":
        facts.update(ehciEnabled=True)
    return getattr(vim, kind)(**facts)


def _shares(level: str, number: int) -> Any:
    return vim.SharesInfo(shares=number, level=level)


def disk(record: Disk, index: int, names: Names) -> Any:
    backing = vim.VirtualDiskFlatVer2BackingInfo(
        fileName=names.place(record.file), datastore=names.datastore(record.file.datastore),
        backingObjectId="", diskMode=record.mode, split=False, writeThrough=record.write_through,
        thinProvisioned=record.thin, eagerlyScrub=record.eager, uuid=record.uuid or None, digestEnabled=False,
        sharing="sharingMultiWriter" if record.sharing == "multi" else "sharingNone",
    )  # fmt: skip
    return vim.VirtualDisk(
        key=record.key, deviceInfo=_describe(f"Hard disk {index + 1}", f"{record.capacity // 1024:,} KB"), backing=backing,
        controllerKey=record.controller, unitNumber=record.unit, capacityInKB=record.capacity // 1024,
        capacityInBytes=record.capacity, shares=_shares("normal", 1000),
        storageIOAllocation=vim.StorageIOAllocationInfo(limit=-1, shares=_shares("normal", 1000), reservation=0),
        diskObjectId=f"{names.machine_number}-{record.key}", nativeUnmanagedLinkedClone=False, guestReadOnly=False,
    )  # fmt: skip


def _connectable(start: bool, guest: bool, connected: bool, running: bool) -> Any:
    now = connected and running
    return vim.VirtualDeviceConnectInfo(
        startConnected=start, allowGuestControl=guest, connected=now, status="ok" if now else "untried"
    )


def optical(record: Optical, index: int, names: Names) -> Any:
    if record.backing == "iso" and record.file is not None:
        text = names.place(record.file)
        backing = vim.VirtualCdromIsoBackingInfo(
            fileName=text, datastore=names.datastore(record.file.datastore), backingObjectId=""
        )
        summary = f"ISO {text}"
    elif record.backing == "host":
        backing = vim.VirtualCdromAtapiBackingInfo(deviceName=record.host_device, useAutoDetect=False)
        summary = f"ATAPI {record.host_device}"
    else:
        backing = vim.VirtualCdromRemotePassthroughBackingInfo(deviceName="", useAutoDetect=False, exclusive=False)
        summary = "Remote device"
    return vim.VirtualCdrom(
        key=record.key, deviceInfo=_describe(f"CD/DVD drive {index + 1}", summary), backing=backing,
        connectable=_connectable(record.start_connected, record.allow_guest_control, record.connected, names.running),
        controllerKey=record.controller, unitNumber=record.unit,
    )  # fmt: skip


def card(record: Nic, index: int, names: Names) -> Any:
    backing = vim.VirtualEthernetCardNetworkBackingInfo(
        deviceName=record.network, useAutoDetect=False, network=names.network(record.network)
    )
    facts: dict[str, Any] = {}
    if CARD_TYPES[record.model] == "VirtualVmxnet3":
        facts["uptv2Enabled"] = False
    return getattr(vim, CARD_TYPES[record.model])(
        key=record.key, deviceInfo=_describe(f"Network adapter {index + 1}", record.network), backing=backing,
        connectable=_connectable(record.start_connected, record.allow_guest_control, record.connected, names.running),
        controllerKey=100, unitNumber=record.unit, addressType=record.mac_kind, macAddress=record.mac,
        wakeOnLanEnabled=record.wake_on_lan,
        resourceAllocation=vim.VirtualEthernetCardResourceAllocation(reservation=0, share=_shares("normal", 50), limit=-1),
        uptCompatibilityEnabled=record.model == "vmxnet3", **facts,
    )  # fmt: skip
