"""Operations of more than one effect, so that a kill at any moment leaves nothing half done.

Law: the undo of an effect is data and stored *before* the effect runs; it is idempotent; undos run backwards on failure, and at the
next start for what a kill interrupted. `undoers` says what each word of undo does.

    async with steps.begin("CreateVM_Task", key) as work:
        await work.do(lambda: storage.create_disk(place, size), ("delete_file", place.datastore, place.path))
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Protocol

from twisted.logger import Logger

log = Logger()
Undo = tuple[Any, ...]  # (word, arguments …), all JSON


class Journal(Protocol):
    """What the store offers: see `store/intents.py`."""

    def begin(self, operation: str, key: str) -> int: ...

    def add(self, intent: int, undo: Undo) -> None: ...

    def done(self, intent: int) -> None: ...

    def unfinished(self) -> list[tuple[int, str, list[Undo]]]: ...

    async def flushed(self) -> None: ...


class Steps:
    """Makes intents and undoes what is left of them. `between` is for tests: awaited between every two steps."""

    def __init__(self, journal: Journal, undoers: dict[str, Callable[..., Awaitable[None]]]):
        self.journal, self.undoers = journal, undoers
        self.between: Callable[[str, int], Awaitable[None]] | None = None

    def begin(self, operation: str, key: str = "") -> Work:
        return Work(self, operation, key)

    async def recover(self) -> list[str]:
        """Undo what an earlier run left unfinished; the operations that were."""
        names = []
        for intent, operation, undos in self.journal.unfinished():
            names.append(operation)
            if await self.undo(undos):
                self.journal.done(intent)
        await self.journal.flushed()
        return names

    async def undo(self, undos: list[Undo]) -> bool:
        """Backwards, all of them; whether all went well. What did not stays in the journal for the next start."""
        well = True
        for word, *arguments in reversed(undos):
            try:
                await self.undoers[word](*arguments)
            except Exception:
                well = False
                log.failure("undo {word} {arguments} failed", word=word, arguments=arguments)
        return well


class Work:
    """One operation's steps."""

    def __init__(self, steps: Steps, operation: str, key: str):
        self._steps, self._operation, self._key = steps, operation, key
        self._undos: list[Undo] = []
        self._intent = 0

    async def __aenter__(self) -> Work:
        self._intent = self._steps.journal.begin(self._operation, self._key)
        return self

    async def do(self, effect: Callable[[], Awaitable[Any]] | None, undo: Undo | None = None) -> Any:
        """Store the undo, make sure it is on disk, run the effect."""
        if undo is not None:
            self._undos.append(undo)
            self._steps.journal.add(self._intent, undo)
        await self._steps.journal.flushed()
        await self._between()
        result = await effect() if effect is not None else None
        await self._between()
        return result

    async def _between(self) -> None:
        if self._steps.between is not None:
            await self._steps.between(self._operation, len(self._undos))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, GeneratorExit):
            return  # the process ends: the next start undoes what is in the journal
        if error is None or await self._steps.undo(self._undos):
            self._steps.journal.done(self._intent)
        await self._steps.journal.flushed()
