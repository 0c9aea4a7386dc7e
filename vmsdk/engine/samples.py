"""The figures of the last hour: a row every 20 seconds for the host and for each running machine. The wire face is
`managed_objects/performance_manager.py`.

Law: a row holds what happened since the row before; a first sample, and the first after a machine's restart, makes none. What was
not measured is -1. Nothing here is stored: figures start anew with the server.
"""

from __future__ import annotations

from array import array

from ..hypervisor.interface import Sampled
from ..hypervisor.records import Statistics
from .site import Site

INTERVAL = 20
KEEP = 180  # rows of each
EARLY = 1.0  # a round may come this much too early
MISSING = -1
HOST = ""  # its key beside the machines' uuids
FIGURES = (
    "cpu.usage.average", "cpu.usagemhz.average", "mem.usage.average", "mem.active.average", "mem.consumed.average",
    "disk.usage.average", "disk.read.average", "disk.write.average", "net.usage.average", "net.received.average",
    "net.transmitted.average", "sys.uptime.latest",
)  # fmt: skip
WIDTH = 1 + len(FIGURES)


class Samples:
    """Rings of rows by uuid (HOST for the host). A row is (epoch second, figures as FIGURES names them)."""

    def __init__(self, site: Site):
        self._site = site
        self._rings: dict[str, array] = {}
        self._before: dict[str, Statistics] = {}
        self._last = float("-inf")

    def heard(self, news: Sampled) -> None:
        """A round of figures. The host's traffic is that of its machines: no more is measured."""
        now = self._site.clock.seconds()
        if now - self._last < INTERVAL - EARLY:
            return
        first, self._last = self._last == float("-inf"), now
        traffic = [0.0, 0.0, 0.0, 0.0]
        for uuid, sample in news.machines.items():
            before = self._before.get(uuid)
            if before is None or not _goes_on(before, sample):
                continue
            rates = _traffic(before, sample)
            traffic = [a + b for a, b in zip(traffic, rates, strict=True)]
            row = self._of_machine(uuid, before, sample, rates, now)
            if row is not None:
                self._add(uuid, int(now), row)
        self._before = dict(news.machines)
        if not first:
            self._add(HOST, int(now), self._of_host(news, traffic))
        for uuid in [uuid for uuid in self._rings if uuid and uuid not in self._site.machines]:
            del self._rings[uuid]

    def _of_machine(
        self, uuid: str, before: Statistics, sample: Statistics, rates: list[float], now: float
    ) -> list[float] | None:
        cells = self._site.machines.get(uuid)
        if cells is None:
            return None
        share = (sample.cpu_seconds - before.cpu_seconds) / (sample.at - before.at)
        memory = cells.defined.memory_mib << 20
        active = sample.memory_guest_used
        used = sample.memory_resident if active is None else active
        started = cells.power.get().started
        return [
            min(10_000.0, share / max(1, cells.defined.cpus) * 10_000), share * self._mhz(),
            min(10_000.0, used / memory * 10_000) if memory else MISSING, MISSING if active is None else active / 1024,
            sample.memory_resident / 1024, *_with_sums(rates), MISSING if started is None else max(0.0, now - started),
        ]  # fmt: skip

    def _of_host(self, news: Sampled, traffic: list[float]) -> list[float]:
        host, load = self._site.host.host.get(), news.host
        return [
            min(10_000.0, load.cpu / max(1, host.cpu_threads) * 10_000), load.cpu * self._mhz(),
            load.memory_used / host.memory * 10_000 if host.memory else MISSING, MISSING, load.memory_used / 1024,
            *_with_sums(traffic), load.uptime,
        ]  # fmt: skip

    def _mhz(self) -> float:
        return self._site.host.host.get().cpu_hz / 1e6

    def _add(self, key: str, second: int, row: list[float]) -> None:
        ring = self._rings.get(key)
        if ring is None:
            ring = self._rings[key] = array("q")
        ring.append(second)
        ring.extend(round(figure) for figure in row)
        if len(ring) > KEEP * WIDTH:
            del ring[:WIDTH]

    def rows(self, key: str, after: float | None = None, until: float | None = None, most: int | None = None) -> list[array]:
        """Rows later than `after` and not later than `until` (epoch seconds), oldest first, the newest `most` of them. None is
        older than an hour."""
        ring = self._rings.get(key, array("q"))
        oldest = self._site.clock.seconds() - INTERVAL * KEEP
        after = oldest if after is None else max(after, oldest)
        found = [
            ring[at : at + WIDTH]
            for at in range(0, len(ring), WIDTH)
            if ring[at] > after and (until is None or ring[at] <= until)
        ]
        return found[-most:] if most else found


def _goes_on(before: Statistics, sample: Statistics) -> bool:
    """Whether both are of one run of the machine, in order."""
    return sample.at > before.at and sample.cpu_seconds >= before.cpu_seconds and sample.disk_read >= before.disk_read


def _traffic(before: Statistics, sample: Statistics) -> list[float]:
    """KB a second: disk read, written, network received, sent."""
    seconds = sample.at - before.at
    names = ("disk_read", "disk_written", "net_received", "net_sent")
    return [max(0, getattr(sample, name) - getattr(before, name)) / 1024 / seconds for name in names]


def _with_sums(rates: list[float]) -> list[float]:
    read, written, received, sent = rates
    return [read + written, read, written, received + sent, received, sent]
