"""A `.vmx` read: the definition that a configuration file describes, whoever wrote it.

Law: unknown keys become extraConfig; what cannot be read is InvalidVmConfig naming the line or the key. Pure.
"""

from __future__ import annotations

import re
import uuid as uuids
from typing import Any

from ..devices.keys import CONTROLLERS, drive_key, with_channels
from ..engine.guest_os import guests
from ..hypervisor.records import BootEntry, Controller, Definition, Disk, FilePlace, Nic, Optical
from ..wsdl import vim
from . import names

_LINE = re.compile(r'^\s*([A-Za-z0-9_.:\-]+)\s*=\s*"(.*)"\s*$')
_OWN_PREFIXES = ("vmsdk.",)
MAX_LINES = 20_000
KEPT = "vmsdk.remembered."


def unquote(text: str) -> str:
    return re.sub(r"\|([0-9A-Fa-f]{2})", lambda m: chr(int(m.group(1), 16)), text)


def guest_word(guest_id: str) -> str:
    """otherLinux64Guest -> otherlinux-64, as the form spells guests."""
    word = guest_id.removesuffix("Guest").lower()
    return f"{word.removesuffix('64').removesuffix('_')}-64" if word.endswith("64") else word


class _Values(dict):
    """Lines of a file by lower-case key."""

    def flag(self, key: str, default: bool) -> bool:
        text = self.get(key.lower(), "").upper()
        return default if not text else text in ("TRUE", "1", "YES")

    def text(self, key: str, default: str = "") -> str:
        return self.get(key.lower(), default)

    def number(self, key: str, default: int) -> int:
        text = self.get(key.lower(), "")
        try:
            return int(text) if text else default
        except ValueError:
            raise vim.InvalidVmConfig(property=key, msg=f"'{text[:40]}' is no number for {key}.") from None


def parse(text: str, home: FilePlace, place_of: Any) -> Definition:
    """The definition of a file. Unknown keys become extraConfig. InvalidVmConfig."""
    values, spelled = _Values(), {}
    for number, line in enumerate(text.lstrip("\ufeff").split("\n")):
        if number > MAX_LINES:
            raise vim.InvalidVmConfig(property="", msg="The configuration file is too long.")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.match(line.rstrip("\r"))
        if not found:
            raise vim.InvalidVmConfig(property="", msg=f"Line {number + 1} of the configuration file cannot be read.")
        key, value = found.group(1), unquote(found.group(2))
        values[key.lower()], spelled[key.lower()] = value, key
    if "displayname" not in values and "memsize" not in values:
        raise vim.InvalidVmConfig(property="displayName", msg="The file is no configuration of a virtual machine.")
    devices, used = _devices(values, home, place_of)
    extra = {spelled[k]: v for k, v in values.items() if k not in used and not _own(k)}
    boot = values.text("vmsdk.bootOrder") or ",".join(
        {"cdrom": "optical:", "ethernet": "nic:", "hdd": "disk:"}.get(word.strip(), "")
        for word in values.text("bios.bootOrder").split(",")
        if word
    )
    order = tuple(
        BootEntry(kind=kind, key=int(key) if key else None)
        for kind, _, key in (entry.partition(":") for entry in boot.split(",") if entry)
    )
    return Definition(
        uuid=_plain_uuid(values.text("vc.uuid")) or f"52{str(uuids.uuid4())[2:]}",
        bios_uuid=_plain_uuid(values.text("uuid.bios")) or f"564d{str(uuids.uuid4())[4:]}",
        name=values.text("displayName") or names.stem(home), home=home, guest_id=_guest_id(values),
        hardware_version=f"vmx-{values.number('virtualHW.version', 21):02d}", cpus=values.number("numvcpus", 1),
        cores_per_socket=values.number("cpuid.coresPerSocket", 1) or 1, memory_mib=values.number("memSize", 256),
        firmware="efi" if values.text("firmware").lower() == "efi" else "bios",
        secure_boot=values.flag("uefi.secureBoot.enabled", False), boot_order=order, annotation=values.text("annotation"),
        extra=tuple(sorted(extra.items())), devices=tuple(devices),
        remembered=tuple(sorted((spelled[k][len(KEPT):], v) for k, v in values.items() if k.startswith(KEPT))),
        created=_time(values.text("vmsdk.created")), changed=_time(values.text("vmsdk.changed")),
    )  # fmt: skip


def _time(text: str) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0


_PLAIN_KEYS = {
    ".encoding", "config.version", "virtualhw.version", "displayname", "guestos", "uuid.bios", "uuid.location", "vc.uuid",
    "memsize", "numvcpus", "cpuid.corespersocket", "nvram", "firmware", "uefi.secureboot.enabled", "annotation", "bios.bootorder",
    "pcibridge0.present", "svga.present", "hpet0.present",
}  # fmt: skip


def _own(key: str) -> bool:
    return key in _PLAIN_KEYS or key.startswith(_OWN_PREFIXES)


def _plain_uuid(text: str) -> str:
    digits = re.sub(r"[^0-9a-fA-F]", "", text)
    return str(uuids.UUID(digits)) if len(digits) == 32 else ""


def _guest_id(values: _Values) -> str:
    own = values.text("vmsdk.guestId")
    if own:
        return own
    word = values.text("guestOS", "other").lower()
    return next((g for g in guests() if guest_word(g) == word), "otherGuest")


def _devices(values: _Values, home: FilePlace, place_of: Any) -> tuple[list[Any], set[str]]:
    made: list[Any] = []
    used: set[str] = set()
    by_name: dict[str, Controller] = {f"ide{bus}": Controller(key=200 + bus, model="ide", bus=bus) for bus in (0, 1)}

    def present(name: str) -> bool:
        return values.flag(f"{name}.present", False)

    for family, models in (("scsi", None), ("sata", "ahci"), ("nvme", "nvme")):
        for bus in range(4):
            name = f"{family}{bus}"
            if present(name):
                model = models or values.text(f"{name}.virtualDev", "lsilogic").lower()
                if model not in CONTROLLERS:
                    raise vim.InvalidVmConfig(property=f"{name}.virtualDev", msg=f"The controller {model[:40]} is not known.")
                by_name[name] = Controller(key=CONTROLLERS[model][0] + bus, model=model, bus=bus)
                made.append(by_name[name])
                used |= {f"{name}.present", f"{name}.virtualdev"}
    for name, model, key in (("ehci", "ehci", 7000), ("usb_xhci", "xhci", 14000)):
        if present(name):
            made.append(Controller(key=key, model=model))
            used.add(f"{name}.present")
    for key in sorted(values):
        found = re.fullmatch(r"((?:scsi|sata|nvme|ide)\d):(\d{1,2})\.present", key)
        if found and values.flag(key, False) and found.group(1) in by_name:
            name, unit = key.removesuffix(".present"), int(found.group(2))
            controller = by_name[found.group(1)]
            made.append(_drive(values, name, controller, unit, drive_key, home, place_of))
            used |= {k for k in values if k.startswith(f"{name}.")}
    for number in range(10):
        name = f"ethernet{number}"
        if present(name):
            made.append(_card(values, name, number))
            used |= {k for k in values if k.startswith(f"{name}.")}
    order: dict[Any, int] = {Controller: 0, Disk: 1, Optical: 1, Nic: 2}
    made.sort(key=lambda d: (order[type(d)], d.key))
    return list(with_channels(made)), used


def _drive(values: _Values, name: str, controller: Controller, unit: int, drive_key: Any, home: FilePlace, place_of: Any) -> Any:
    kind, file = values.text(f"{name}.deviceType", "scsi-hardDisk").lower(), values.text(f"{name}.fileName")
    if "cdrom" in kind:
        start = values.flag(f"{name}.startConnected", True)
        facts: dict[str, Any] = {"backing": "host", "host_device": file}
        if kind == "cdrom-image":
            facts = {"backing": "iso", "file": _place(file, home, place_of)}
        elif values.flag(f"{name}.clientDevice", False) or file == "emptyBackingString":
            facts = {"backing": "client"}
        return Optical(
            key=drive_key(controller, unit, True), controller=controller.key, unit=unit, start_connected=start,
            connected=values.flag(f"vmsdk.{name}.connected", start),
            allow_guest_control=values.flag(f"{name}.allowGuestConnectionControl", True), **facts,
        )  # fmt: skip
    return Disk(
        key=drive_key(controller, unit, False), controller=controller.key, unit=unit, file=_place(file, home, place_of),
        capacity=values.number(f"vmsdk.{name}.capacity", 0), thin=values.flag(f"vmsdk.{name}.thin", True),
        uuid=values.text(f"vmsdk.{name}.uuid"), mode=values.text(f"{name}.mode", "persistent").replace("-", "_"),
        eager=values.flag(f"vmsdk.{name}.eager", False), write_through=values.flag(f"{name}.writeThrough", False),
        sharing="multi" if values.text(f"{name}.sharing") == "multi-writer" else "none",
    )  # fmt: skip


def _card(values: _Values, name: str, number: int) -> Nic:
    kind = {"static": "manual", "vpx": "assigned"}.get(values.text(f"{name}.addressType").lower(), "generated")
    model = {"vlance": "pcnet", "vmxnet": "vmxnet3"}.get(values.text(f"{name}.virtualDev", "e1000").lower(), "")
    model = model or values.text(f"{name}.virtualDev", "e1000").lower()
    return Nic(
        key=4000 + number, unit=7 + number, model=values.text(f"vmsdk.{name}.model") or model,
        network=values.text(f"{name}.networkName", "VM Network"),
        mac=(values.text(f"{name}.address") or values.text(f"{name}.generatedAddress")).lower(), mac_kind=kind,
        connected=values.flag(f"vmsdk.{name}.connected", True), start_connected=values.flag(f"{name}.startConnected", True),
        allow_guest_control=values.flag(f"{name}.allowGuestConnectionControl", True),
        wake_on_lan=values.flag(f"{name}.wakeOnPcktRcv", True),
    )  # fmt: skip


def _place(file: str, home: FilePlace, place_of: Any) -> FilePlace:
    if file.startswith("/vmfs/volumes/"):
        datastore, _, path = file.removeprefix("/vmfs/volumes/").partition("/")
        return place_of(f"[{datastore}] {path}")
    if "/" in file or not file:
        raise vim.InvalidVmConfig(property="fileName", msg=f"The file name '{file[:80]}' cannot be read.")
    return names.beside(home, file)
