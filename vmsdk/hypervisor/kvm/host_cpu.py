"""The host's processors and memory nodes, from /proc/cpuinfo and /sys.

Law: a host without any of it still has one package, one core and the threads that the kernel runs on.
"""

from __future__ import annotations

import os
import re
import struct

from ..records import CpuPackage, NumaNode
from .host_files import HostFiles, cpu_list

VENDORS = {"GenuineIntel": "intel", "AuthenticAMD": "amd"}
LEVELS = (0x0, 0x1, 0x80000000, 0x80000001, 0x80000008)  # what a vSphere host shows of itself
SYSTEM_CPU = "/sys/devices/system/cpu"
SYSTEM_NODE = "/sys/devices/system/node"


def processors(files: HostFiles) -> list[dict[str, str]]:
    """/proc/cpuinfo, a table for each thread."""
    blocks = re.split(r"\n\s*\n", files.text("/proc/cpuinfo"))
    tables = [dict(_pair(line) for line in block.splitlines() if ":" in line) for block in blocks]
    return [table for table in tables if "processor" in table]


def _pair(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()


def packages(files: HostFiles) -> tuple[CpuPackage, ...]:
    threads: dict[int, list[int]] = {}
    tables: dict[int, dict[str, str]] = {}
    for table in processors(files):
        thread = int(table["processor"]) if table["processor"].isdigit() else len(tables)
        package = files.number(f"{SYSTEM_CPU}/cpu{thread}/topology/physical_package_id")
        if package is None or package < 0:
            package = int(table["physical id"]) if table.get("physical id", "").isdigit() else 0
        threads.setdefault(package, []).append(thread)
        tables.setdefault(package, table)
    if not threads:
        threads, tables = {0: list(range(os.cpu_count() or 1))}, {0: {}}
    hz = frequency(files)
    return tuple(
        CpuPackage(
            index=index,
            vendor=VENDORS.get(tables[index].get("vendor_id", ""), "other"),
            model=tables[index].get("model name", ""),
            hz=hz,
            threads=tuple(threads[index]),
        )
        for index in sorted(threads)
    )


def cores(files: HostFiles) -> int:
    """Physical cores: threads that share one count once."""
    seen = set()
    for table in processors(files):
        shared = files.text(f"{SYSTEM_CPU}/cpu{table['processor']}/topology/thread_siblings_list")
        seen.add(shared or f"{table.get('physical id', '0')}:{table.get('core id', table['processor'])}")
    return len(seen) or 1


def frequency(files: HostFiles) -> int:
    """Nominal cycles a second: the base frequency, what the model's name says, or what runs now."""
    for name in ("base_frequency", "cpuinfo_max_freq"):
        if khz := files.number(f"{SYSTEM_CPU}/cpu0/cpufreq/{name}"):
            return khz * 1000
    table = next(iter(processors(files)), {})
    if said := re.search(r"@\s*([\d.]+)\s*GHz", table.get("model name", "")):
        return int(float(said.group(1)) * 1e9)
    try:
        return int(float(table.get("cpu MHz", "0")) * 1e6)
    except ValueError:
        return 0


def numa(files: HostFiles, memory: int, threads: tuple[int, ...]) -> tuple[NumaNode, ...]:
    """The memory nodes; one with everything where the kernel tells none."""
    nodes = []
    for name in files.names(SYSTEM_NODE):
        if re.fullmatch(r"node\d+", name):
            total = re.search(r"MemTotal:\s*(\d+) kB", files.text(f"{SYSTEM_NODE}/{name}/meminfo"))
            cpus = cpu_list(files.text(f"{SYSTEM_NODE}/{name}/cpulist"))
            nodes.append(NumaNode(id=int(name[4:]), cpus=cpus, memory=int(total.group(1)) << 10 if total else 0))
    return tuple(sorted(nodes, key=lambda node: node.id)) or (NumaNode(id=0, cpus=threads, memory=memory),)


def cpuid(files: HostFiles) -> tuple[tuple[int, int, int, int, int], ...]:
    """(level, eax, ebx, ecx, edx) of the levels that clients ask for; nothing where the cpuid device is not
    readable.
    """
    found = []
    try:
        with open(files.path("/dev/cpu/0/cpuid"), "rb", buffering=0) as device:
            for level in LEVELS:
                device.seek(level)
                found.append((level, *struct.unpack("<4I", device.read(16))))
    except (OSError, struct.error):
        return ()
    return tuple(found)
