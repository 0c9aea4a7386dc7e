"""What the host's properties say of its hardware: HostHardwareInfo, HostHardwareSummary and their parts. Pure functions of Host.

Law: a fact that the record does not hold stays unset, or empty where the contract wants something. xsd:short and xsd:byte
are signed: ids and bus numbers past the middle go out negative, as hosts send them.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from ..engine.site import Site
from ..hypervisor.records import CpuPackage, Host, NumaNode, PciDevice
from ..wsdl import vim
from .host_storage_facts import adapters

VENDORS = {"intel": "intel", "amd": "amd"}
MEGAHERTZ = 1_000_000
NAMES_OF_IDS = {
    "AssetTag": ("Asset Tag", "Asset tag of the system"),
    "ServiceTag": ("Service tag", "Service tag of the system"),
}


def signed(value: int, bits: int) -> int:
    """The same bits as a signed number: 0x8086 in 16 bits is -32634."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def board_uuid(site: Site) -> str:
    """The board's; the server's own identity where the board tells none."""
    return site.host.host.get().uuid or site.identity


def identifiers(host: Host) -> list[Any]:
    """HostSystemIdentificationInfo of what is known: asset tag and serial number."""
    found = []
    for key, value in (("AssetTag", host.asset_tag), ("ServiceTag", host.serial)):
        if value:
            label, text = NAMES_OF_IDS[key]
            kind = vim.ElementDescription(label=label, summary=text, key=key)
            found.append(vim.HostSystemIdentificationInfo(identifierValue=value, identifierType=kind))
    return found


def summary(site: Site) -> Any:
    """HostHardwareSummary."""
    host = site.host.host.get()
    return vim.HostHardwareSummary(
        vendor=host.vendor, model=host.model, uuid=board_uuid(site), otherIdentifyingInfo=identifiers(host), memorySize=host.memory,
        cpuModel=host.cpu_model, cpuMhz=host.cpu_hz // MEGAHERTZ, numCpuPkgs=package_count(host), numCpuCores=host.cpu_cores,
        numCpuThreads=host.cpu_threads, numNics=len(host.nics), numHBAs=len(adapters(host)),
    )  # fmt: skip


def package_count(host: Host) -> int:
    return len(host.cpu_packages) or 1


def hardware(site: Site) -> Any:
    """HostHardwareInfo."""
    host = site.host.host.get()
    return vim.HostHardwareInfo(
        systemInfo=vim.HostSystemInfo(
            vendor=host.vendor, model=host.model, uuid=board_uuid(site), otherIdentifyingInfo=identifiers(host),
            serialNumber=host.serial or None,
        ),
        cpuInfo=vim.HostCpuInfo(
            numCpuPackages=package_count(host), numCpuCores=host.cpu_cores, numCpuThreads=host.cpu_threads, hz=host.cpu_hz
        ),
        cpuPkg=[_package(host, package) for package in packages(host)], memorySize=host.memory,
        numaInfo=vim.HostNumaInfo(type="NUMA", numNodes=len(host.numa), numaNode=_nodes(host.numa)) if host.numa else None,
        smcPresent=host.vendor.startswith("Apple"), pciDevice=[_pci(device) for device in host.pci], cpuFeature=cpu_features(host),
        biosInfo=_firmware(host),
    )  # fmt: skip


# --- processors ----------------------------------------------------------------------------------------------

def packages(host: Host) -> tuple[CpuPackage, ...]:
    """As told; where nothing is told, one with all threads."""
    if host.cpu_packages:
        return host.cpu_packages
    threads = tuple(range(host.cpu_threads))
    return (CpuPackage(index=0, vendor="other", model=host.cpu_model, hz=host.cpu_hz, threads=threads),)


def _package(host: Host, package: CpuPackage) -> Any:
    signature = next((eax for level, eax, *_ in host.cpuid if level == 1), None)
    family, model, stepping = _signature(signature) if signature is not None else (None, None, None)
    return vim.HostCpuPackage(
        index=package.index, vendor=VENDORS.get(package.vendor, "unknown"), hz=package.hz,
        busHz=0,  # no operating system tells it any more
        description=package.model, threadId=package.threads, cpuFeature=cpu_features(host), family=family, model=model,
        stepping=stepping,
    )  # fmt: skip


def _signature(eax: int) -> tuple[int, int, int]:
    """(family, model, stepping) of CPUID leaf 1, with the extended parts."""
    family, model = eax >> 8 & 0xF, eax >> 4 & 0xF
    if family in (0x6, 0xF):
        model |= eax >> 12 & 0xF0
    if family == 0xF:
        family += eax >> 20 & 0xFF
    return family, model, eax & 0xF


def bits(value: int) -> str:
    """32 bits in groups of four, highest first: `0000:0000:…:0001`."""
    text = f"{value & 0xFFFF_FFFF:032b}"
    return ":".join(text[at : at + 4] for at in range(0, 32, 4))


def cpu_features(host: Host) -> list[Any]:
    return [
        vim.HostCpuIdInfo(level=signed(level, 32), eax=bits(eax), ebx=bits(ebx), ecx=bits(ecx), edx=bits(edx))
        for level, eax, ebx, ecx, edx in host.cpuid
    ]


# --- memory, buses, firmware ---------------------------------------------------------------------------------

def _nodes(nodes: tuple[NumaNode, ...]) -> list[Any]:
    """The nodes' memory laid end to end: the kernel tells how much each has, not where it begins."""
    found, begin = [], 0
    for node in nodes:
        found.append(
            vim.HostNumaNode(
                typeId=signed(node.id, 8),
                cpuID=sorted(node.cpus, reverse=True),
                memorySize=node.memory,
                memoryRangeBegin=begin,
                memoryRangeLength=node.memory,
            )
        )
        begin += node.memory
    return found


def _pci(device: PciDevice) -> Any:
    _, bus, rest = device.address.split(":")
    slot, _, function = rest.partition(".")
    return vim.HostPciDevice(
        id=device.address, classId=signed(device.class_id, 16), bus=signed(int(bus, 16), 8), slot=int(slot, 16),
        function=int(function, 16), vendorId=signed(device.vendor_id, 16), subVendorId=signed(device.subvendor_id, 16),
        vendorName=device.vendor_name, deviceId=signed(device.device_id, 16), subDeviceId=signed(device.subdevice_id, 16),
        deviceName=device.device_name,
    )  # fmt: skip


def _firmware(host: Host) -> Any:
    date = None
    with suppress(ValueError):  # firmware tells dates that no calendar has
        date = datetime.fromisoformat(host.bios_date).replace(tzinfo=UTC)
    return vim.HostBIOSInfo(
        biosVersion=host.bios_version or None, releaseDate=date, vendor=host.bios_vendor or None,
        firmwareType="UEFI" if host.efi else "BIOS",
    )  # fmt: skip
