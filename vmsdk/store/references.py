"""Numbers of things that clients refer to: (kind, stable key) -> number, the same for as long as the thing exists.

Law: a number is given once and never again, not after `forget` and not after a restart. Its row is queued
before the number is known to anybody, so an answer that names it waits for the row.
"""

from __future__ import annotations

from .database import Database


class References:
    """`first`: the lowest number given of any kind."""

    def __init__(self, database: Database, first: int = 1):
        self._database, self._first = database, first
        self._numbers: dict[str, dict[str, int]] = {}
        for kind, key, number in database.rows("SELECT kind, key, number FROM reference ORDER BY number"):
            self._numbers.setdefault(kind, {})[key] = number
        self._last: dict[str, int] = dict(database.rows("SELECT kind, number FROM reference_last"))

    def allocate(self, kind: str, key: str) -> int:
        """The number of that key; a new one where it has none."""
        mine = self._numbers.setdefault(kind, {})
        number = mine.get(key)
        if number is None:
            number = max(self._last.get(kind, 0) + 1, self._first)
            self._database.write(
                ("INSERT INTO reference (kind, key, number) VALUES (?, ?, ?)", (kind, key, number)),
                ("INSERT OR REPLACE INTO reference_last (kind, number) VALUES (?, ?)", (kind, number)),
            )
            mine[key] = self._last[kind] = number
        return number

    def find(self, kind: str, key: str) -> int | None:
        return self._numbers.get(kind, {}).get(key)

    def forget(self, kind: str, key: str) -> None:
        """The key has no number any more; unknown already is success."""
        if self._numbers.get(kind, {}).get(key) is not None:
            self._database.write(("DELETE FROM reference WHERE kind = ? AND key = ?", (kind, key)))
            del self._numbers[kind][key]

    def keys(self, kind: str) -> tuple[str, ...]:
        """All keys of a kind, in the order of their numbers."""
        return tuple(self._numbers.get(kind, ()))
