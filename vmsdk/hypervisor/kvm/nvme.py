"""NVMe controllers and their disks, as words for QEMU's command line.

Law: only what libvirt has no element for (9.0 has none for an emulated NVMe controller). libvirt knows nothing of
these disks: they are found again by the machine's definition alone, and QEMU 7.2 saves no machine that has one
(suspending is refused). Their slots are counted from the top of the bus, where libvirt, which counts from below, does
not come.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from ..errors import Unsupported
from ..records import Controller, Definition, Disk
from .layout import flat_of, is_descriptor_name
from .site import Site

LAST_SLOT = 0x1E  # the one above is the ICH9's on a Q35
NAMESPACES = 64


def arguments(definition: Definition, site: Site, orders: dict[int, int], q35: bool) -> list[str]:
    """Arguments for QEMU; none where the machine has no NVMe controller. `orders`: boot order by device key."""
    found: list[str] = []
    controllers = [one for one in definition.devices if isinstance(one, Controller) and one.model == "nvme"]
    for number, controller in enumerate(sorted(controllers, key=lambda one: (one.bus, one.key))):
        name = f"nvme{controller.key}"
        found += ["-device", json.dumps({
            "driver": "nvme", "id": name, "serial": f"vmsdk-{controller.key}", "bus": "pcie.0" if q35 else "pci.0",
            "addr": hex(LAST_SLOT - number),
        })]  # fmt: skip
        for disk in definition.devices:
            if isinstance(disk, Disk) and disk.controller == controller.key:
                found += _disk(disk, name, site, orders.get(disk.key))
    return found


def _disk(disk: Disk, controller: str, site: Site, order: int | None) -> Iterable[str]:
    if not 0 <= disk.unit < NAMESPACES:
        raise Unsupported(
            f"QEMU's nvme controller has {NAMESPACES} units, 0 to {NAMESPACES - 1}; {disk.unit} is asked for."
        )
    if disk.mode == "independent_nonpersistent" or disk.sharing != "none":
        raise Unsupported("A disk on nvme is neither shared nor nonpersistent here.")
    path, node = site.path(disk.file), f"nvme-disk{disk.key}"
    direct = disk.file.datastore in site.direct_io
    block = {
        "driver": "raw", "node-name": node, "cache": {"direct": direct, "no-flush": False},
        "discard": "unmap" if disk.thin else "ignore",
        "file": {
            "driver": "file", "filename": flat_of(path) if is_descriptor_name(path) else path,
            "cache": {"direct": direct, "no-flush": False}, "discard": "unmap" if disk.thin else "ignore",
        },
    }  # fmt: skip
    device = {"driver": "nvme-ns", "bus": controller, "drive": node, "nsid": disk.unit + 1}
    if order is not None:
        device["bootindex"] = order
    return ["-blockdev", json.dumps(block), "-device", json.dumps(device)]
