"""A machine out of a domain's XML: ours by its metadata, anyone's by what its elements say.

Law: what is said twice is believed where libvirt says it, for that is what will run: name, memory, processors, and
which devices there are with what in them. A domain that we did not make is a usable machine all the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from lxml import etree

from ..records import AnyDevice, Controller, Definition, Disk, FilePlace, Nic, Optical
from .domain_foreign import Foreign, disk_place, key_of, network_of, source_of
from .domain_xml import NAMESPACE, QEMU_NAMESPACE, RUN_NAMESPACE, parse
from .layout import flat_of, is_descriptor_name
from .site import Site

Element = etree._Element
UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40, "bytes": 1, "b": 1, "KB": 1000}


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """`started`, `suspended`: our marks of the last run, 0 where there are none."""

    definition: Definition
    foreign: bool
    trouble: str
    started: float = 0.0
    suspended: float = 0.0


def read_domain(inactive: str, live: str | None, site: Site) -> Found:
    """`inactive`: the definition of the next start; `live`: of the running machine, None where it does not run."""
    root = parse(inactive)
    stored, trouble = _stored(root)
    definition = _merged(root, stored, site)
    marks = root
    if live is not None:
        marks = parse(live)
        definition = _as_it_runs(definition, marks)
    run = marks.find(f"metadata/{{{RUN_NAMESPACE}}}run")
    started, suspended = (_number(run, name) for name in ("started", "suspended"))
    return Found(
        definition=definition,
        foreign=stored is None and not trouble,
        trouble=trouble,
        started=started,
        suspended=suspended,
    )


def _number(element: Element | None, name: str) -> float:
    try:
        return float(element.get(name, "0")) if element is not None else 0.0
    except ValueError:
        return 0.0


def _stored(root: Element) -> tuple[Definition | None, str]:
    ours = root.find(f"metadata/{{{NAMESPACE}}}machine")
    if ours is None:
        return None, ""
    try:
        stored = msgspec.json.decode(ours.text or "", type=Definition)
    except msgspec.DecodeError as error:
        return None, f"What we wrote into the domain's metadata cannot be read: {error}"
    name = root.findtext("name") or ""
    if name != ours.get("name"):  # renamed by someone else
        stored = msgspec.structs.replace(stored, name=name)
    return stored, ""


def _merged(root: Element, stored: Definition | None, site: Site) -> Definition:
    cpus, cores = _cpus(root)
    facts: dict[str, Any] = {
        "uuid": root.findtext("uuid") or "",
        "memory_mib": -(-_memory(root) // (1 << 20)),
        "cpus": cpus,
    }
    elements = list(root.iterfind("devices/*"))
    if stored is not None:
        if stored.cpus != cpus:
            facts["cores_per_socket"] = cores
        known = [device.key for device in stored.devices]
        devices = tuple(_still_there(stored.devices, elements, site))
        devices += tuple(Foreign(elements, site, devices, known).devices())
        return msgspec.structs.replace(stored, devices=devices, **facts)
    name = root.findtext("name") or ""
    devices = tuple(Foreign(elements, site, (), ()).devices())
    first = next((one.file for one in devices if isinstance(one, Disk)), None)
    store = first.datastore if first and first.datastore else (site.datastores[0][0] if site.datastores else "")
    folder = first.path.rpartition("/")[0] if first and first.datastore else ""
    efi = root.find("os/loader[@type='pflash']") is not None or root.find("os[@firmware='efi']") is not None
    return Definition(
        name=name,
        home=FilePlace(datastore=store, path=f"{folder or name.replace('/', '_')}/{name.replace('/', '_')}.vmx"),
        bios_uuid=_bios_uuid(root) or facts["uuid"],
        firmware="efi" if efi else "bios",
        secure_boot=root.find("os/loader[@secure='yes']") is not None,
        cores_per_socket=cores,
        annotation=root.findtext("description") or "",
        devices=devices,
        **facts,
    )


def _memory(root: Element) -> int:
    element = root.find("memory")
    return int(element.text or 0) * UNITS.get(element.get("unit", "KiB"), 1 << 10) if element is not None else 0


def _cpus(root: Element) -> tuple[int, int]:
    vcpu = root.find("vcpu")
    count = int(vcpu.get("current") or vcpu.text or 1) if vcpu is not None else 1
    topology = root.find("cpu/topology")
    cores = int(topology.get("cores", "1")) * int(topology.get("threads", "1")) if topology is not None else 1
    return count, cores if cores and count % cores == 0 else 1


def _bios_uuid(root: Element) -> str:
    for argument in root.iterfind(f"{{{QEMU_NAMESPACE}}}commandline/{{{QEMU_NAMESPACE}}}arg"):
        value = argument.get("value", "")
        if value.startswith("type=1,uuid="):
            return value.removeprefix("type=1,uuid=")
    return ""


def _still_there(devices: tuple[AnyDevice, ...], elements: list[Element], site: Site) -> Iterable[AnyDevice]:
    """Our devices that are still in the domain, with what someone else changed in them."""
    present = {key: element for element in elements if (key := key_of(element)) is not None}
    controllers = [one for one in devices if isinstance(one, Controller)]
    without = {one.key for one in controllers if one.model in ("ide", "nvme")}
    nvmes = {one.key for one in controllers if one.model == "nvme"}
    for device in devices:
        element = present.get(device.key)
        if device.key in without or (isinstance(device, Disk) and element is None and device.controller in nvmes):
            yield device  # the board's own, or what libvirt has no element for
        elif element is None:
            continue
        elif isinstance(device, Disk):
            place = disk_place(source_of(element), site)
            yield device if place == device.file else msgspec.structs.replace(device, file=place)
        elif isinstance(device, Optical):
            yield _optical_as_is(device, element, site)
        elif isinstance(device, Nic):
            facts = {}
            mac, model = element.find("mac"), element.find("model")
            if mac is not None and mac.get("address") != device.mac.lower():
                facts["mac"] = mac.get("address")
            if model is not None and model.get("type") != device.model:
                facts["model"] = model.get("type")
            if (network := network_of(element, site, device.network)) != device.network:
                facts["network"] = network
            yield msgspec.structs.replace(device, **facts) if facts else device
        else:
            yield device


def _optical_as_is(device: Optical, element: Element, site: Site) -> Optical:
    path = source_of(element)
    expected = ""
    if device.start_connected and device.backing == "iso" and device.file is not None:
        expected = site.path(device.file) if any(device.file.datastore == one for one, _ in site.datastores) else path
    elif device.start_connected and device.backing == "host":
        expected = device.host_device
    if path == expected:
        return device
    if not path:
        return msgspec.structs.replace(device, start_connected=False)
    if element.get("type") == "block":
        return msgspec.structs.replace(device, backing="host", host_device=path, file=None, start_connected=True)
    return msgspec.structs.replace(device, backing="iso", file=site.place(path), start_connected=True)


def _as_it_runs(definition: Definition, live: Element) -> Definition:
    """What is plugged in at this moment: links that are up, drives with something in them."""
    present = {key: element for element in live.iterfind("devices/*") if (key := key_of(element)) is not None}
    found: list[AnyDevice] = []
    for device in definition.devices:
        element = present.get(device.key)
        if element is not None and isinstance(device, Nic):
            up = element.find("link[@state='down']") is None
            device = device if device.connected == up else msgspec.structs.replace(device, connected=up)
        elif element is not None and isinstance(device, Optical) and device.backing != "client":
            inside = bool(source_of(element))
            device = device if device.connected == inside else msgspec.structs.replace(device, connected=inside)
        found.append(device)
    return msgspec.structs.replace(definition, devices=tuple(found))


def disk_paths(definition: Definition, site: Site) -> list[tuple[FilePlace, str]]:
    """Every file that must be there for the machine to start, with its absolute path."""
    paths = []
    for device in definition.devices:
        if isinstance(device, Disk):
            path = site.path(device.file) if device.file.datastore else "/" + device.file.path
            paths.append((device.file, flat_of(path) if is_descriptor_name(path) and device.file.datastore else path))
        elif (
            isinstance(device, Optical)
            and device.backing == "iso"
            and device.start_connected
            and device.file is not None
        ):
            paths.append((device.file, site.path(device.file) if device.file.datastore else "/" + device.file.path))
    return paths
