"""The host below: hardware and software as the kernel, the firmware and libvirt tell them.

Law: every fact may be missing (containers, virtual machines); then the record's own default stands. Nothing here
waits for a network.
"""

from __future__ import annotations

import platform
import re
import shlex
import uuid
from contextlib import suppress

import libvirt

from ..records import CpuPackage, Host, NumaNode
from . import host_cpu, host_net, refusals
from .domain_xml import parse
from .host_files import HostFiles
from .host_load import memory_table
from .host_pci import pci_devices
from .site import Site

DMI = "/sys/class/dmi/id"
PLACEHOLDERS = {
    "not specified",
    "to be filled by o.e.m.",
    "default string",
    "none",
    "system serial number",
    "0123456789",
}


def read_host(site: Site, connection: libvirt.virConnect, local: bool = True, files: HostFiles | None = None) -> Host:
    """For a thread. `local` False: the host is another one, of which only what libvirt tells is known."""
    if not local:
        return read_distant_host(site, connection)
    files = files or HostFiles()
    packages = host_cpu.packages(files)
    threads = tuple(thread for package in packages for thread in package.threads)
    memory = memory_table(files.path("/proc")).get("MemTotal", 0)
    servers, domain, search = host_net.resolver(files)
    domain = domain or (search[0] if search else "")
    return Host(
        uuid=board_uuid(files, connection),
        name=host_net.full_name(domain),
        vendor=_dmi(files, "sys_vendor"),
        model=_dmi(files, "product_name"),
        serial=_dmi(files, "product_serial"),
        asset_tag=_dmi(files, "chassis_asset_tag"),
        bios_vendor=_dmi(files, "bios_vendor"),
        bios_version=_dmi(files, "bios_version"),
        bios_date=iso_date(_dmi(files, "bios_date")),
        efi=files.exists("/sys/firmware/efi"),
        cpu_model=packages[0].model,
        cpu_hz=packages[0].hz,
        cpu_packages=packages,
        cpu_cores=host_cpu.cores(files),
        cpu_threads=len(threads),
        cpuid=host_cpu.cpuid(files),
        memory=memory,
        numa=host_cpu.numa(files, memory, threads),
        pci=pci_devices(files),
        nics=host_net.physical_nics(files),
        interfaces=host_net.interfaces(files, host_net.ask_ip()),
        dns_servers=servers,
        dns_domain=domain,
        dns_search=search,
        gateway=host_net.gateway(files),
        timezone=timezone(files),
        booted=booted(files),
        kernel=platform.release(),
        os_name=os_name(files),
        hypervisor=versions(connection),
        accelerator=site.accelerator,
        max_cpus_per_machine=max_cpus(connection, site),
    )


def read_distant_host(site: Site, connection: libvirt.virConnect) -> Host:
    try:
        model, mib, threads, mhz, nodes, sockets, _, per_core = connection.getInfo()
        name = connection.getHostname()
    except libvirt.libvirtError as error:
        raise refusals.translate(error) from error
    count = max(1, nodes * sockets)
    numbers = range(threads)
    packages = tuple(
        CpuPackage(index=index, vendor="other", model=model, hz=mhz * 1_000_000, threads=tuple(numbers[index::count]))
        for index in range(count)
    )
    return Host(
        uuid=board_uuid(HostFiles("/nonexistent"), connection),
        name=name,
        cpu_model=model,
        cpu_hz=mhz * 1_000_000,
        cpu_packages=packages,
        cpu_cores=max(1, threads // max(1, per_core)),
        cpu_threads=threads,
        memory=mib << 20,
        numa=(NumaNode(id=0, cpus=tuple(numbers), memory=mib << 20),),
        hypervisor=versions(connection),
        accelerator=site.accelerator,
        max_cpus_per_machine=max_cpus(connection, site),
    )


def _dmi(files: HostFiles, name: str) -> str:
    value = files.text(f"{DMI}/{name}")
    return "" if value.lower() in PLACEHOLDERS else value


def board_uuid(files: HostFiles, connection: libvirt.virConnect) -> str:
    """The board's, else the system's machine id in the same form, else what libvirt made up."""
    for text in (files.text(f"{DMI}/product_uuid"), files.text("/etc/machine-id")):
        with suppress(ValueError):
            found = uuid.UUID(text)
            if len(set(found.hex)) > 2:  # boards exist whose maker left only zeros or only Fs
                return str(found)
    try:
        return parse(connection.getCapabilities()).findtext("host/uuid") or ""
    except libvirt.libvirtError:
        return ""


def iso_date(text: str) -> str:
    """A firmware's month/day/year as an ISO date; empty for anything else."""
    found = re.fullmatch(r"(\d\d)/(\d\d)/(\d{4})", text)
    return f"{found.group(3)}-{found.group(1)}-{found.group(2)}" if found else ""


def timezone(files: HostFiles) -> str:
    real = files.real("/etc/localtime")
    if "zoneinfo/" in real:
        return real.rpartition("zoneinfo/")[2]
    return files.text("/etc/timezone") or "UTC"


def booted(files: HostFiles) -> float:
    found = re.search(r"^btime (\d+)$", files.text("/proc/stat"), re.MULTILINE)
    return float(found.group(1)) if found else 0.0


def os_name(files: HostFiles) -> str:
    text = files.text("/etc/os-release") or files.text("/usr/lib/os-release")
    table = {}
    for line in text.splitlines():
        name, _, value = line.partition("=")
        with suppress(ValueError):
            table[name] = "".join(shlex.split(value))
    return table.get("PRETTY_NAME") or table.get("NAME") or platform.system()


def versions(connection: libvirt.virConnect) -> str:
    def words(number: int) -> str:
        return f"{number // 1000000}.{number // 1000 % 1000}.{number % 1000}"

    parts = []
    for name, ask in (("QEMU", connection.getVersion), ("libvirt", connection.getLibVersion)):
        with suppress(libvirt.libvirtError):
            parts.append(f"{name} {words(ask())}")
    return ", ".join(parts)


def max_cpus(connection: libvirt.virConnect, site: Site) -> int:
    """Of the machine family that new machines get; KVM may have less to give than QEMU."""
    with suppress(libvirt.libvirtError):
        text = connection.getDomainCapabilities(
            None, "x86_64", "pc", site.accelerator if site.accelerator == "kvm" else "qemu"
        )
        element = parse(text).find("vcpu")
        if element is not None:
            return int(element.get("max", "255"))
    return 255
