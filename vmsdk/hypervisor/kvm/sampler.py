"""Figures: one round for the host and all running machines, every so many seconds.

Law: a round that takes longer than its period is not overtaken by the next; a round that fails is left out, and said.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

import libvirt
from twisted.internet.base import DelayedCall
from twisted.logger import Logger

from ..errors import HypervisorError
from ..interface import Announcement, Sampled
from ..records import HostLoad, Statistics
from . import refusals
from .background import Background
from .host_load import LoadReader
from .link import Link
from .schedule import Schedule

log = Logger()

STATS = (
    libvirt.VIR_DOMAIN_STATS_STATE
    | libvirt.VIR_DOMAIN_STATS_CPU_TOTAL
    | libvirt.VIR_DOMAIN_STATS_BALLOON
    | libvirt.VIR_DOMAIN_STATS_INTERFACE
    | libvirt.VIR_DOMAIN_STATS_BLOCK
)
FLAGS = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_RUNNING | libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_PAUSED
NOWAIT = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT  # leave out what would wait for a machine that is busy


def read_statistics(connection: libvirt.virConnect, before: dict[str, Statistics]) -> dict[str, Statistics]:
    """Of all running machines, by uuid; for a thread. `before`: the round before this one."""
    try:
        told = connection.getAllDomainStats(STATS, FLAGS | NOWAIT)
    except libvirt.libvirtError as error:
        raise refusals.translate(error) from error
    at, found = time.monotonic(), {}
    for domain, figures in told:
        uuid = domain.UUIDString()
        found[uuid] = statistics_of(figures, at, before.get(uuid))
    return found


def statistics_of(figures: dict[str, Any], at: float, before: Statistics | None = None) -> Statistics:
    """One record of libvirt's typed parameters. A machine that is busy tells nothing of its disks: what it told last
    stands.
    """

    def total(kind: str, name: str) -> int:
        return sum(
            int(figures.get(f"{kind}.{index}.{name}", 0)) for index in range(int(figures.get(f"{kind}.count", 0)))
        )

    silent = before if "block.count" not in figures else None
    unused, available = figures.get("balloon.unused"), figures.get("balloon.available")
    return Statistics(
        at=at,
        cpu_seconds=int(figures.get("cpu.time", 0)) / 1e9,
        memory_resident=int(figures.get("balloon.rss", 0)) << 10,
        memory_guest_used=(int(available) - int(unused)) << 10
        if unused is not None and available is not None
        else None,
        disk_read=silent.disk_read if silent else total("block", "rd.bytes"),
        disk_written=silent.disk_written if silent else total("block", "wr.bytes"),
        net_received=total("net", "rx.bytes"),
        net_sent=total("net", "tx.bytes"),
    )


class Sampler:
    """`period`: seconds between rounds, 0 for none. `also`: what else belongs to a round (the datastores'
    figures).
    """

    def __init__(
        self,
        reactor: Any,
        link: Link,
        schedule: Schedule,
        background: Background,
        announce: Callable[[Announcement], None],
        period: float,
        also: Callable[[], Awaitable[None]],
        load: LoadReader | None = None,
    ):
        self._reactor, self._link, self._schedule = reactor, link, schedule
        self._background, self._announce = background, announce
        self._period, self._also, self._load = period, also, load or LoadReader()
        self._timer: DelayedCall | None = None
        self._running = False
        self._before: dict[str, Statistics] = {}

    def start(self) -> None:
        if self._period > 0 and not self._running:
            self._running = True
            self._background.spawn(self._rounds(), "sampling")

    def stop(self) -> None:
        self._running = False
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    async def _rounds(self) -> None:
        try:
            await self.round()
        except HypervisorError as error:
            log.info("a round of figures is left out: {error}", error=error)
        finally:
            if self._running:
                self._timer = self._reactor.callLater(
                    self._period, lambda: self._background.spawn(self._rounds(), "sampling")
                )

    async def round(self) -> Sampled:
        """One round now, announced."""
        connection = self._link.need()

        def look() -> tuple[HostLoad, dict[str, Statistics]]:
            return self._load.read(), read_statistics(connection, self._before)

        host, machines = await self._schedule.run("figures", look, "reading the figures")
        self._before = machines
        sampled = Sampled(host=host, machines=machines)
        self._announce(sampled)
        await self._also()
        return sampled
