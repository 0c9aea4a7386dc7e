"""Figures and guest facts of a simulated machine: pure functions of what the machine is and how long it ran.

Law: no state and no chance. Counters never fall within a run, and two hosts built alike tell the same.
"""

from __future__ import annotations

import math
import zlib

from ..interface import Sampled
from ..records import (
    Definition,
    Disk,
    Guest,
    GuestAddress,
    GuestDisk,
    GuestNic,
    Host,
    HostLoad,
    Nic,
    Statistics,
)
from .state import MIB, SimulatedMachine

SWING = 0.6  # how far the load strays from its mean
IDLE_HOST_THREADS = 0.15
HOST_MEMORY_SHARE = 32  # a 32nd part of the host's memory is its own


def statistics(each: SimulatedMachine, now: float) -> Statistics:
    """The machine's counters at `now`. Load goes up and down around a mean of its own."""
    definition = each.machine.definition
    seconds = each.seconds(now)
    mean, beat = _character(definition)
    # The integral of mean * (1 + SWING * sin(beat * t)): it rises for ever, as a counter must.
    worked = mean * (seconds + SWING / beat * (1 - math.cos(beat * seconds)))
    memory = definition.memory_mib * MIB
    used = int(memory * (0.2 + 0.5 * mean) * (1 - math.exp(-seconds / 30.0)))
    return Statistics(
        at=now,
        cpu_seconds=worked * definition.cpus,
        memory_resident=min(memory, used + memory // 10),
        memory_guest_used=used if each.agent_up else None,
        disk_read=int(worked * 900_000),
        disk_written=int(worked * 400_000),
        net_received=int(worked * 120_000),
        net_sent=int(worked * 70_000),
    )


def busy_threads(each: SimulatedMachine, now: float) -> float:
    """How many threads of the host the machine keeps busy at `now`."""
    if each.since is None:
        return 0.0
    mean, beat = _character(each.machine.definition)
    return mean * (1 + SWING * math.sin(beat * each.seconds(now))) * each.machine.definition.cpus


def _character(definition: Definition) -> tuple[float, float]:
    """Mean load of one processor (0.02 to 0.42) and radians a second (a period of 2 to 10 minutes)."""
    seed = zlib.crc32(definition.uuid.encode())
    return 0.02 + (seed % 401) / 1000, math.tau / (120 + seed // 401 % 481)


class Round:
    """One round of figures, taken in slices: `some` answers None until all are taken."""

    def __init__(self, host: Host, running: list[SimulatedMachine], memory: int, now: float):
        self._host, self._running, self._memory, self._now = host, running, memory, now
        self._taken: dict[str, Statistics] = {}
        self._busy = IDLE_HOST_THREADS

    def some(self, count: int) -> Sampled | None:
        begin = len(self._taken)
        for each in self._running[begin : begin + count]:
            self._taken[each.uuid] = statistics(each, self._now)
            self._busy += busy_threads(each, self._now)
        if len(self._taken) < len(self._running):
            return None
        load = HostLoad(
            at=self._now,
            cpu=min(self._busy, float(self._host.cpu_threads)),
            memory_used=min(self._host.memory, self._memory + self._host.memory // HOST_MEMORY_SHARE),
            uptime=max(0.0, self._now - self._host.booted),
        )
        return Sampled(host=load, machines=self._taken)


def guest_facts(definition: Definition) -> Guest:
    """What an agent in such a machine would tell."""
    nics = [each for each in definition.devices if isinstance(each, Nic)]
    disk = next((each for each in definition.devices if isinstance(each, Disk)), None)
    return Guest(
        agent=True,
        agent_version="12.4.0",
        hostname=definition.name,
        os_id="linux",
        os_name="Linux",
        os_version="6.1",
        kernel="6.1.0-amd64",
        architecture="x86_64",
        nics=tuple(
            GuestNic(name=f"eth{index}", mac=nic.mac, addresses=(_address(nic.mac),))
            for index, nic in enumerate(nics)
        ),
        disks=(GuestDisk(mount="/", capacity=disk.capacity, free=disk.capacity * 9 // 10, filesystem="ext4"),)
        if disk
        else (),
    )


def _address(mac: str) -> GuestAddress:
    """An address of 10.0.0.0/8 that follows from the card's."""
    low = bytes.fromhex(mac.replace(":", "").replace("-", "")[-6:] or "000000")
    return GuestAddress(address="10." + ".".join(str(part) for part in low), prefix=8)
