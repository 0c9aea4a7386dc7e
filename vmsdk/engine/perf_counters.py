"""The counters of performance that the API names, with their ids on a host and in a centre. Facts in `perf_counters.tsv`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

GROUPS = {
    "cpu": "CPU", "mem": "Memory", "managementAgent": "Management agent", "disk": "Disk", "net": "Network", "sys": "System",
    "power": "Power", "storageAdapter": "Storage adapter", "virtualDisk": "Virtual disk", "datastore": "Datastore",
    "storagePath": "Storage path", "clusterServices": "Cluster services", "vmop": "Virtual machine operations",
    "vcDebugInfo": "vCenter debugging information", "vcResources": "vCenter resource usage information",
    "rescpu": "Resource group CPU", "hbr": "vSphere Replication", "vflashModule": "Virtual flash",
    "vsanDomObj": "VSAN DOM Objects", "gpu": "GPU", "pmem": "PMEM",
}  # fmt: skip
UNITS = {
    "percent": "%", "megaHertz": "MHz", "millisecond": "ms", "number": "num", "megaBytes": "MB", "kiloBytes": "KB",
    "kiloBytesPerSecond": "KBps", "second": "s", "watt": "W", "joule": "J", "microsecond": "µs", "teraBytes": "TB",
    "celsius": "℃",
}  # fmt: skip
ROLLUPS = {
    "average": "mean over the interval", "maximum": "highest value of the interval", "minimum": "lowest value of the interval",
    "latest": "value at the end of the interval", "summation": "sum over the interval", "none": "value as it was measured",
}  # fmt: skip
STATS = {"absolute": "a value by itself", "delta": "a change during the interval", "rate": "a value per second"}


class Counter(NamedTuple):
    """`name` is group.counter.rollup; percents count in hundredths. `associated`: ids of the same counter rolled up."""

    id: int
    name: str
    group: str
    counter: str
    label: str
    rollup: str
    stats: str
    unit: str
    level: int
    per_device: int
    associated: tuple[int, ...]


@cache
def counters(column: int) -> dict[int, Counter]:
    """Those of a host (0) or of a centre (1), by id. A host has no levels."""
    found = {}
    lines = Path(__file__).with_suffix(".tsv").read_text(encoding="utf-8").splitlines()[1:]
    for row in (line.split("\t") for line in lines):
        if not row[column]:
            continue
        group, counter, label, rollup, stats, unit = row[2:8]
        level, per_device = (int(row[8]), int(row[9])) if column else (0, 0)
        associated = () if column or not row[10] else tuple(map(int, row[10].split(",")))
        found[int(row[column])] = Counter(
            int(row[column]), f"{group}.{counter}.{rollup}", group, counter, label, rollup, stats, unit, level, per_device,
            associated,
        )  # fmt: skip
    return dict(sorted(found.items()))
