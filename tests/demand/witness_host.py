"""The host, as the kernel, lscpu, ip, QEMU and the firmware's tables tell of it."""

from __future__ import annotations

import json
import os
import re
import socket
import struct
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from .real import MIB, World
from .witness import UNSET, Between, Is, Near, witness

PLACEHOLDERS = {"not specified", "to be filled by o.e.m.", "default string", "none", "system serial number", "0123456789"}


def read(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace").strip()
    except OSError:
        return ""


@cache
def cpus() -> list[list[str]]:
    """[thread, core, socket, node] of every thread that is online."""
    text = subprocess.check_output(["lscpu", "-p=CPU,CORE,SOCKET,NODE"], text=True)
    return [line.split(",") for line in text.splitlines() if not line.startswith("#")]


def of_cpuinfo(name: str) -> str:
    found = re.search(rf"^{name}\s*:\s*(.*)$", read("/proc/cpuinfo"), re.MULTILINE)
    return found.group(1).strip() if found else ""


def memory() -> int:
    found = re.search(r"^MemTotal:\s+(\d+) kB", read("/proc/meminfo"))
    assert found
    return int(found.group(1)) * 1024


def megahertz() -> Any:
    """A kernel tells of several frequencies; the nominal one is among them."""
    told = {int(khz) // 1000 for name in ("base_frequency", "cpuinfo_max_freq")
            if (khz := read(f"/sys/devices/system/cpu/cpu0/cpufreq/{name}"))}  # fmt: skip
    named = re.search(r"@\s*([\d.]+)\s*GHz", of_cpuinfo("model name"))
    told |= {round(float(named.group(1)) * 1000)} if named else set()
    now = float(of_cpuinfo("cpu MHz") or 0)
    return Is(lambda mhz: mhz in told or abs(mhz - now) <= now / 20, f"one of {told}, or about {now}")


def dmi(name: str) -> str:
    value = read(f"/sys/class/dmi/id/{name}")
    return "" if value.lower() in PLACEHOLDERS else value


def board() -> Any:
    told = [re.sub("[^0-9a-f]", "", text.lower()) for text in (read("/sys/class/dmi/id/product_uuid"), read("/etc/machine-id"))]
    known = [text for text in told if len(text) == 32 and len(set(text)) > 2]
    if not known:
        return Is(lambda uuid: len(uuid) == 36, "some UUID, for neither board nor system has one")
    return Is(lambda uuid: uuid.replace("-", "").lower() == known[0], f"the board's or the system's: {known[0]}")


def boot_time() -> Any:
    found = re.search(r"^btime (\d+)", read("/proc/stat"), re.MULTILINE)
    assert found
    second = int(found.group(1))
    return Is(lambda at: abs(at.timestamp() - second) < 2, f"{second} of the epoch")


def up() -> Any:
    """Figures are of the last round, which may be half a minute old."""
    now = float(read("/proc/uptime").split()[0])
    return Between(now - 40, now)


def pci_storage() -> list[str]:
    addresses = os.listdir("/sys/bus/pci/devices") if Path("/sys/bus/pci/devices").is_dir() else []
    return [address for address in addresses if read(f"/sys/bus/pci/devices/{address}/class").startswith("0x01")]


@cache
def cards() -> dict[str, str]:
    """Name -> MAC of every card with a device behind it."""
    names = os.listdir("/sys/class/net")
    return {name: read(f"/sys/class/net/{name}/address") for name in names if Path(f"/sys/class/net/{name}/device").exists()}


@cache
def addresses() -> dict[str, list[str]]:
    """Interface -> its addresses with their prefixes, without those that only the host itself can reach."""
    text = subprocess.check_output(["ip", "-o", "addr", "show"], text=True)
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, kind, address = line.split()[1:4]
        if kind in ("inet", "inet6") and "scope host" not in line:
            found.setdefault(name, []).append(address)
    return found


# --- names ---------------------------------------------------------------------------------------------------


def resolver() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"nameserver": [], "search": [], "domain": []}
    for line in read("/etc/resolv.conf").splitlines():
        word, *rest = line.split() or [""]
        if word == "nameserver":
            found[word] += rest[:1]
        elif word in found:
            found[word] = rest
    return found


def domain() -> str:
    return next(iter([*resolver()["domain"], *resolver()["search"], ""]))


def full_name() -> str:
    name = socket.gethostname()
    return name if "." in name or not domain() else f"{name}.{domain()}"


def short_name() -> str:
    return socket.gethostname().partition(".")[0]


@witness("HostSystem", "name", "summary.config.name")
def _name(world: World) -> Any:
    return full_name()


@witness("HostSystem", "config.network.dnsConfig.hostName")
def _short(world: World) -> Any:
    return short_name()


@witness("HostSystem", "config.network.dnsConfig.domainName")
def _domain(world: World) -> Any:
    return domain() or full_name().partition(".")[2]


@witness("HostSystem", "config.network.dnsConfig")
def _dns(world: World) -> Any:
    told = resolver()
    return {"hostName": short_name(), "address": told["nameserver"] or UNSET, "searchDomain": told["search"] or UNSET}


# --- hardware ------------------------------------------------------------------------------------------------


def hardware_summary() -> dict[str, Any]:
    return {
        "vendor": dmi("sys_vendor"), "model": dmi("product_name"), "uuid": board(), "memorySize": memory(),
        "cpuModel": of_cpuinfo("model name"), "cpuMhz": megahertz(), "numCpuPkgs": packages(), "numCpuCores": cores(),
        "numCpuThreads": len(cpus()), "numNics": len(cards()), "numHBAs": len(pci_storage()),
    }  # fmt: skip


def packages() -> int:
    return len({row[2] for row in cpus()})


def cores() -> int:
    return len({(row[2], row[1]) for row in cpus()})


def nodes() -> int:
    return len({row[3] for row in cpus()})


@witness("HostSystem", "summary.hardware")
def _hardware_summary(world: World) -> Any:
    return hardware_summary()


for _field in ("cpuMhz", "memorySize", "numCpuCores", "numCpuPkgs", "cpuModel", "model", "vendor"):
    witness("HostSystem", f"summary.hardware.{_field}")(lambda world, field=_field: hardware_summary()[field])


@witness("HostSystem", "hardware.memorySize")
def _memory(world: World) -> Any:
    return memory()


@witness("HostSystem", "hardware.cpuInfo.numCpuPackages")
def _packages(world: World) -> Any:
    return packages()


@witness("HostSystem", "hardware.cpuInfo.numCpuCores")
def _cores(world: World) -> Any:
    return cores()


@witness("HostSystem", "hardware.cpuInfo.numCpuThreads")
def _threads(world: World) -> Any:
    return len(cpus())


@witness("HostSystem", "hardware.cpuInfo.hz")
def _hz(world: World) -> Any:
    told = megahertz()
    return Is(lambda hz: told.holds(hz // 1_000_000), told.words)


@witness("HostSystem", "hardware.numaInfo.numNodes")
def _nodes(world: World) -> Any:
    return nodes()


@witness("HostSystem", "hardware.systemInfo")
def _system(world: World) -> Any:
    serial = dmi("product_serial")
    return {"vendor": dmi("sys_vendor"), "model": dmi("product_name"), "uuid": board(), "serialNumber": serial or UNSET}


@witness("HostSystem", "hardware.systemInfo.uuid")
def _board(world: World) -> Any:
    return board()


def features() -> Any:
    """Level 0 spells the maker's name; level 1 holds family, model and stepping, which /proc/cpuinfo tells as well."""
    if not os.access("/dev/cpu/0/cpuid", os.R_OK):
        return Is(lambda told: told == [], "nothing: the processor's registers cannot be read here")
    family, model, stepping = (int(of_cpuinfo(name)) for name in ("cpu family", "model", "stepping"))

    def right(told: list[Any]) -> bool:
        levels = {one.level: one for one in told}
        number = {name: int(getattr(levels[0], name).replace(":", ""), 2) for name in ("ebx", "edx", "ecx")}
        eax = int(levels[1].eax.replace(":", ""), 2)
        wide = (eax >> 8 & 0xF) in (6, 15)
        return (
            struct.pack("<3I", number["ebx"], number["edx"], number["ecx"]).decode() == of_cpuinfo("vendor_id")
            and (eax >> 8 & 0xF) + ((eax >> 20 & 0xFF) if (eax >> 8 & 0xF) == 15 else 0) == family
            and (eax >> 4 & 0xF) + ((eax >> 12 & 0xF0) if wide else 0) == model
            and eax & 0xF == stepping
        )

    return Is(right, f"{of_cpuinfo('vendor_id')}, family {family}, model {model}, stepping {stepping}")


@witness("HostSystem", "hardware.cpuFeature")
def _features(world: World) -> Any:
    return features()


@witness("HostSystem", "hardware")
def _hardware(world: World) -> Any:
    addresses = os.listdir("/sys/bus/pci/devices") if Path("/sys/bus/pci/devices").is_dir() else []
    return {
        "memorySize": memory(), "cpuInfo.numCpuThreads": len(cpus()), "cpuInfo.numCpuCores": cores(), "numaInfo.numNodes": nodes(),
        "cpuPkg.threadId": Is(lambda told: sum(map(len, told)) == len(cpus()), "every thread in a package"),
        "systemInfo.uuid": board(), "pciDevice.id": addresses or UNSET, "biosInfo.biosVersion": dmi("bios_version") or UNSET,
        "biosInfo.firmwareType": "UEFI" if Path("/sys/firmware/efi").exists() else "BIOS",
    }  # fmt: skip


@witness("HostSystem", "capability.maxSupportedVcpus")
def _most_cpus(world: World) -> Any:
    """What QEMU's own machine says; KVM may have less to give."""
    ask = '{"execute": "qmp_capabilities"}{"execute": "query-machines"}{"execute": "quit"}'
    done = subprocess.run(["qemu-system-x86_64", "-M", "none", "-display", "none", "-qmp", "stdio"], input=ask, text=True,
                          capture_output=True, timeout=30)  # fmt: skip
    machines = next(
        told["return"] for line in done.stdout.splitlines() if isinstance((told := json.loads(line)).get("return"), list)
    )
    return Between(1, next(one["cpu-max"] for one in machines if one.get("alias") == "pc"))


# --- now -----------------------------------------------------------------------------------------------------


def busy() -> Any:
    return Between(0, len(cpus()) * max(10_000, int(float(of_cpuinfo("cpu MHz") or 0))))


def memory_used() -> Any:
    """In MB; the machine has just been started, so the last figures may lack it."""
    free = re.search(r"^MemAvailable:\s+(\d+) kB", read("/proc/meminfo"), re.MULTILINE)
    assert free
    used = memory() // MIB - int(free.group(1)) // 1024
    return Near(used, 1024 + used / 2)


def quick_stats() -> dict[str, Any]:
    return {"overallCpuUsage": busy(), "overallMemoryUsage": memory_used(), "uptime": up()}


for _field in ("overallMemoryUsage", "overallCpuUsage", "uptime"):
    witness("HostSystem", f"summary.quickStats.{_field}")(lambda world, field=_field: quick_stats()[field])


@witness("HostSystem", "summary.quickStats")
def _quick_stats(world: World) -> Any:
    return quick_stats()


@witness("HostSystem", "runtime.bootTime")
def _boot_time(world: World) -> Any:
    return boot_time()


@witness("HostSystem", "runtime")
def _runtime(world: World) -> Any:
    adapters = [f"vmk{number}" for number in range(len(addresses()))]
    return {
        "bootTime": boot_time(), "powerState": "poweredOn", "connectionState": "connected",
        "networkRuntimeInfo.netStackInstanceRuntimeInfo.vmknicKeys": [adapters],
    }  # fmt: skip


@witness("HostSystem", "summary")
def _summary(world: World) -> Any:
    found = {f"hardware.{name}": value for name, value in hardware_summary().items()}
    found |= {f"quickStats.{name}": value for name, value in quick_stats().items()}
    return found | {"host": world.host, "runtime.bootTime": boot_time(), "config.name": full_name()}
