"""Devices of a definition as libvirt elements.

Law: a device is what it says, at the unit that it says; what QEMU has no device for is Unsupported, by name. Every
element carries the alias `ua-<key>`, by which it is found again; its target name follows from controller and unit
alone.
"""

from __future__ import annotations

import string
import uuid

from lxml import etree
from lxml.builder import E

from ..errors import Unsupported
from ..records import AnyDevice, Controller, Definition, Disk, Nic, Optical
from .layout import flat_of, is_descriptor_name
from .site import Site

Element = etree._Element

SCSI = {"lsilogic": "lsilogic", "lsisas1068": "lsisas1068", "pvscsi": "vmpvscsi"}
USB = {"ehci": "ich9-ehci1", "xhci": "qemu-xhci"}
NICS = {"vmxnet3", "e1000", "e1000e", "pcnet", "virtio"}
# How many units QEMU's device has. The real LSI parallel card and ours both keep 7 for themselves.
UNITS = {"ide": 2, "ahci": 6, "lsilogic": 7, "lsisas1068": 8, "pvscsi": 64}


def alias(key: int) -> str:
    return f"ua-{key}"


def drive_name(prefix: str, number: int) -> str:
    """sda, sdb … sdz, sdaa …"""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = string.ascii_lowercase[rest] + letters
    return prefix + letters


class Slots:
    """Where each unit of each controller lies in libvirt's numbering. `q35` has no IDE: its units lie on SATA
    there.
    """

    def __init__(self, definition: Definition, q35: bool):
        self._q35, self.uuid = q35, definition.uuid
        self._controllers = {device.key: device for device in definition.devices if isinstance(device, Controller)}
        by_bus = sorted(self._controllers.values(), key=lambda one: (one.bus, one.key))
        self.scsi = {one.key: index for index, one in enumerate(c for c in by_bus if c.model in SCSI)}
        ahci = [one for one in by_bus if one.model == "ahci"]
        # q35 has a SATA controller of its own, which is number 0; it takes what would be IDE elsewhere.
        first = 1 if q35 and any(one.model == "ide" for one in by_bus) else 0
        self.sata = {one.key: first + index for index, one in enumerate(ahci)}

    def controller(self, device: Disk | Optical) -> Controller:
        found = self._controllers.get(device.controller)
        if found is None:
            raise Unsupported(
                f"Device {device.key} is on controller {device.controller}, which the machine does not have."
            )
        return found

    def place(self, device: Disk | Optical) -> tuple[str, str, dict[str, str]]:
        """(bus, target name, address attributes)."""
        controller = self.controller(device)
        model, unit = controller.model, device.unit
        limit = UNITS.get(model)
        if limit is None:
            raise Unsupported(f"QEMU, or this libvirt, has no {model} controller for disks.")
        if not 0 <= unit < limit:
            raise Unsupported(f"QEMU's {model} controller has {limit} units, 0 to {limit - 1}; {unit} is asked for.")
        if model == "ide":
            number = controller.bus * 2 + unit
            if not self._q35:
                return "ide", drive_name("hd", number), self._address(0, controller.bus, 0, unit)
            return "sata", drive_name("sd", 64 + number), self._address(0, 0, 0, number)
        if model == "ahci":
            index = self.sata[controller.key]
            return "sata", drive_name("sd", 64 + 32 * index + unit), self._address(index, 0, 0, unit)
        index = self.scsi[controller.key]
        # libvirt's word for a parallel SCSI id is `unit`, for the others `target`.
        target, lun = (0, unit) if model == "lsilogic" else (unit, 0)
        return "scsi", drive_name("sd", 16 * index + unit), self._address(index, 0, target, lun)

    @staticmethod
    def _address(controller: int, bus: int, target: int, unit: int) -> dict[str, str]:
        return {
            "type": "drive",
            "controller": str(controller),
            "bus": str(bus),
            "target": str(target),
            "unit": str(unit),
        }


def controllers(definition: Definition, slots: Slots, q35: bool) -> list[Element]:
    found: list[Element] = []
    usb = 0
    for device in definition.devices:
        if not isinstance(device, Controller):
            continue
        if device.model in SCSI:
            found.append(
                E.controller(
                    E.alias(name=alias(device.key)),
                    type="scsi",
                    index=str(slots.scsi[device.key]),
                    model=SCSI[device.model],
                )
            )
        elif device.model == "ahci":
            index = slots.sata[device.key]
            found.append(E.controller(E.alias(name=alias(device.key)), type="sata", index=str(index)))
        elif device.model in USB:
            usb += 1
            found.append(
                E.controller(E.alias(name=alias(device.key)), type="usb", index=str(usb), model=USB[device.model])
            )
        elif device.model == "ide":
            if not 0 <= device.bus <= 1:
                raise Unsupported("A PC has two IDE channels, 0 and 1.")
        elif device.model != "nvme":
            raise Unsupported(f"QEMU, or this libvirt, has no {device.model} controller.")
    found.append(
        E.controller(
            E.alias(name="ua-usb") if q35 else "", type="usb", index="0", model="qemu-xhci" if q35 else "piix3-uhci"
        )
    )
    found.append(E.controller(E.alias(name="ua-serialbus"), type="virtio-serial", index="0"))
    return found


def disk(device: Disk, slots: Slots, site: Site, order: int | None) -> Element:
    bus, target, address = slots.place(device)
    path = site.path(device.file)
    cache = "none" if device.file.datastore in site.direct_io else "writeback"
    if device.write_through:
        cache = "directsync" if cache == "none" else "writethrough"
    driver = {"name": "qemu", "type": "raw", "cache": cache}
    if device.thin:
        driver["discard"] = "unmap"
    element = E.disk(
        E.driver(**driver),
        E.source(file=flat_of(path) if is_descriptor_name(path) else path),
        E.target(dev=target, bus=bus),
        type="file",
        device="disk",
    )
    if order is not None:
        element.append(E.boot(order=str(order)))
    if device.sharing != "none":
        element.append(E.shareable())
    if device.mode == "independent_nonpersistent":
        element.append(E.transient())
    if serial := _hex(device.uuid)[:20]:  # 20 is all that IDE can say
        element.append(E.serial(serial))
    if slots.controller(device).model == "lsisas1068":
        element.append(E.wwn(wwn_of(device, slots.uuid)))
    element.append(E.alias(name=alias(device.key)))
    element.append(E.address(**address))
    return element


def wwn_of(device: Disk, machine: str) -> str:
    """A disk's SAS address. Without one QEMU's card tells 0, and Linux and others take no notice of the disk."""
    identity = _hex(device.uuid) or uuid.uuid5(uuid.NAMESPACE_OID, f"{machine} {device.key}").hex
    return "5000c29" + identity[-9:].rjust(9, "0")


def _hex(text: str) -> str:
    """The hexadecimal digits of an identity, however a client wrote it."""
    return "".join(mark for mark in text.lower() if mark in string.hexdigits)


def optical(device: Optical, slots: Slots, site: Site, order: int | None) -> Element:
    bus, target, address = slots.place(device)
    kind, source = "file", None
    if device.start_connected and device.backing == "iso" and device.file is not None:
        source = E.source(file=site.path(device.file))
    elif device.start_connected and device.backing == "host" and device.host_device:
        kind, source = "block", E.source(dev=device.host_device)
    element = E.disk(E.driver(name="qemu", type="raw"), type=kind, device="cdrom")
    if source is not None:
        element.append(source)
    element.append(E.target(dev=target, bus=bus))
    if order is not None:
        element.append(E.boot(order=str(order)))
    element.append(E.readonly())
    element.append(E.alias(name=alias(device.key)))
    element.append(E.address(**address))
    return element


def nic(device: Nic, site: Site, order: int | None) -> Element:
    if device.model not in NICS:
        raise Unsupported(f"QEMU has no {device.model} network card.")
    network = site.network(device.network)
    if network is None:
        raise Unsupported(f"There is no network {device.network}.")
    if network.kind == "user":
        element = E.interface(type="user")
    elif network.kind == "bridge":
        if network.vlan:
            raise Unsupported(f"Network {network.name}: a VLAN needs Open vSwitch, a Linux bridge has none here.")
        element = E.interface(E.source(bridge=network.bridge), type="bridge")
    elif network.kind == "openvswitch":
        element = E.interface(E.source(bridge=network.bridge), E.virtualport(type="openvswitch"), type="bridge")
        if network.vlan:
            element.append(E.vlan(E.tag(id=str(network.vlan))))
    else:
        raise Unsupported(f"Network {network.name} is of an unknown kind, {network.kind}.")
    element.append(E.mac(address=device.mac))
    element.append(E.model(type=device.model))
    if not device.start_connected:
        element.append(E.link(state="down"))
    if order is not None:
        element.append(E.boot(order=str(order)))
    element.append(E.alias(name=alias(device.key)))
    return element


def boot_orders(definition: Definition) -> dict[int, int]:
    """Device key -> place in the boot order. Those named come first, then the rest as a BIOS has it: disks, drives,
    cards.
    """
    kinds: dict[str, list[AnyDevice]] = {"disk": [], "optical": [], "nic": []}
    for device in definition.devices:
        for kind, wanted in (("disk", Disk), ("optical", Optical), ("nic", Nic)):
            if isinstance(device, wanted):
                kinds[kind].append(device)
    keys: list[int] = []
    for entry in definition.boot_order:
        candidates = [one.key for one in kinds.get(entry.kind, ()) if entry.key in (None, one.key)]
        keys.extend(candidates[:1])
    for devices in kinds.values():
        keys.extend(device.key for device in devices)
    return {key: number for number, key in enumerate(dict.fromkeys(keys), 1)}
