"""A VirtualMachineConfigSpec judged and applied to a definition. Pure; what is wrong is InvalidArgument naming `configSpec.…`."""

from __future__ import annotations

import re
import uuid as uuids
from typing import Any

import msgspec

from ..engine.guest_os import known_guest
from ..hypervisor.records import BootEntry, Definition
from ..store.plain import from_plain, to_plain
from ..wsdl import vim

MAX_CPUS = 768
MIN_MEMORY, MAX_MEMORY = 4, 25_165_824
MAX_NOTES = 65_536
_UUID = re.compile(r"[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}\Z")
# Parts of a spec that the hypervisor has no use for: kept as the client sent them and shown again.
REMEMBERED = (
    "tools", "flags", "powerOpInfo", "cpuAllocation", "memoryAllocation", "latencySensitivity", "bootOptions", "swapPlacement",
    "alternateGuestName", "memoryHotAddEnabled", "cpuHotAddEnabled", "cpuHotRemoveEnabled", "nestedHVEnabled", "vPMCEnabled",
    "changeTrackingEnabled", "guestAutoLockEnabled", "memoryReservationLockedToMax", "maxMksConnections", "managedBy",
    "messageBusTunnelEnabled", "locationId", "scheduledHardwareUpgradeInfo", "guestMonitoringModeInfo", "sevEnabled",
    "virtualICH7MPresent", "virtualSMCPresent", "migrateEncryption",
)  # fmt: skip


def argument(name: str, text: str = "") -> Exception:
    return vim.InvalidArgument(invalidProperty=f"configSpec.{name}", msg=text)


def settings(definition: Definition, spec: Any, now: float, max_cpus: int) -> Definition:
    """The definition with everything of the spec but name, files and devices."""
    facts: dict[str, Any] = {}
    if spec.numCPUs is not None:
        if not 1 <= spec.numCPUs <= min(MAX_CPUS, max_cpus):
            raise argument("numCPUs")
        facts["cpus"] = spec.numCPUs
    if spec.numCoresPerSocket is not None:
        facts["cores_per_socket"] = spec.numCoresPerSocket
    cores, cpus = facts.get("cores_per_socket", definition.cores_per_socket), facts.get("cpus", definition.cpus)
    if cores == 0:
        cores = facts["cores_per_socket"] = 1
    if cores < 1 or cpus % cores:
        if spec.numCoresPerSocket is not None:
            raise argument("numCoresPerSocket")
        facts["cores_per_socket"] = 1
    if spec.memoryMB is not None:
        if not MIN_MEMORY <= spec.memoryMB <= MAX_MEMORY or spec.memoryMB % 4:
            least_most = f"a multiple of 4 from {MIN_MEMORY} to {MAX_MEMORY}"
            text = f"A specified parameter was not correct: configSpec.memoryMB ({spec.memoryMB} MB: {least_most})"
            raise argument("memoryMB", text)
        facts["memory_mib"] = spec.memoryMB
    if spec.guestId:
        if not known_guest(spec.guestId):
            raise argument("guestId")
        facts["guest_id"] = spec.guestId
    if spec.annotation is not None:
        if len(spec.annotation) > MAX_NOTES:
            raise argument("annotation")
        facts["annotation"] = spec.annotation
    if spec.firmware:
        if spec.firmware not in ("bios", "efi"):
            raise argument("firmware")
        facts["firmware"] = spec.firmware
    if spec.version:
        if not re.fullmatch(r"vmx-\d{2}", spec.version) or not 4 <= int(spec.version[4:]) <= 21:
            raise argument("version")
        facts["hardware_version"] = spec.version
    if spec.uuid:
        facts["bios_uuid"] = _uuid("uuid", spec.uuid)
    if spec.extraConfig:
        facts["extra"] = extra(definition.extra, spec.extraConfig)
    boot = spec.bootOptions
    if boot is not None:
        if boot.bootOrder:
            # Clients take an order back with one entry of the base type: no device at all.
            asked = [e for e in boot.bootOrder if e._type.name != "VirtualMachineBootOptionsBootableDevice"]
            facts["boot_order"] = tuple(map(_boot_entry, asked))
        if boot.efiSecureBootEnabled is not None:
            facts["secure_boot"] = boot.efiSecureBootEnabled
    facts["remembered"] = remember(definition.remembered, spec)
    changed = msgspec.structs.replace(definition, **facts)
    return msgspec.structs.replace(changed, changed=now) if changed != definition else changed


def _uuid(name: str, text: str) -> str:
    if not _UUID.match(text.strip()):
        raise argument(name)
    return str(uuids.UUID(text.strip()))


def instance_uuid(spec: Any) -> str:
    return _uuid("instanceUuid", spec.instanceUuid) if spec.instanceUuid else f"52{str(uuids.uuid4())[2:]}"


def bios_uuid(spec: Any) -> str:
    return _uuid("uuid", spec.uuid) if spec.uuid else f"564d{str(uuids.uuid4())[4:]}"


def extra(old: tuple[tuple[str, str], ...], options: Any) -> tuple[tuple[str, str], ...]:
    """extraConfig merged by key, case kept as first written; an empty value removes the key."""
    merged = dict(old)
    spelled = {key.lower(): key for key in merged}
    for option in options:
        if not option.key or any(c in option.key for c in '="\n\r\0') or len(option.key) > 256:
            raise argument("extraConfig", f"A specified parameter was not correct: configSpec.extraConfig ('{option.key[:64]}')")
        key = spelled.setdefault(option.key.lower(), option.key)
        value = option.value
        if value is None or value == "":
            merged.pop(key, None)
        else:
            merged[key] = ("TRUE" if value else "FALSE") if isinstance(value, bool) else str(value)
    return tuple(sorted(merged.items()))


def _boot_entry(entry: Any) -> BootEntry:
    kinds = {
        "VirtualMachineBootOptionsBootableDiskDevice": "disk",
        "VirtualMachineBootOptionsBootableCdromDevice": "optical",
        "VirtualMachineBootOptionsBootableEthernetDevice": "nic",
        "VirtualMachineBootOptionsBootableFloppyDevice": "floppy",
    }
    kind = kinds.get(entry._type.name)
    if kind is None:
        raise argument("bootOptions.bootOrder")
    return BootEntry(kind=kind, key=getattr(entry, "deviceKey", None))


# -- what is kept as the client sent it ---------------------------------------------------------------------------


def remember(old: tuple[tuple[str, str], ...], spec: Any) -> tuple[tuple[str, str], ...]:
    """The remembered parts with those that the spec sets replaced, member by member."""
    kept = dict(old)
    for name in REMEMBERED:
        value = getattr(spec, name, None)
        if value is None:
            continue
        plain = to_plain(value)
        if isinstance(plain, dict) and name in kept:
            before = msgspec.json.decode(kept[name])
            if isinstance(before, dict) and before.get("$type") == plain.get("$type"):
                plain = {**before, **plain}
        if name == "bootOptions" and isinstance(plain, dict):
            plain.pop("bootOrder", None)  # stands in the definition itself
        kept[name] = msgspec.json.encode(plain).decode()
    return tuple(sorted(kept.items()))


def remembered(definition: Definition, name: str) -> Any:
    """A remembered part as value object, or None."""
    for key, text in definition.remembered:
        if key == name:
            return from_plain(msgspec.json.decode(text))
    return None
