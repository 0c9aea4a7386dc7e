"""PerformanceManager: the face of `engine/samples.py`. Figures are of the last hour, every 20 seconds; none are kept longer.

Law: a counter that is known but not measured gives no series; it is never an error and never a zero.
"""

from __future__ import annotations

from array import array
from datetime import UTC, datetime
from typing import Any

from ..engine import perf_counters
from ..engine.call import Call
from ..engine.managed_object import ManagedObject, operation, prop
from ..engine.perf_counters import Counter
from ..engine.samples import FIGURES, HOST, INTERVAL, MISSING
from ..engine.site import Site
from ..hypervisor.records import Power
from ..wsdl import MoRef, vim

MAX_FIGURES = 200_000  # of one answer
AGGREGATE = ""
ANY = ("", "*")


class PerformanceManager(ManagedObject):
    def __init__(self, site: Site):
        super().__init__(site.graph, site.personality.manager("perfManager")[1])
        self.site = site
        self._counters = perf_counters.counters(site.personality.column)
        self._columns = {each.id: 1 + FIGURES.index(each.name) for each in self._counters.values() if each.name in FIGURES}

    # -- what there is ----------------------------------------------------------------------------------------

    @prop
    def perfCounter(self) -> list[Any]:
        return [told(each) for each in self._counters.values()]

    @prop
    def description(self) -> Any:
        return vim.PerformanceDescription(
            counterType=[_element(key, key, text) for key, text in perf_counters.ROLLUPS.items()],
            statsType=[_element(key, key, text) for key, text in perf_counters.STATS.items()],
        )

    @operation
    def QueryPerfCounter(self, call: Call, counterId: list[int]) -> list[Any]:
        """InvalidArgument `counterId` for an id that is none."""
        if any(each not in self._counters for each in counterId):
            raise vim.InvalidArgument(invalidProperty="counterId")
        return [told(self._counters[each]) for each in counterId]

    @operation
    def QueryPerfCounterByLevel(self, call: Call, level: int) -> list[Any]:
        """Those collected at a level (1 to 4); a host collects all at every level."""
        if not 1 <= level <= 4:
            raise vim.InvalidArgument(invalidProperty="level")
        return [told(each) for each in self._counters.values() if each.level <= level]

    @operation
    def QueryPerfProviderSummary(self, call: Call, entity: MoRef) -> Any:
        """InvalidArgument `entity` for what has no figures."""
        self._key(call, entity, "entity")
        return vim.PerfProviderSummary(entity=entity, currentSupported=True, summarySupported=True, refreshRate=INTERVAL)

    @operation
    def QueryAvailablePerfMetric(
        self, call: Call, entity: MoRef, beginTime: datetime | None = None, endTime: datetime | None = None,
        intervalId: int | None = None,
    ) -> list[Any]:  # fmt: skip
        """What an entity has figures of; nothing for a machine that did not run in that time."""
        key = self._key(call, entity, "entity")
        if intervalId not in (None, 0, INTERVAL):
            raise vim.InvalidArgument(invalidProperty="intervalId")
        rows = self.site.samples.rows(key, _seconds(beginTime), _seconds(endTime))
        return [vim.PerfMetricId(counterId=each, instance=AGGREGATE) for each in self._measured(key, rows)]

    # -- figures ----------------------------------------------------------------------------------------------

    @operation
    def QueryPerf(self, call: Call, querySpec: list[Any]) -> list[Any]:
        """An answer for each spec. InvalidArgument `querySpec.interval`, `.format`, `.maxSample`, `.entity`, and `querySpec` where
        more than 200,000 figures are asked for."""
        answers, left = [], MAX_FIGURES
        for spec in querySpec:
            rows, wanted = self._asked(call, spec)
            left -= len(rows) * (1 + len(wanted))
            if left < 0:
                raise vim.InvalidArgument(invalidProperty="querySpec", msg=f"More than {MAX_FIGURES} figures are asked for at once.")
            series = _csv if spec.format == "csv" else _normal
            answers.append(series(spec.entity, rows, {each: self._columns[each] for each in wanted}))
        return answers

    def _asked(self, call: Call, spec: Any) -> tuple[list[array], list[int]]:
        """The rows that a spec means, and the counters of it that were measured."""
        key = self._key(call, spec.entity, "querySpec.entity")
        if spec.intervalId not in (None, INTERVAL):
            raise vim.InvalidArgument(invalidProperty="querySpec.interval")
        if spec.format not in (None, "", "normal", "csv"):
            raise vim.InvalidArgument(invalidProperty="querySpec.format")
        if spec.maxSample is not None and spec.maxSample < 0:
            raise vim.InvalidArgument(invalidProperty="querySpec.maxSample")
        rows = self.site.samples.rows(key, _seconds(spec.startTime), _seconds(spec.endTime), spec.maxSample)
        measured = self._measured(key, rows) if rows else []
        if not spec.metricId:
            return rows, measured
        named = dict.fromkeys(each.counterId for each in spec.metricId if each.instance in ANY)
        return rows, [each for each in named if each in measured]

    def _measured(self, key: str, rows: list[array]) -> list[int]:
        """Ids of what the rows hold; of a machine that has just begun to run, what they will hold."""
        if rows:
            return [each for each, column in self._columns.items() if any(row[column] != MISSING for row in rows)]
        cells = self.site.machines.get(key)
        running = cells.power.get().power is Power.ON if cells is not None else key == HOST
        unsure = "mem.active.average"
        return [each for each in self._columns if running and self._counters[each].name != unsure]

    def _key(self, call: Call, entity: MoRef, argument: str) -> str:
        """Under which key the figures of an entity stand. InvalidArgument for what has none; NoPermission for who may not read the
        entity: its figures say what `summary.quickStats` says, whose privilege that is."""
        face = self.site.inventory.find(entity, call.session)
        fault = self.site.permissions.refusal(call, face, "System.Read")
        if fault is not None:
            raise fault
        if face.ref.type == "HostSystem":
            return HOST
        if face.ref.type != "VirtualMachine":
            raise vim.InvalidArgument(invalidProperty=argument)
        return face.machine.uuid  # type: ignore[attr-defined]


def told(each: Counter) -> Any:
    """A counter as the contract has it."""
    group = perf_counters.GROUPS.get(each.group, each.group)
    unit = perf_counters.UNITS.get(each.unit, each.unit)
    summary = f"{group}: {each.label}, {perf_counters.ROLLUPS[each.rollup]}"
    return vim.PerfCounterInfo(
        key=each.id, nameInfo=_element(each.counter, each.label, summary), groupInfo=_element(each.group, group, group),
        unitInfo=_element(each.unit, unit, unit), rollupType=each.rollup, statsType=each.stats, level=each.level,
        perDeviceLevel=each.per_device, associatedCounterId=each.associated,
    )  # fmt: skip


def _element(key: str, label: str, summary: str) -> Any:
    return vim.ElementDescription(key=key, label=label, summary=summary)


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment is not None else None


def _normal(entity: MoRef, rows: list[array], columns: dict[int, int]) -> Any:
    return vim.PerfEntityMetric(
        entity=entity,
        sampleInfo=[vim.PerfSampleInfo(timestamp=datetime.fromtimestamp(row[0], UTC), interval=INTERVAL) for row in rows],
        value=[
            vim.PerfMetricIntSeries(id=vim.PerfMetricId(counterId=each, instance=AGGREGATE), value=[row[column] for row in rows])
            for each, column in columns.items()
        ],
    )


def _csv(entity: MoRef, rows: list[array], columns: dict[int, int]) -> Any:
    times = (datetime.fromtimestamp(row[0], UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for row in rows)
    return vim.PerfEntityMetricCSV(
        entity=entity,
        sampleInfoCSV=",".join(f"{INTERVAL},{time}" for time in times),
        value=[
            vim.PerfMetricSeriesCSV(
                id=vim.PerfMetricId(counterId=each, instance=AGGREGATE), value=",".join(str(row[column]) for row in rows)
            )
            for each, column in columns.items()
        ],
    )
