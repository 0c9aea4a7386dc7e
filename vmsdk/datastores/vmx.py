"""The `.vmx`: a machine's definition as VMware's own products write it, and back.

Law: written after each change of definition, read (`vmx_read`) only by RegisterVM and GET. What the form has no word for stands
under `vmsdk.` keys, so that writing and reading give the same definition.
"""

from __future__ import annotations

from typing import Any

from ..engine.site import Site
from ..hypervisor.records import Controller, Definition, Disk, FilePlace, Optical
from ..wsdl import vim
from . import names
from .vmx_read import guest_word, parse

_MODELS = {"buslogic": "buslogic", "lsilogic": "lsilogic", "lsisas1068": "lsisas1068", "pvscsi": "pvscsi"}
_CARDS = {"vmxnet3": "vmxnet3", "e1000": "e1000", "e1000e": "e1000e", "pcnet": "vlance", "virtio": "vmxnet3"}
_FAMILIES = {"ide": "ide", "ahci": "sata", "nvme": "nvme"}


async def write(site: Site, definition: Definition) -> None:
    """Write the configuration file of a machine."""
    text = render(definition, site.datastore_name)
    await site.hypervisor.storage.write(definition.home, text.encode("utf-8"))


async def read(site: Site, place: FilePlace) -> Definition:
    """The definition in a configuration file. FileMissing; InvalidVmConfig-like faults say the line."""
    data = await site.hypervisor.storage.read(place)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise vim.InvalidVmConfig(property="", msg="The configuration file is not UTF-8 text.") from None
    return parse(text, place, lambda path: names.parse(path, site.datastore_named))


# -- out ------------------------------------------------------------------------------------------------------


def render(definition: Definition, datastore_name: Any) -> str:
    """The text of the file. Paths beside it are relative, others are `/vmfs/volumes/<datastore>/…`."""
    d = definition
    lines: dict[str, str] = {
        ".encoding": "UTF-8", "config.version": "8", "virtualHW.version": d.hardware_version.removeprefix("vmx-").lstrip("0"),
        "displayName": d.name, "guestOS": guest_word(d.guest_id), "uuid.bios": _vmx_uuid(d.bios_uuid), "vc.uuid": _vmx_uuid(d.uuid),
        "memSize": str(d.memory_mib), "numvcpus": str(d.cpus), "cpuid.coresPerSocket": str(d.cores_per_socket),
        "nvram": f"{names.stem(d.home)}.nvram", "pciBridge0.present": "TRUE", "svga.present": "TRUE", "hpet0.present": "TRUE",
    }  # fmt: skip
    if d.firmware == "efi":
        lines["firmware"] = "efi"
        if d.secure_boot:
            lines["uefi.secureBoot.enabled"] = "TRUE"
    if d.annotation:
        lines["annotation"] = d.annotation
    if d.boot_order:
        words = {"optical": "cdrom", "nic": "ethernet", "disk": "hdd"}
        lines["bios.bootOrder"] = ",".join(words.get(b.kind, b.kind) for b in d.boot_order)
        lines["vmsdk.bootOrder"] = ",".join(f"{b.kind}:{b.key if b.key is not None else ''}" for b in d.boot_order)
    controllers = {c.key: c for c in d.devices if isinstance(c, Controller)}
    for device in d.devices:
        lines.update(_device_lines(device, controllers, d.home, datastore_name))
    lines["vmsdk.guestId"] = d.guest_id
    lines["vmsdk.created"], lines["vmsdk.changed"] = repr(d.created), repr(d.changed)
    for key, value in d.remembered:
        lines[f"vmsdk.remembered.{key}"] = value
    lines.update(d.extra)
    return "".join(f'{key} = "{_quote(value)}"\n' for key, value in lines.items())


def _device_lines(device: Any, controllers: dict[int, Controller], home: FilePlace, datastore_name: Any) -> dict[str, str]:
    if isinstance(device, Controller):
        if device.model in _MODELS:
            name = f"scsi{device.bus}"
            return {f"{name}.present": "TRUE", f"{name}.virtualDev": _MODELS[device.model]}
        words = {"ahci": f"sata{device.bus}", "nvme": f"nvme{device.bus}", "ehci": "ehci", "xhci": "usb_xhci", "ide": ""}
        return {f"{words[device.model]}.present": "TRUE"} if words[device.model] else {}
    if isinstance(device, (Disk, Optical)):
        channel = Controller(key=device.controller, model="ide", bus=device.controller - 200)
        controller = controllers.get(device.controller, channel)
        name = f"{_FAMILIES.get(controller.model, 'scsi')}{controller.bus}:{device.unit}"
        return _disk_lines(name, device, home, datastore_name) if isinstance(device, Disk) else _optical_lines(
            name, device, home, datastore_name
        )
    name = f"ethernet{device.key - 4000}"
    lines = {
        f"{name}.present": "TRUE", f"{name}.virtualDev": _CARDS[device.model], f"{name}.networkName": device.network,
        f"{name}.addressType": {"manual": "static", "assigned": "vpx"}.get(device.mac_kind, "generated"),
        f"{name}.{'address' if device.mac_kind == 'manual' else 'generatedAddress'}": device.mac,
        f"{name}.startConnected": _bool(device.start_connected), f"{name}.wakeOnPcktRcv": _bool(device.wake_on_lan),
        f"{name}.allowGuestConnectionControl": _bool(device.allow_guest_control),
    }  # fmt: skip
    if device.model == "virtio":
        lines[f"vmsdk.{name}.model"] = "virtio"
    if not device.connected:
        lines[f"vmsdk.{name}.connected"] = "FALSE"
    return lines


def _disk_lines(name: str, disk: Disk, home: FilePlace, datastore_name: Any) -> dict[str, str]:
    lines = {
        f"{name}.present": "TRUE", f"{name}.deviceType": "disk" if name.startswith("ide") else "scsi-hardDisk",
        f"{name}.fileName": _file(disk.file, home, datastore_name), f"vmsdk.{name}.capacity": str(disk.capacity),
        f"vmsdk.{name}.thin": _bool(disk.thin), f"vmsdk.{name}.uuid": disk.uuid,
    }  # fmt: skip
    if disk.mode != "persistent":
        lines[f"{name}.mode"] = disk.mode.replace("_", "-")
    if disk.eager:
        lines[f"vmsdk.{name}.eager"] = "TRUE"
    if disk.write_through:
        lines[f"{name}.writeThrough"] = "TRUE"
    if disk.sharing != "none":
        lines[f"{name}.sharing"] = "multi-writer"
    return lines


def _optical_lines(name: str, drive: Optical, home: FilePlace, datastore_name: Any) -> dict[str, str]:
    kind, file = "atapi-cdrom", "emptyBackingString"
    if drive.backing == "iso" and drive.file is not None:
        kind, file = "cdrom-image", _file(drive.file, home, datastore_name)
    elif drive.backing == "host":
        kind, file = "atapi-cdrom", drive.host_device or "auto detect"
    return {
        f"{name}.present": "TRUE", f"{name}.deviceType": kind, f"{name}.fileName": file,
        f"{name}.clientDevice": _bool(drive.backing == "client"), f"{name}.startConnected": _bool(drive.start_connected),
        f"{name}.allowGuestConnectionControl": _bool(drive.allow_guest_control), f"vmsdk.{name}.connected": _bool(drive.connected),
    }  # fmt: skip


def _file(place: FilePlace, home: FilePlace, datastore_name: Any) -> str:
    folder = home.path.rpartition("/")[0]
    if place.datastore == home.datastore and folder and place.path.startswith(f"{folder}/"):
        return place.path[len(folder) + 1 :]
    return f"/vmfs/volumes/{datastore_name(place.datastore)}/{place.path}"


def _quote(text: str) -> str:
    """`|xx` for what would end the value, as the form has it."""
    return "".join(f"|{ord(c):02X}" if c in '"|\n\r\t' or ord(c) < 32 else c for c in text)


def _bool(value: bool) -> str:
    return "TRUE" if value else "FALSE"


def _vmx_uuid(text: str) -> str:
    digits = text.replace("-", "")
    pairs = [digits[i : i + 2] for i in range(0, 32, 2)]
    return " ".join(pairs[:8]) + "-" + " ".join(pairs[8:])
