"""The journal of operations of more than one effect: what each would have to undo, should a kill interrupt it.

Law: an undo is JSON and is on disk (`flushed`) before its effect runs. An intent that is done leaves no row;
whatever rows a start finds are of operations that were interrupted.
"""

from __future__ import annotations

from typing import Any

import msgspec

from .database import Database

Undo = tuple[Any, ...]


class Intents:
    """The Journal of `engine/steps.py`."""

    def __init__(self, database: Database):
        self._database = database
        self._left: dict[int, tuple[str, str, list[Undo]]] = {
            intent: (operation, key, [])
            for intent, operation, key in database.rows("SELECT id, operation, key FROM intent ORDER BY id")
        }
        for intent, body in database.rows("SELECT intent, body FROM undo ORDER BY intent, place"):
            self._left[intent][2].append(tuple(msgspec.json.decode(body)))
        self._last = max(self._left, default=0)
        self._places: dict[int, int] = {}

    def begin(self, operation: str, key: str = "") -> int:
        """A new intent; its number."""
        self._last += 1
        self._database.write(
            ("INSERT INTO intent (id, operation, key) VALUES (?, ?, ?)", (self._last, operation, key))
        )
        self._places[self._last] = 0
        return self._last

    def add(self, intent: int, undo: Undo) -> None:
        """Note how the next effect is undone. KeyError for an intent that is done or of an earlier run."""
        place = self._places[intent]
        body = msgspec.json.encode(undo).decode()
        self._database.write(("INSERT INTO undo (intent, place, body) VALUES (?, ?, ?)", (intent, place, body)))
        self._places[intent] = place + 1

    def done(self, intent: int) -> None:
        """Nothing of it has to be undone any more. Done already is success."""
        if self._places.pop(intent, None) is None and self._left.pop(intent, None) is None:
            return
        self._database.write(
            ("DELETE FROM undo WHERE intent = ?", (intent,)), ("DELETE FROM intent WHERE id = ?", (intent,))
        )

    def unfinished(self) -> list[tuple[int, str, list[Undo]]]:
        """What earlier runs left: (intent, operation, its undos in the order they were noted), oldest first."""
        return [(intent, operation, list(undos)) for intent, (operation, _, undos) in self._left.items()]

    def unfinished_keys(self) -> dict[int, str]:
        """The keys of `unfinished()`."""
        return {intent: key for intent, (_, key, _) in self._left.items()}

    async def flushed(self) -> None:
        await self._database.flushed()
