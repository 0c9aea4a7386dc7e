"""A definition as a libvirt domain.

Law: deterministic: the same definition on the same site with the same kept facts gives the same bytes. The definition
itself travels inside, as JSON in our <metadata> element, so that it comes back exactly; libvirt's own elements are
made from it. What a guest would notice (machine type, CPU, PCI slots) is kept from the domain that stands there
already.
"""

from __future__ import annotations

import fnmatch
import re
from posixpath import splitext

import msgspec
from lxml import etree
from lxml.builder import E, ElementMaker

from ..errors import Unsupported
from ..records import Definition, Disk, Nic, Optical
from . import domain_devices as devices
from . import nvme
from .site import Firmware, Site

NAMESPACE = "urn:vmsdk:machine:1"
RUN_NAMESPACE = "urn:vmsdk:run:1"
QEMU_NAMESPACE = "http://libvirt.org/schemas/domain/qemu/1.0"
NAME_LIMIT = 200  # bytes; libvirt makes file names of it

_mine = ElementMaker(namespace=NAMESPACE, nsmap={"vmsdk": NAMESPACE})
_qemu = ElementMaker(namespace=QEMU_NAMESPACE)
_not_xml = re.compile("[\ufffe\uffff]")
_not_in_names = re.compile("[/\x00-\x1f\x7f\ufffe\uffff]")
_parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_blank_text=True)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What a domain that exists already hands on to its next definition."""

    name: str  # libvirt's name
    family: str
    machine: str
    cpu: str  # the <cpu> element without topology
    addresses: dict[str, tuple[str, str]]  # alias -> (what it is, <address> element)
    run: str = ""  # our marks of its last run


def parse(xml: str) -> etree._Element:
    return etree.fromstring(xml.encode(), _parser)


def text_of(definition: Definition) -> str:
    """The definition as JSON that XML can carry."""
    text = msgspec.json.encode(definition).decode()
    return _not_xml.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def domain_name(definition: Definition, taken: frozenset[str] = frozenset()) -> str:
    """The name for libvirt: the machine's own where libvirt can bear it and nobody has it, else one made of its
    uuid."""
    name = definition.name
    clean = _not_in_names.sub("_", name).strip().encode()[:NAME_LIMIT].decode(errors="ignore")
    if clean == name and name not in taken and name not in ("", ".", ".."):
        return name
    short = clean.encode()[: NAME_LIMIT - 9].decode(errors="ignore")
    return f"{short or 'machine'}-{definition.uuid[:8]}"


def kept_of(xml: str) -> Kept:
    root = parse(xml)
    kind = root.find("os/type")
    machine = kind.get("machine", "") if kind is not None else ""
    cpu = root.find("cpu")
    if cpu is not None:
        for extra in cpu.findall("topology") + cpu.findall("numa"):
            cpu.remove(extra)
    addresses = {}
    for element in root.iterfind("devices/*"):
        name, address = element.find("alias"), element.find("address")
        if name is not None and address is not None and address.get("type") == "pci":
            addresses[name.get("name", "")] = (_what(element), etree.tostring(address).decode())
    run = root.find(f"metadata/{{{RUN_NAMESPACE}}}run")
    return Kept(
        name=root.findtext("name") or "",
        family=family_of(machine),
        machine=machine,
        cpu="" if cpu is None else etree.tostring(cpu).decode(),
        addresses=addresses,
        run="" if run is None else etree.tostring(run).decode(),
    )


def family_of(machine: str) -> str:
    return "q35" if "q35" in machine else "pc"


def _what(element: etree._Element) -> str:
    """What a device is to a guest: a new one of the same kind may take its slot."""
    model = element.find("model")
    kind = element.get("model") or (model.get("type") if model is not None else None) or ""
    return f"{element.tag!s} {element.get('type', '') if element.tag == 'controller' else ''} {kind}"


def wanted_family(definition: Definition) -> str:
    """i440FX, as ESXi's 440BX, for all but secure boot: that needs SMM, which only Q35 has."""
    return "q35" if definition.firmware == "efi" and definition.secure_boot else "pc"


def domain_xml(definition: Definition, site: Site, name: str, kept: Kept | None = None) -> str:
    """The domain. `name` is libvirt's. Raises Unsupported and NoSuchDatastore."""
    try:
        return _domain_xml(definition, site, name, kept)
    except ValueError as error:  # of lxml: a path or a network's name with U+FFFE in it
        raise Unsupported(f"The definition cannot be written as XML: {error}") from error


def _domain_xml(definition: Definition, site: Site, name: str, kept: Kept | None) -> str:
    family = wanted_family(definition)
    if kept is not None and kept.family != family:
        kept = None
    machine = kept.machine if kept else dict(site.newest).get(family, family)
    q35 = family == "q35"
    root = etree.Element(
        "domain", type="kvm" if site.accelerator == "kvm" else "qemu", nsmap={"qemu": QEMU_NAMESPACE}
    )
    root.append(E.name(name))
    root.append(E.uuid(definition.uuid))
    if name != definition.name and not _not_in_names.search(definition.name.replace("/", "")):
        root.append(E.title(definition.name))
    metadata = E.metadata(_mine.machine(text_of(definition), name=name))
    if kept and kept.run:
        metadata.append(parse(kept.run))
    root.append(metadata)
    root.append(E.memory(str(definition.memory_mib), unit="MiB"))
    root.append(E.currentMemory(str(definition.memory_mib), unit="MiB"))
    root.append(E.vcpu(str(definition.cpus), placement="static"))
    root.append(_os(definition, site, machine))
    features = E.features(E.acpi(), E.apic())
    if definition.secure_boot and definition.firmware == "efi":
        features.append(E.smm(state="on"))
    root.append(features)
    root.append(_cpu(definition, site, kept, family))
    root.append(
        E.clock(E.timer(name="rtc", tickpolicy="catchup"), E.timer(name="pit", tickpolicy="delay"), offset="utc")
    )
    root.append(E.on_poweroff("destroy"))
    root.append(E.on_reboot("restart"))
    root.append(E.on_crash("destroy"))
    root.append(E.pm(E("suspend-to-mem", enabled="yes"), E("suspend-to-disk", enabled="no")))
    orders = devices.boot_orders(definition)
    root.append(_devices(definition, site, q35, kept, orders))
    words = nvme.arguments(definition, site, orders, q35)
    if definition.bios_uuid and definition.bios_uuid != definition.uuid:
        # libvirt insists that the guest reads the domain's own uuid; QEMU takes the last one it is told.
        words += ["-smbios", f"type=1,uuid={definition.bios_uuid}"]
    if words:
        root.append(_qemu.commandline(*(_qemu.arg(value=word) for word in words)))
    etree.indent(root)
    return etree.tostring(root).decode()


def nvram_of(home: str) -> str:
    """The path of the NVRAM beside a configuration file."""
    return splitext(home)[0] + ".nvram"


def firmware_for(definition: Definition, site: Site, machine: str) -> Firmware:
    secure = definition.secure_boot
    for one in site.firmware:
        fits = any(fnmatch.fnmatch(machine, pattern) for pattern in one.machines)
        if fits and one.secure == secure and one.enrolled == secure:
            return one
    raise Unsupported(
        "No UEFI firmware" + (" with secure boot" if secure else "") + f" for {machine} is installed on the host."
    )


def _os(definition: Definition, site: Site, machine: str) -> etree._Element:
    element = E.os(E.type("hvm", arch="x86_64", machine=machine))
    if definition.firmware == "efi":
        firmware = firmware_for(definition, site, machine)
        element.append(
            E.loader(firmware.code, readonly="yes", type="pflash", secure="yes" if definition.secure_boot else "no")
        )
        element.append(E.nvram(nvram_of(site.path(definition.home)), template=firmware.variables))
    elif definition.firmware != "bios":
        raise Unsupported(f"There is no firmware {definition.firmware}.")
    return element


def _cpu(definition: Definition, site: Site, kept: Kept | None, family: str) -> etree._Element:
    text = kept.cpu if kept and kept.cpu else dict(site.cpu).get(family, "<cpu/>")
    element = parse(text)
    cores = definition.cores_per_socket
    if cores < 1 or definition.cpus % cores:
        cores = 1
    topology = E.topology(sockets=str(definition.cpus // cores), cores=str(cores), threads="1")
    model = element.find("vendor") if element.find("vendor") is not None else element.find("model")
    element.insert(0 if model is None else element.index(model) + 1, topology)
    return element


def _devices(
    definition: Definition, site: Site, q35: bool, kept: Kept | None, orders: dict[int, int]
) -> etree._Element:
    slots = devices.Slots(definition, q35)
    found = devices.controllers(definition, slots, q35)
    for device in definition.devices:
        order = orders.get(device.key)
        if isinstance(device, Disk) and slots.controller(device).model != "nvme":
            found.append(devices.disk(device, slots, site, order))
        elif isinstance(device, Optical):
            found.append(devices.optical(device, slots, site, order))
        elif isinstance(device, Nic):
            found.append(devices.nic(device, site, order))
    found.append(
        E.serial(E.source(mode="bind", path=site.socket(definition.uuid, "serial")), E.target(port="0"), type="unix")
    )
    found.append(
        E.channel(E.source(mode="bind"), E.target(type="virtio", name="org.qemu.guest_agent.0"), type="unix")
    )
    found.append(E.input(type="tablet", bus="usb"))
    found.append(E.graphics(E.listen(type="socket", socket=site.socket(definition.uuid, "vnc")), type="vnc"))
    found.append(E.video(E.model(type="vga", vram="16384", heads="1"), E.alias(name="ua-video")))
    found.append(E.memballoon(model="none"))
    for element in found:
        name = element.find("alias")
        before = kept.addresses.get(name.get("name", "")) if kept and name is not None else None
        if before and before[0] == _what(element) and element.find("address") is None:
            element.append(parse(before[1]))
    return E.devices(*found)
