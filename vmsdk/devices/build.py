"""Device specs applied to records: which devices a machine has afterwards, and which files that takes.

Law: pure. The whole list is judged before anything happens; InvalidDeviceSpec names `property` and `deviceIndex`. Temporary keys hold
inside one spec.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ..hypervisor.records import AnyDevice, Controller, Definition, Disk, FilePlace, Nic, Optical
from ..wsdl import vim
from .keys import CONTROLLERS, controller_of, drive_key, free_bus, free_unit, generated_mac, nic_key, units_taken, with_channels

_CONTROLLER_MODELS = {
    "VirtualBusLogicController": "buslogic", "VirtualLsiLogicController": "lsilogic",
    "VirtualLsiLogicSASController": "lsisas1068", "ParaVirtualSCSIController": "pvscsi", "VirtualAHCIController": "ahci",
    "VirtualSATAController": "ahci", "VirtualNVMEController": "nvme", "VirtualUSBController": "ehci",
    "VirtualUSBXHCIController": "xhci", "VirtualSCSIController": "lsilogic",
}  # fmt: skip
_CARD_MODELS = {
    "VirtualVmxnet3": "vmxnet3", "VirtualE1000": "e1000", "VirtualE1000e": "e1000e", "VirtualPCNet32": "pcnet",
    "VirtualVmxnet": "vmxnet3", "VirtualVmxnet2": "vmxnet3",
}  # fmt: skip
_FLAT = ("VirtualDiskFlatVer2BackingInfo", "VirtualDiskFlatVer1BackingInfo")
_IMPLICIT = {"VirtualIDEController", "VirtualPS2Controller", "VirtualPCIController", "VirtualSIOController", "VirtualKeyboard",
             "VirtualPointingDevice", "VirtualMachineVideoCard", "VirtualMachineVMCIDevice"}  # fmt: skip


@dataclass(frozen=True)
class Surroundings:
    """What specs are judged against: how paths are read, which networks there are, what a disk is called by default."""

    parse: Callable[[str], FilePlace]
    networks: frozenset[str]
    default_disk: Callable[[int], FilePlace]
    mac_taken: Callable[[str], bool] = lambda mac: False


@dataclass
class Plan:
    """The outcome: devices, disks to be made (place, bytes, thin) and disks that must exist already (place -> device key)."""

    devices: list[AnyDevice]
    create: list[Disk] = field(default_factory=list)
    existing: list[Disk] = field(default_factory=list)
    delete: list[Disk] = field(default_factory=list)
    media: list[FilePlace] = field(default_factory=list)


def bad(index: int, name: str, text: str = "") -> Exception:
    said = f"Invalid configuration for device '{index}'."  # clients match on this much
    if text:
        said = f"{said} {text[0].upper()}{text[1:]}."
    return vim.InvalidDeviceSpec(property=f"virtualDeviceSpec.{name}", deviceIndex=index, msg=said)


def apply(definition: Definition, changes: Any, around: Surroundings) -> Plan:
    """All changes of one spec, in order. InvalidDeviceSpec, InvalidDatastorePath …"""
    return _Builder(definition, around).run(changes)


class _Builder:
    def __init__(self, definition: Definition, around: Surroundings):
        self._definition, self._around = definition, around
        self._plan = Plan(list(definition.devices))
        self._real: dict[int, int] = {}  # temporary key -> key
        self._new_disks = 0

    def run(self, changes: Any) -> Plan:
        for index, change in enumerate(changes):
            name = change.device._type.name
            if change.operation == "add":
                self._add(index, name, change)
            elif change.operation in ("edit", "remove"):
                self._change(index, name, change)
            elif name not in _IMPLICIT:
                raise bad(index, "operation", "a device change needs an operation")
        if changes:
            self._plan.devices = list(with_channels(self._plan.devices))
        return self._plan

    # -- add --------------------------------------------------------------------------------------------------

    def _add(self, index: int, name: str, change: Any) -> None:
        device = change.device
        if name in _CONTROLLER_MODELS:
            made: AnyDevice = self._controller(index, _CONTROLLER_MODELS[name], device)
        elif name in _IMPLICIT:
            if name == "VirtualIDEController":
                self._real[device.key] = 200 + min(device.busNumber or 0, 1)
            return  # every machine has these already
        elif name == "VirtualDisk":
            made = self._disk(index, change)
        elif name == "VirtualCdrom":
            made = self._optical(index, device)
        elif name in _CARD_MODELS:
            made = self._card(index, _CARD_MODELS[name], device)
        else:
            raise vim.DeviceUnsupportedForVmPlatform(property="virtualDeviceSpec.device", deviceIndex=index, device=name)
        if device.key is not None:
            self._real[device.key] = made.key
        self._plan.devices.append(made)

    def _controller(self, index: int, model: str, device: Any) -> Controller:
        first, most, _, _ = CONTROLLERS[model]
        bus = free_bus(self._plan.devices, model)
        if device.busNumber is not None and 0 <= device.busNumber < most:
            taken = {d.bus for d in self._plan.devices if isinstance(d, Controller) and CONTROLLERS[d.model][0] == first}
            bus = device.busNumber if device.busNumber not in taken else bus
        if bus is None:
            raise bad(index, "device.busNumber", "there is no free bus for another controller of this kind")
        return Controller(key=first + bus, model=model, bus=bus)

    def _place(self, index: int, device: Any) -> tuple[Controller, int]:
        if device.controllerKey is None:
            raise bad(index, "device.controllerKey", "the device names no controller")
        key = self._real.get(device.controllerKey, device.controllerKey)
        controller = controller_of(self._plan.devices, key)
        if controller is None:
            raise bad(index, "device.controllerKey", f"there is no controller {device.controllerKey}")
        _, _, units, own = CONTROLLERS[controller.model]
        taken = units_taken(self._plan.devices, controller.key)
        unit = device.unitNumber
        if unit is None or unit < 0:
            unit = free_unit(self._plan.devices, controller)
            if unit is None:
                raise bad(index, "device.unitNumber", "the controller is full")
        elif unit >= units or unit == own or unit in taken:
            raise bad(index, "device.unitNumber", f"unit {unit} is not free on this controller")
        return controller, unit

    def _disk(self, index: int, change: Any) -> Disk:
        device, backing = change.device, change.device.backing
        if backing is None or backing._type.name not in _FLAT:
            text = "Only disks that are flat files are had here: no raw devices, no sparse formats."
            raise vim.InvalidDeviceBacking(property="virtualDeviceSpec.device.backing", deviceIndex=index, msg=text)
        controller, unit = self._place(index, device)
        capacity = device.capacityInBytes or (device.capacityInKB or 0) * 1024
        creates = change.fileOperation == "create"
        if creates and capacity <= 0:
            raise bad(index, "device.capacityInKB", "a new disk needs a capacity")
        text = (backing.fileName or "").strip()
        if text and not text.endswith("]"):
            place = self._around.parse(text)
            if not place.path.endswith(".vmdk"):
                raise bad(index, "device.backing.fileName", "a disk's name ends with .vmdk")
        elif creates:
            place = self._around.default_disk(self._new_disks)
            if text:
                place = msgspec.structs.replace(place, datastore=self._around.parse(text).datastore)
            self._new_disks += 1
        else:
            raise bad(index, "device.backing.fileName", "an existing disk needs its file's name")
        mode = backing.diskMode or "persistent"
        made = Disk(
            key=drive_key(controller, unit, False), controller=controller.key, unit=unit, file=place, capacity=capacity,
            uuid=backing.uuid or _disk_uuid(), mode=mode, thin=backing.thinProvisioned is not False or not creates,
            eager=bool(backing.eagerlyScrub), write_through=bool(backing.writeThrough),
        )  # fmt: skip
        if any(isinstance(d, Disk) and d.file == place for d in self._plan.devices):
            raise bad(index, "device.backing.fileName", "the file is a disk of this machine already")
        (self._plan.create if creates else self._plan.existing).append(made)
        return made

    def _optical(self, index: int, device: Any) -> Optical:
        controller, unit = self._place(index, device)
        return self._with_medium(
            index, device,
            Optical(key=drive_key(controller, unit, True), controller=controller.key, unit=unit),
        )  # fmt: skip

    def _with_medium(self, index: int, device: Any, record: Optical) -> Optical:
        backing, connect = device.backing, device.connectable
        facts: dict[str, Any] = {}
        name = backing._type.name if backing is not None else ""
        if name == "VirtualCdromIsoBackingInfo":
            place = self._around.parse(backing.fileName)
            self._plan.media.append(place)
            facts.update(backing="iso", file=place)
        elif "Atapi" in name or ("Passthrough" in name and "Remote" not in name):
            facts.update(backing="host", file=None, host_device=backing.deviceName or "")
        elif name:
            facts.update(backing="client", file=None)
        if connect is not None:
            facts.update(connected=connect.connected or bool(connect.startConnected), start_connected=bool(connect.startConnected),
                         allow_guest_control=bool(connect.allowGuestControl))  # fmt: skip
        elif facts.get("backing") == "iso":
            facts.update(connected=True, start_connected=True)
        return msgspec.structs.replace(record, **facts)

    def _network(self, index: int, device: Any) -> str:
        backing = device.backing
        if backing is None or backing._type.name != "VirtualEthernetCardNetworkBackingInfo":
            raise vim.InvalidDeviceBacking(property="virtualDeviceSpec.device.backing", deviceIndex=index)
        if backing.deviceName not in self._around.networks:
            raise vim.InvalidDeviceBacking(
                property="virtualDeviceSpec.device.backing.deviceName", deviceIndex=index,
                msg=f"There is no network '{backing.deviceName}' on this host.",
            )  # fmt: skip
        return backing.deviceName

    def _card(self, index: int, model: str, device: Any) -> Nic:
        key = nic_key(self._plan.devices)
        if key is None:
            raise bad(index, "device", "the machine has as many cards as it can have")
        connect = device.connectable
        mac, kind = device.macAddress or "", device.addressType or "generated"
        if mac and device.addressType in (None, "", "manual"):
            kind = "manual"
        if kind == "manual" or mac:
            mac = _checked_mac(index, mac)
        else:
            mac = self._fresh_mac(key - 4000)
        return Nic(
            key=key, unit=7 + key - 4000, model=model, network=self._network(index, device), mac=mac,
            mac_kind=kind.lower() if kind.lower() in ("manual", "assigned") else "generated",
            connected=connect is None or connect.connected is not False or bool(connect.startConnected),
            start_connected=connect is None or bool(connect.startConnected),
            allow_guest_control=connect is None or bool(connect.allowGuestControl),
            wake_on_lan=device.wakeOnLanEnabled is not False,
        )  # fmt: skip

    def _fresh_mac(self, number: int) -> str:
        own = {d.mac for d in self._plan.devices if isinstance(d, Nic)}
        for attempt in range(1000):
            mac = generated_mac(self._definition.bios_uuid, number + attempt)
            if mac not in own and not self._around.mac_taken(mac):
                return mac
        raise vim.SystemError(reason="no free MAC address was found")

    # -- edit and remove --------------------------------------------------------------------------------------

    def _change(self, index: int, name: str, change: Any) -> None:
        key = change.device.key
        at = next((i for i, d in enumerate(self._plan.devices) if d.key == key), None)
        if at is None:
            if name in _IMPLICIT:
                return
            raise bad(index, "device.key", f"the machine has no device {key}")
        old = self._plan.devices[at]
        if change.operation == "remove":
            self._remove(index, at, old, change)
        else:
            self._plan.devices[at] = self._edited(index, old, change.device)

    def _remove(self, index: int, at: int, old: AnyDevice, change: Any) -> None:
        if isinstance(old, Controller) and units_taken(self._plan.devices, old.key):
            raise bad(index, "device", "the controller still has devices")
        if isinstance(old, Disk) and change.fileOperation == "destroy":
            self._plan.delete.append(old)
        del self._plan.devices[at]

    def _edited(self, index: int, old: AnyDevice, device: Any) -> AnyDevice:
        if isinstance(old, Optical):
            return self._with_medium(index, device, old)
        if isinstance(old, Nic):
            connect = device.connectable
            facts: dict[str, Any] = {}
            if device.backing is not None:
                facts["network"] = self._network(index, device)
            if device.macAddress and device.macAddress.lower() != old.mac:
                facts.update(mac=_checked_mac(index, device.macAddress), mac_kind="manual")
            if connect is not None:
                facts.update(connected=bool(connect.connected), start_connected=bool(connect.startConnected),
                             allow_guest_control=bool(connect.allowGuestControl))  # fmt: skip
            if device.wakeOnLanEnabled is not None:
                facts["wake_on_lan"] = device.wakeOnLanEnabled
            return msgspec.structs.replace(old, **facts)
        if isinstance(old, Disk):
            capacity = device.capacityInBytes or (device.capacityInKB or 0) * 1024 or old.capacity
            if capacity < old.capacity:
                raise bad(index, "device.capacityInKB", "a disk cannot be made smaller")
            mode = device.backing.diskMode if device.backing is not None and device.backing.diskMode else old.mode
            return msgspec.structs.replace(old, capacity=capacity, mode=mode)
        return old


def _disk_uuid() -> str:
    """As hosts spell a disk's UUID: 6000C29 and random digits."""
    digits = "6000C29" + uuid.uuid4().hex[7:]
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _checked_mac(index: int, text: str) -> str:
    parts = text.lower().replace("-", ":").split(":")
    good = len(parts) == 6 and all(len(p) == 2 and all(c in "0123456789abcdef" for c in p) for p in parts)
    if not good or int(parts[0], 16) & 1 if good else True:
        raise bad(index, "device.macAddress", f"'{text[:40]}' is no address of a card")
    return ":".join(parts)
