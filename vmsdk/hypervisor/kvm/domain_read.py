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
from .domain_xml import NAMESPACE, QEMU_NAMESPACE, RUN_NAMESPACE, parse
from .layout import FLAT, SUFFIX, flat_of, is_descriptor_name
from .site import Site

Element = etree._Element
OUR_ALIAS = "ua-"
UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40, "bytes": 1, "b": 1, "KB": 1000}
SCSI_MODELS = {"lsilogic": "lsilogic", "lsisas1068": "lsisas1068", "vmpvscsi": "pvscsi"}


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
        known = {device.key: device for device in stored.devices}
        devices = tuple(_still_there(stored.devices, elements, site))
        devices += tuple(_foreign_devices(elements, site, set(known), devices))
        return msgspec.structs.replace(stored, devices=devices, **facts)
    name = root.findtext("name") or ""
    devices = tuple(_foreign_devices(elements, site, set(), ()))
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


def _key_of(element: Element) -> int | None:
    """The key of a device that we made, None for anyone else's."""
    name = element.find("alias")
    text = name.get("name", "") if name is not None else ""
    return int(text[len(OUR_ALIAS) :]) if text.startswith(OUR_ALIAS) and text[len(OUR_ALIAS) :].isdecimal() else None


def _source(element: Element) -> str:
    source = element.find("source")
    return "" if source is None else source.get("file") or source.get("dev") or ""


def _still_there(devices: Iterable[AnyDevice], elements: list[Element], site: Site) -> Iterable[AnyDevice]:
    """Our devices that are still in the domain, with what someone else changed in them."""
    present = {key: element for element in elements if (key := _key_of(element)) is not None}
    for device in devices:
        element = present.get(device.key)
        if isinstance(device, Controller) and device.model == "ide":
            yield device  # part of the board
        elif element is None:
            continue
        elif isinstance(device, Disk):
            place = _disk_place(_source(element), site)
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
            if (network := _network(element, site, device.network)) != device.network:
                facts["network"] = network
            yield msgspec.structs.replace(device, **facts) if facts else device
        else:
            yield device


def _disk_place(path: str, site: Site) -> FilePlace:
    """What a client calls the disk whose bytes lie at `path`."""
    return site.place(path[: -len(FLAT)] + SUFFIX if path.endswith(FLAT) else path)


def _optical_as_is(device: Optical, element: Element, site: Site) -> Optical:
    path = _source(element)
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


def _network(element: Element, site: Site, hint: str = "") -> str:
    """The name of the network that an interface is on. `hint`: which one to prefer where several look the same."""
    source, tag = element.find("source"), element.find("vlan/tag")
    bridge = "" if source is None else source.get("bridge") or source.get("network") or source.get("dev") or ""
    vlan = int(tag.get("id", "0")) if tag is not None else 0
    kind = element.get("type", "")
    if element.find("virtualport[@type='openvswitch']") is not None:
        kind = "openvswitch"
    fitting = [
        one.name
        for one in site.networks
        if (one.kind, one.bridge if kind != "user" else "", one.vlan) == (kind, bridge, vlan)
    ]
    if hint in fitting:
        return hint
    if not fitting and kind == "user":
        fitting = [one.name for one in site.networks if one.kind == "user"]
    return fitting[0] if fitting else bridge or kind


def _foreign_devices(
    elements: list[Element], site: Site, used: set[int], ours: tuple[AnyDevice, ...]
) -> Iterable[AnyDevice]:
    """Devices that someone else put in, with the keys that vSphere's own numbering would give them."""
    models = {
        element.get("index", ""): SCSI_MODELS.get(element.get("model", ""), "pvscsi")
        for element in elements
        if element.tag == "controller" and element.get("type") == "scsi"
    }
    made: dict[tuple[str, int], int] = {}
    for device in ours:
        if isinstance(device, Controller):
            family = "scsi" if device.model in SCSI_MODELS.values() else device.model
            made[family, device.bus] = device.key

    def free(key: int) -> int:
        while key in used:
            key += 1
        used.add(key)
        return key

    def controller(bus: str, index: int, channel: int) -> tuple[Controller | None, int]:
        family, number, base, model = {
            "ide": ("ide", channel, 200, "ide"),
            "sata": ("ahci", index, 15000, "ahci"),
            "scsi": ("scsi", index, 1000, "pvscsi"),
        }.get(bus, ("scsi", 0, 1000, "pvscsi"))
        if (family, number) in made:
            return None, made[family, number]
        if family == "scsi":
            model = models.get(str(index), "pvscsi")
        key = made[family, number] = free(base + number)
        return Controller(key=key, model=model, bus=number), key

    for element in elements:
        if _key_of(element) is not None:
            continue
        if element.tag == "disk" and element.get("device", "disk") in ("disk", "cdrom"):
            address, target = element.find("address[@type='drive']"), element.find("target")
            index, channel, unit = 0, 0, 0
            if address is not None:
                index, channel = int(address.get("controller", "0")), int(address.get("bus", "0"))
                unit = max(int(address.get("unit", "0")), int(address.get("target", "0")))
            new, key = controller(target.get("bus", "") if target is not None else "", index, channel)
            if new is not None:
                yield new
            path = _source(element)
            if element.get("device") == "cdrom":
                block = element.get("type") == "block"
                yield Optical(
                    key=free(3000),
                    controller=key,
                    unit=unit,
                    backing="host" if block else "iso" if path else "client",
                    file=site.place(path) if path and not block else None,
                    host_device=path if block else "",
                    start_connected=bool(path),
                )
            else:
                yield Disk(key=free(2000), controller=key, unit=unit, file=_disk_place(path, site), capacity=0)
        elif element.tag == "interface":
            mac, model = element.find("mac"), element.find("model")
            yield Nic(
                key=free(4000),
                model=(model.get("type") if model is not None else None) or "e1000",
                mac_kind="manual",
                network=_network(element, site),
                mac=mac.get("address", "") if mac is not None else "",
            )


def _as_it_runs(definition: Definition, live: Element) -> Definition:
    """What is plugged in at this moment: links that are up, drives with something in them."""
    present = {key: element for element in live.iterfind("devices/*") if (key := _key_of(element)) is not None}
    found: list[AnyDevice] = []
    for device in definition.devices:
        element = present.get(device.key)
        if element is not None and isinstance(device, Nic):
            up = element.find("link[@state='down']") is None
            device = device if device.connected == up else msgspec.structs.replace(device, connected=up)
        elif element is not None and isinstance(device, Optical) and device.backing != "client":
            inside = bool(_source(element))
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
