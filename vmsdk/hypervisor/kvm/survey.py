"""What this libvirt and this host can do, as far as a domain's XML depends on it.

Law: runs in a thread; asks libvirt for its capabilities once per opening and guesses nothing that it can be told.
"""

from __future__ import annotations

import glob
import json
import os
from typing import Any

import libvirt
from lxml import etree
from twisted.logger import Logger

from ..records import NetworkRecord
from .domain_xml import parse
from .site import Firmware, Site

log = Logger()

FIRMWARE_FOLDERS = ("/etc/qemu/firmware", "/usr/share/qemu/firmware")  # the first one wins, by file name
EMULATED_CPUS = ("Westmere", "Nehalem", "qemu64")  # what plain emulation can be, best first


def look(
    connection: libvirt.virConnect,
    accelerator: str,
    consoles: str,
    datastores: tuple[tuple[str, str], ...],
    direct_io: tuple[str, ...],
    networks: tuple[NetworkRecord, ...],
) -> Site:
    """The site. `accelerator`: kvm or tcg; `consoles`: the folder of the console sockets."""
    newest, cpus = machines_and_cpus(connection, accelerator)
    return Site(
        accelerator=accelerator,
        consoles=consoles,
        version=connection.getLibVersion(),
        datastores=datastores,
        direct_io=direct_io,
        networks=networks,
        newest=newest,
        cpu=cpus,
        firmware=firmware(),
    )


def machines_and_cpus(connection: libvirt.virConnect, accelerator: str) -> tuple[tuple[tuple[str, str], ...], ...]:
    """((family, newest machine type) …), ((family, <cpu> element) …). The first call on a new root takes libvirt
    seconds.
    """
    newest, cpus = [], []
    for family in ("pc", "q35"):
        try:
            text = connection.getDomainCapabilities(None, "x86_64", family, "kvm" if accelerator == "kvm" else "qemu")
        except libvirt.libvirtError as error:
            log.warn("no machines of family {family}: {error}", family=family, error=error)
            continue
        root = parse(text)
        newest.append((family, root.findtext("machine") or family))
        cpus.append((family, _cpu(root, accelerator)))
    return tuple(newest), tuple(cpus)


def _cpu(root: etree._Element, accelerator: str) -> str:
    """An explicit model with explicit features, so that the machine can move: what the host has, or what QEMU
    emulates.
    """
    host = root.find("cpu/mode[@name='host-model'][@supported='yes']")
    cpu = etree.Element("cpu", mode="custom", match="exact", check="partial")
    if accelerator == "kvm" and host is not None:
        cpu.extend(list(host))
        return etree.tostring(cpu).decode()
    usable = {one.text for one in root.iterfind("cpu/mode[@name='custom']/model[@usable='yes']")}
    cpu.set("check", "none")
    model = etree.SubElement(cpu, "model", fallback="forbid")
    model.text = next((name for name in EMULATED_CPUS if name in usable), "qemu64")
    return etree.tostring(cpu).decode()


def firmware(folders: tuple[str, ...] = FIRMWARE_FOLDERS) -> tuple[Firmware, ...]:
    """UEFI builds by QEMU's firmware descriptors, in the order of preference that their names give."""
    by_name: dict[str, str] = {}
    for folder in folders:
        for path in glob.glob(os.path.join(folder, "*.json")):
            by_name.setdefault(os.path.basename(path), path)
    found = []
    for _, path in sorted(by_name.items()):
        try:
            with open(path, encoding="utf-8") as file:
                found.extend(_firmware(json.load(file)))
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.info("firmware descriptor {path} is left out: {error}", path=path, error=repr(error))
    return tuple(found)


def _firmware(told: dict[str, Any]) -> list[Firmware]:
    mapping, features = told["mapping"], told["features"]
    if (
        "uefi" not in told["interface-types"]
        or mapping["device"] != "flash"
        or mapping.get("mode", "split") != "split"
    ):
        return []
    code, variables = mapping["executable"], mapping["nvram-template"]
    if (code["format"], variables["format"]) != ("raw", "raw") or not os.path.exists(code["filename"]):
        return []
    machines = [
        pattern for target in told["targets"] if target["architecture"] == "x86_64" for pattern in target["machines"]
    ]
    return [
        Firmware(
            code=code["filename"],
            variables=variables["filename"],
            machines=tuple(machines),
            secure="secure-boot" in features,
            enrolled="enrolled-keys" in features,
        )
    ]
