"""Task: the face of one task in `engine/tasks.py`.

Law: who started a task may read and cancel it, whatever else they may; others are judged at its entity.
"""

from __future__ import annotations

from typing import Any

from ..engine.call import Call
from ..engine.managed_object import ManagedObject, operation, prop
from ..engine.permissions import no_permission
from ..engine.site import Site
from ..engine.tasks import TaskHandle, TaskRecord
from ..wsdl import CONTRACT, MoRef, vim


class Task(ManagedObject):
    def __init__(self, site: Site, handle: TaskHandle):
        super().__init__(site.graph, handle.ref.value)
        self.site, self.handle = site, handle

    @property
    def parent_object(self) -> ManagedObject | None:
        entity = self.handle.cell.get().entity
        return self.site.inventory.get(entity.value) if entity is not None else None

    @property
    def owner(self) -> str:
        return self.handle.cell.get().user

    @prop
    def info(self) -> Any:
        return told(self.handle.cell.get())

    @operation
    def CancelTask(self, call: Call) -> None:
        if call.user != self.owner and not self.site.permissions.has(call.user, self, "Global.CancelTask"):
            raise no_permission(self.ref, "Global.CancelTask")
        self.handle.cancel()


def told(r: TaskRecord) -> Any:
    """A task's record as the contract has it. Its entity can only be a ManagedEntity: clients refuse any other."""
    entity = r.entity if r.entity is not None and CONTRACT.managed(r.entity.type).descends_from("ManagedEntity") else None
    return vim.TaskInfo(
        key=r.key, task=MoRef("Task", r.key), name=r.name, descriptionId=r.description_id, entity=entity,
        entityName=r.entity_name or None, state=r.state, cancelled=r.cancelled, cancelable=r.cancelable,
        error=r.error, result=r.result, progress=r.progress, reason=vim.TaskReasonUser(userName=r.user),
        queueTime=r.queued, startTime=r.started, completeTime=r.completed, eventChainId=r.chain,
        activationId=r.activation_id or None,
    )  # fmt: skip
