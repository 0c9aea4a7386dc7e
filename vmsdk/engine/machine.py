"""One machine as cells: what the hypervisor last told of it. The wire face is `managed_objects/virtual_machine.py`."""

from __future__ import annotations

import msgspec

from ..hypervisor.records import Definition, FileEntry, Guest, Machine, Power, Statistics
from .cells import Cell, Graph


class PowerNow(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of a machine's record but its definition."""

    power: Power = Power.OFF
    paused: bool = False
    started: float | None = None
    suspended: float | None = None
    crashed: bool = False
    clean_stop: bool = True
    foreign: bool = False
    trouble: str = ""


class FilesNow(msgspec.Struct, frozen=True, kw_only=True):
    """The files of a machine as last listed, and when (epoch seconds)."""

    files: tuple[FileEntry, ...] = ()
    at: float = 0.0


class MachineCells:
    """`number` is what its reference is made of; `uuid` is its identity."""

    __slots__ = ("definition", "files", "guest", "number", "power", "share", "statistics", "uuid")

    def __init__(self, graph: Graph, number: int, machine: Machine):
        self.uuid, self.number = machine.definition.uuid, number
        self.definition = graph.cell(machine.definition)
        self.power = graph.cell(power_of(machine))
        self.guest = graph.cell(Guest())
        self.statistics: Cell[Statistics | None] = graph.cell(None)
        self.share = graph.cell(0.0)
        self.files = graph.cell(FilesNow())

    def seen(self, machine: Machine) -> None:
        self.definition.set(machine.definition)
        self.power.set(power_of(machine))

    def sampled(self, sample: Statistics | None) -> None:
        """A new sample; the share of a processor used since the one before is kept with it."""
        before = self.statistics.get()
        self.statistics.set(sample)
        share = 0.0
        if sample is not None and before is not None and sample.at > before.at:
            share = max(0.0, (sample.cpu_seconds - before.cpu_seconds) / (sample.at - before.at))
        self.share.set(share)

    def cpu_share(self) -> float:
        """Processors busy, averaged over the last two samples (1.5: one and a half)."""
        return self.share.get()

    @property
    def defined(self) -> Definition:
        return self.definition.get()


def power_of(machine: Machine) -> PowerNow:
    return PowerNow(
        power=machine.power, paused=machine.paused, started=machine.started, suspended=machine.suspended,
        crashed=machine.crashed, clean_stop=machine.clean_stop, foreign=machine.foreign, trouble=machine.trouble,
    )  # fmt: skip

