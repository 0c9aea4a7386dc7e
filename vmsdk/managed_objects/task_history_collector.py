"""TaskHistoryCollector: tasks of this run and of earlier ones that pass a filter.

Law: a task that runs is read from its cell, one that is retired from the store's history.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from heapq import merge
from typing import Any

from ..engine.call import Call
from ..engine.managed_object import operation, prop
from ..engine.site import Site
from ..store.history import TaskRecord
from .history_collector import HistoryCollector, Sight, by_user, concerns
from .task import told

TIMES = {"queuedTime": "queued", "startedTime": "started", "completedTime": "completed"}
SLICE = 32  # so many are decoded from the store at first


class TaskHistoryCollector(HistoryCollector):
    def newest(self) -> Iterator[tuple[int, Any]]:
        sight = Sight(self.site, self._user)
        return (
            (record.number, told(record))
            for record in newest_tasks(self.site)
            if passes(self.site, record, self._spec) and sight.of(record.entity, record.user)
        )

    @prop
    def latestPage(self) -> Any:
        return self.page()

    @operation
    def ReadNextTasks(self, call: Call, maxCount: int) -> list[Any]:
        """Newer ones, oldest first; empty at the end. InvalidArgument `maxCount` unless 1 to 1000."""
        return self.read_on(maxCount)

    @operation
    def ReadPreviousTasks(self, call: Call, maxCount: int) -> list[Any]:
        """Older ones, newest first."""
        return self.read_back(maxCount)


def newest_tasks(site: Site) -> Iterator[TaskRecord]:
    """All tasks that are known, newest first."""
    handles = site.tasks.handles
    live = (handles[ref.value].cell.get() for ref in reversed(site.tasks.recent.get()))
    last = None
    for record in merge(live, _stored(site), key=lambda r: -r.number):  # of equal numbers the live one comes first
        if record.number != last:
            yield record
        last = record.number


def _stored(site: Site) -> Iterator[TaskRecord]:
    seen, count = 0, SLICE
    while True:
        rows = site.store.history.newest(count)
        yield from rows[seen:]
        if len(rows) < count:
            return
        seen, count = count, count * 2


def passes(site: Site, record: TaskRecord, spec: Any) -> bool:
    """Whether a task passes a TaskFilterSpec. No task of ours has an alarm, a schedule, tags or a parent."""
    if spec.alarm or spec.scheduledTask or spec.tag or spec.parentTaskKey or spec.rootTaskKey:
        return False
    if spec.state and record.state not in spec.state:
        return False
    if spec.eventChainId and record.chain not in spec.eventChainId:
        return False
    if spec.activationId and record.activation_id not in spec.activationId:
        return False
    if not by_user(record.user, spec.userName) or not _in_time(record, spec.time):
        return False
    return concerns(site, record.entity, spec.entity)


def _in_time(record: TaskRecord, wanted: Any) -> bool:
    if wanted is None:
        return True
    at: datetime | None = getattr(record, TIMES[wanted.timeType])
    if at is None:
        return False
    return (wanted.beginTime is None or at >= wanted.beginTime) and (wanted.endTime is None or at <= wanted.endTime)
