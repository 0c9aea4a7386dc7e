"""Task: the face of one task in `engine/tasks.py`."""

from __future__ import annotations

from typing import Any

from ..engine.call import Call
from ..engine.managed_object import ManagedObject, operation, prop
from ..engine.site import Site
from ..engine.tasks import TaskHandle
from ..wsdl import vim


class Task(ManagedObject):
    def __init__(self, site: Site, handle: TaskHandle):
        super().__init__(site.graph, handle.ref.value)
        self.site, self.handle = site, handle

    @prop
    def info(self) -> Any:
        r = self.handle.cell.get()
        return vim.TaskInfo(
            key=r.key, task=self.ref, name=r.name, descriptionId=r.description_id, entity=r.entity,
            entityName=r.entity_name or None, state=r.state, cancelled=r.cancelled, cancelable=r.cancelable,
            error=r.error, result=r.result, progress=r.progress, reason=vim.TaskReasonUser(userName=r.user),
            queueTime=r.queued, startTime=r.started, completeTime=r.completed, eventChainId=r.chain,
            activationId=r.activation_id or None,
        )  # fmt: skip

    @operation
    def CancelTask(self, call: Call) -> None:
        self.handle.cancel()
