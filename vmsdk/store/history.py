"""Tasks, running and finished, as they were last told.

Law: a number is never given twice. A task that a start finds unfinished is finished as failed before anybody
sees it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from ..wsdl import MethodFault, MoRef, vim
from .database import Database
from .plain import from_plain, to_plain

KEEP = 2000
SLACK = 100  # so many more before the oldest are dropped, all at once
INTERRUPTED = "The server stopped while the operation was under way."


class TaskRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One task. Times are aware datetimes; `state` is queued, running, success or error."""

    key: str
    number: int
    name: str
    description_id: str
    entity: MoRef | None = None
    entity_name: str = ""
    user: str = ""
    state: str = "queued"
    queued: datetime
    started: datetime | None = None
    completed: datetime | None = None
    progress: int | None = None
    cancelable: bool = False
    cancelled: bool = False
    result: Any = None
    error: MethodFault | None = None
    activation_id: str = ""
    session: str = ""
    chain: int = 0


class History:
    """The newest `keep` tasks, as JSON texts by number."""

    def __init__(self, database: Database, now: Callable[[], float], keep: int = KEEP):
        self._database, self._keep = database, keep
        rows = database.rows("SELECT number, finished, body FROM task ORDER BY number")
        self._texts: dict[int, str] = {number: body for number, _, body in rows}
        self._last = max(self._texts, default=0)
        self._interrupted: list[TaskRecord] = []
        for _, finished, body in rows:
            if not finished:
                self._interrupted.append(_failed(_from_text(body), now()))
                self.remember(self._interrupted[-1])

    @property
    def next_number(self) -> int:
        return self._last + 1

    def remember(self, record: TaskRecord) -> None:
        """Keep a task as it is now."""
        told = {name: to_plain(getattr(record, name)) for name in TaskRecord.__struct_fields__}
        text = msgspec.json.encode(told).decode()
        self._database.write(
            (
                "INSERT OR REPLACE INTO task (number, finished, body) VALUES (?, ?, ?)",
                (record.number, record.state in ("success", "error"), text),
            )
        )
        self._texts[record.number] = text
        self._last = max(self._last, record.number)
        if len(self._texts) > self._keep + SLACK:
            self._drop()

    def interrupted(self) -> list[TaskRecord]:
        """What an earlier run left unfinished, each failed by now, oldest first."""
        return list(self._interrupted)

    def newest(self, count: int) -> list[TaskRecord]:
        """The newest tasks, newest first."""
        numbers = sorted(self._texts, reverse=True)[:count]
        return [_from_text(self._texts[number]) for number in numbers]

    def _drop(self) -> None:
        last = sorted(self._texts)[-self._keep]
        for number in [number for number in self._texts if number < last]:
            del self._texts[number]
        self._database.write(("DELETE FROM task WHERE number < ?", (last,)))


def _from_text(text: str) -> TaskRecord:
    told = msgspec.json.decode(text)
    known = TaskRecord.__struct_fields__
    return TaskRecord(**{name: from_plain(value) for name, value in told.items() if name in known})


def _failed(record: TaskRecord, now: float) -> TaskRecord:
    return msgspec.structs.replace(
        record,
        state="error",
        completed=datetime.fromtimestamp(now, UTC),
        error=vim.SystemError(reason=INTERRUPTED, msg=INTERRUPTED),
        cancelable=False,
        progress=None,
        result=None,
    )
