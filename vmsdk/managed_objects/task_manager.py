"""TaskManager: which tasks there were lately, what they are called, and collectors of those of earlier days.

`task_descriptions.tsv` has a label for each id of a task (empty: the operation's own name).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from ..engine.call import Call
from ..engine.managed_object import ManagedObject, operation, prop
from ..engine.site import Site
from ..wsdl import MoRef, vim
from .history_collector import check_entity, room_for
from .task_history_collector import TaskHistoryCollector

MAX_COLLECTORS = 32  # of one session
STATES = (("queued", "Queued"), ("running", "Running"), ("success", "Success"), ("error", "Error"))
REASONS = (
    ("TaskReasonAlarm", "Alarm task"), ("TaskReasonSystem", "System task"), ("TaskReasonUser", "User task"),
    ("TaskReasonSchedule", "Scheduled task"),
)  # fmt: skip


@cache
def labels() -> dict[str, str]:
    """Description id -> what a person reads."""
    lines = Path(__file__).with_name("task_descriptions.tsv").read_text(encoding="utf-8").splitlines()[1:]
    rows = (line.split("\t") for line in lines)
    return {key: label or key.rpartition(".")[2] for key, label in rows}


class TaskManager(ManagedObject):
    def __init__(self, site: Site):
        super().__init__(site.graph, site.personality.manager("taskManager")[1])
        self.site = site

    @prop
    def recentTask(self) -> tuple[MoRef, ...]:
        return self.site.tasks.recent.get()

    @prop
    def maxCollector(self) -> int:
        return MAX_COLLECTORS

    @prop
    def description(self) -> Any:
        return vim.TaskDescription(
            methodInfo=[vim.ElementDescription(key=key, label=label, summary=label) for key, label in labels().items()],
            state=[vim.ElementDescription(key=key, label=label, summary=label) for key, label in STATES],
            reason=[vim.TypeDescription(key=key, label=label, summary=label) for key, label in REASONS],
        )

    @operation
    def CreateCollectorForTasks(self, call: Call, filter: Any) -> MoRef:
        """A collector of this session. InvalidState past `maxCollector`, ManagedObjectNotFound for an unknown entity."""
        assert call.session is not None
        check_entity(self.site, call, filter.entity)
        name = room_for(call, TaskHistoryCollector, MAX_COLLECTORS)
        return call.session.own(TaskHistoryCollector(self.site, name, filter, call.user))

    @operation
    def CreateTask(
        self, call: Call, obj: MoRef, taskTypeId: str, cancelable: bool, initiatedBy: str | None = None,
        parentTaskKey: str | None = None, activationId: str | None = None,
    ) -> Any:  # fmt: skip
        """For extensions of a centre; there are none."""
        raise vim.NotSupported()
