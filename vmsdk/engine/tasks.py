"""Tasks: what runs, what ran, and how it ended. The wire face is `managed_objects/task.py`.

Law: the record in the cell is the only state; it goes queued -> running -> success | error and never back. A finished task stays
readable for ten minutes at least. What a restart finds unfinished is shown as failed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from ..store.history import TaskRecord
from ..wsdl import MethodFault, MoRef, vim
from .cells import Cell, Graph

KEEP_SECONDS = 600
KEEP_MOST = 10_000
RECENT = 100  # of all, and of one entity


class TaskHandle:
    """One task, in the hands of the operation that does it."""

    def __init__(self, tasks: Tasks, cell: Cell[TaskRecord], ref: MoRef):
        self._tasks, self.cell, self.ref = tasks, cell, ref
        self.on_cancel: Callable[[], None] | None = None

    @property
    def record(self) -> TaskRecord:
        return self.cell.get()

    def _set(self, **changes: Any) -> None:
        self.cell.set(msgspec.structs.replace(self.cell.get(), **changes))

    @property
    def finished(self) -> bool:
        return self.cell.get().state in ("success", "error")

    def start(self) -> None:
        self._set(state="running", started=self._tasks.now())

    def chained(self, event: int) -> None:
        """`event` is the key of the operation's first event."""
        self._set(chain=event)

    def progress(self, percent: int) -> None:
        """0 to 100; never falls."""
        if not self.finished:
            self._set(progress=max(self.cell.get().progress or 0, min(100, percent)))

    def cancelable(self, on_cancel: Callable[[], None] | None) -> None:
        """From now on a client may cancel the task by `on_cancel`; None takes that back."""
        self.on_cancel = on_cancel
        self._set(cancelable=on_cancel is not None)

    def cancel(self) -> None:
        """InvalidState when done, NotSupported when it cannot be."""
        if self.finished:
            raise vim.InvalidState()
        if self.on_cancel is None:
            raise vim.NotSupported()
        self._set(cancelled=True, cancelable=False)
        stop, self.on_cancel = self.on_cancel, None
        stop()

    def succeed(self, result: Any) -> None:
        self._set(state="success", completed=self._tasks.now(), result=result, cancelable=False, progress=None)
        self._tasks.ended(self)

    def fail(self, error: MethodFault) -> None:
        self._set(state="error", completed=self._tasks.now(), error=error, cancelable=False, progress=None)
        self._tasks.ended(self)


class Tasks:
    """All tasks of this server. `reference(entity, description_id, number)` spells the id, as the personality has it;
    `publish`/`retire` put the wire face into the inventory and take it out."""

    def __init__(
        self,
        graph: Graph,
        clock: Any,
        reference: Callable[[str, str, int], str],
        publish: Callable[[TaskHandle], None],
        retire: Callable[[TaskHandle], None],
        remember: Callable[[TaskRecord], None] = lambda record: None,
        first_number: int = 1,
    ):
        self._graph, self._clock, self._reference = graph, clock, reference
        self._publish, self._retire, self._remember = publish, retire, remember
        self._number = first_number
        self.recent: Cell[tuple[MoRef, ...]] = graph.cell(())
        self._by_entity: dict[MoRef, Cell[tuple[MoRef, ...]]] = {}
        self.handles: dict[str, TaskHandle] = {}
        self._done: deque[tuple[float, TaskHandle]] = deque()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.seconds(), UTC)

    def create(self, name: str, description_id: str, entity: MoRef | None, entity_name: str, call: Any) -> TaskHandle:
        """A queued task, visible to clients from now on."""
        number, self._number = self._number, self._number + 1
        key = self._reference(entity.value if entity else "", description_id, number)
        record = TaskRecord(
            key=key, number=number, name=name, description_id=description_id, entity=entity, entity_name=entity_name,
            user=call.user, queued=self.now(), activation_id=call.operation_id,
            session=call.session.key if call.session else "", chain=number,
        )  # fmt: skip
        handle = self._adopt(record)
        self._remember(record)
        return handle

    def restore(self, record: TaskRecord) -> TaskHandle:
        """A task of an earlier run, finished: kept for as long as if there had been no stop."""
        self._number = max(self._number, record.number + 1)
        handle = self._adopt(record)
        self._done.append((record.completed.timestamp() if record.completed else self._clock.seconds(), handle))
        return handle

    def _adopt(self, record: TaskRecord) -> TaskHandle:
        handle = TaskHandle(self, self._graph.cell(record), MoRef("Task", record.key))
        self.handles[record.key] = handle
        self._publish(handle)
        self.recent.set((*self.recent.get()[1 - RECENT :], handle.ref))
        if record.entity is not None:
            mine = self.of(record.entity)
            mine.set((*mine.get()[1 - RECENT :], handle.ref))
        self.sweep()
        return handle

    def of(self, entity: MoRef) -> Cell[tuple[MoRef, ...]]:
        """The recent tasks of one entity, oldest first."""
        cell = self._by_entity.get(entity)
        if cell is None:
            cell = self._by_entity[entity] = self._graph.cell(())
        return cell

    def ended(self, handle: TaskHandle) -> None:
        self._remember(handle.record)
        self._done.append((self._clock.seconds(), handle))

    def sweep(self) -> None:
        """Retire what has been done for long enough."""
        limit = self._clock.seconds() - KEEP_SECONDS
        gone = []
        while self._done and (self._done[0][0] < limit or len(self._done) > KEEP_MOST):
            gone.append(self._done.popleft()[1])
        if not gone:
            return
        refs = {handle.ref for handle in gone}
        for handle in gone:
            self.handles.pop(handle.ref.value, None)
            entity = handle.record.entity
            if entity in self._by_entity:
                mine = self._by_entity[entity]
                mine.set(tuple(r for r in mine.get() if r not in refs))
            self._retire(handle)
        self.recent.set(tuple(r for r in self.recent.get() if r not in refs))

    def forget_entity(self, entity: MoRef) -> None:
        self._by_entity.pop(entity, None)
