"""How busy the host is: from /proc/stat, /proc/meminfo and /proc/uptime.

Law: a reading is the mean since the reading before; the first one is since the host booted. What cannot be read is
zero.
"""

from __future__ import annotations

import os
import time

from ..records import HostLoad


class LoadReader:
    """`proc`: where procfs is mounted."""

    def __init__(self, proc: str = "/proc"):
        self._proc = proc
        self._busy = self._total = 0.0

    def read(self) -> HostLoad:
        memory = memory_table(self._proc)
        used = memory.get("MemTotal", 0) - memory.get("MemAvailable", memory.get("MemFree", 0))
        uptime = _text(os.path.join(self._proc, "uptime")).split()
        return HostLoad(
            at=time.monotonic(), cpu=self._cpu(), memory_used=max(0, used), uptime=float(uptime[0]) if uptime else 0.0
        )

    def _cpu(self) -> float:
        lines = _text(os.path.join(self._proc, "stat")).splitlines()
        if not lines or not lines[0].startswith("cpu "):
            return 0.0
        ticks = [int(word) for word in lines[0].split()[1:9]]  # user nice system idle iowait irq softirq steal
        threads = sum(1 for line in lines if line[:3] == "cpu" and line[3:4].isdigit()) or 1
        total, idle = float(sum(ticks)), float(sum(ticks[3:5]))
        busy, spent = (total - idle) - self._busy, total - self._total
        self._busy, self._total = total - idle, total
        return max(0.0, min(float(threads), busy / spent * threads)) if spent > 0 else 0.0


def memory_table(proc: str = "/proc") -> dict[str, int]:
    """/proc/meminfo in bytes."""
    table = {}
    for line in _text(os.path.join(proc, "meminfo")).splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if words and words[0].isdigit():
            table[name] = int(words[0]) << (10 if words[1:] == ["kB"] else 0)
    return table


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
