"""The host's PCI devices, with names where the host has a list of them (hwdata, pci.ids)."""

from __future__ import annotations

import re

from ..records import PciDevice
from .host_files import HostFiles

LISTS = ("/usr/share/hwdata/pci.ids", "/usr/share/misc/pci.ids", "/usr/share/pci.ids", "/var/lib/pciutils/pci.ids")
DEVICES = "/sys/bus/pci/devices"


def pci_devices(files: HostFiles) -> tuple[PciDevice, ...]:
    ids = {}
    for address in files.names(DEVICES):
        facts = [
            files.number(f"{DEVICES}/{address}/{name}", 16) or 0
            for name in ("class", "vendor", "device", "subsystem_vendor", "subsystem_device")
        ]
        ids[address] = facts
    vendors, devices = _names(files, {(facts[1], facts[2]) for facts in ids.values()})
    return tuple(
        PciDevice(
            address=address,
            class_id=kind >> 8,
            vendor_id=vendor,
            device_id=device,
            subvendor_id=subvendor,
            subdevice_id=subdevice,
            vendor_name=vendors.get(vendor, ""),
            device_name=devices.get((vendor, device), ""),
        )
        for address, (kind, vendor, device, subvendor, subdevice) in sorted(ids.items())
    )


def _names(files: HostFiles, wanted: set[tuple[int, int]]) -> tuple[dict[int, str], dict[tuple[int, int], str]]:
    """Names of vendors and of devices, of the first list that is there."""
    vendors: dict[int, str] = {}
    devices: dict[tuple[int, int], str] = {}
    text = next(filter(None, (files.text(path, 1 << 24) for path in LISTS)), "")
    current, wanted_vendors = -1, {vendor for vendor, _ in wanted}
    for line in text.splitlines():
        if line.startswith("C "):
            break  # classes come last
        if found := re.match(r"([0-9a-f]{4})  (.*)", line):
            current = int(found.group(1), 16)
            if current in wanted_vendors:
                vendors[current] = found.group(2)
        elif current in vendors and (found := re.match(r"\t([0-9a-f]{4})  (.*)", line)):
            pair = (current, int(found.group(1), 16))
            if pair in wanted:
                devices[pair] = found.group(2)
    return vendors, devices
