"""Small facts by key, each a JSON value: the host's identity, settings, folders, what starts by itself …

Law: what is read is a copy; only `put` changes a fact. Keys are dotted words and are never renamed, only
migrated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from .database import Database


class Facts:
    """All facts, kept as their JSON texts."""

    def __init__(self, database: Database):
        self._database = database
        self._texts: dict[str, str] = dict(database.rows("SELECT key, body FROM fact"))

    def get(self, key: str, default: Any = None, type: Any = Any) -> Any:
        """The value, as `type` where one is given (a msgspec Struct …); `default` where there is none."""
        text = self._texts.get(key)
        return default if text is None else msgspec.json.decode(text, type=type)

    def put(self, key: str, value: Any) -> None:
        """TypeError for what is not JSON. A value that does not change is not written."""
        text = msgspec.json.encode(value).decode()
        if self._texts.get(key) != text:
            self._database.write(("INSERT OR REPLACE INTO fact (key, body) VALUES (?, ?)", (key, text)))
            self._texts[key] = text

    def once(self, key: str, make: Callable[[], Any]) -> Any:
        """The value; made and kept the first time."""
        if key not in self._texts:
            self.put(key, make())
        return self.get(key)

    def remove(self, key: str) -> None:
        """Gone already is success."""
        if key in self._texts:
            self._database.write(("DELETE FROM fact WHERE key = ?", (key,)))
            del self._texts[key]

    def keys(self, prefix: str = "") -> tuple[str, ...]:
        return tuple(sorted(key for key in self._texts if key.startswith(prefix)))
