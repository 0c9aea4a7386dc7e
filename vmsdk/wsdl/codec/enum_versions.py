"""Enum values that older clients refuse.

The contract gives versions to types and members, never to enum values, so this table is kept by hand and grows from
what old clients refuse: (enum, value) -> (first version, what goes out before it; None: left out).
"""

from __future__ import annotations

from ..registry import Contract

_NEWER: dict[tuple[str, str], tuple[str, str | None]] = {
    ("HostConfigChangeOperation", "ignore"): ("5.5", None),
    ("VirtualMachineToolsInstallType", "guestToolsTypeOpenVMTools"): ("6.5", "guestToolsTypeUnknown"),
    ("VirtualDeviceURIBackingOptionDirection", "server"): ("4.1", None),
    ("ScsiLunType", "nvme"): ("6.7", None),
}


def known_enum_value(contract: Contract, kind: str, value: str, version: int) -> str | None:
    """The value as a client of `version` may see it, or None to leave it out."""
    newer = _NEWER.get((kind, value))
    if newer is None or version >= contract.versions.index(newer[0]):
        return value or None  # an empty enum makes strict clients fail
    return newer[1]
