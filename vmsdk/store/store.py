"""All rooms of the store over one database.

Law: opening reads everything; nothing reads the file afterwards.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from .accounts import Accounts
from .database import Database
from .errors import StoreBroken, StoreError, StoreFailed
from .facts import Facts
from .history import History
from .intents import Intents
from .references import References

__all__ = ["Store", "StoreBroken", "StoreError", "StoreFailed"]
IDENTITY = "host.identity"


class Store:
    """`now()` gives epoch seconds. The host's identity is made with the first store that has none."""

    def __init__(self, database: Database, now: Callable[[], float]):
        self.database = database
        self.facts = Facts(database)
        self.references = References(database)
        self.accounts = Accounts(database, now)
        self.intents = Intents(database)
        self.history = History(database, now)
        self.identity: str = self.facts.once(IDENTITY, lambda: str(uuid.uuid4()))

    @classmethod
    def open(cls, path: str | Path, reactor: Any) -> Store:
        """The store of a server, its writer in a thread. StoreBroken."""
        return cls(Database(path, reactor), reactor.seconds)

    @classmethod
    def in_memory(cls, now: Callable[[], float] = lambda: 0.0) -> Store:
        """A store without file and thread, for tests."""
        return cls(Database(":memory:", threaded=False), now)

    def flushed(self) -> Deferred[None] | None:
        """None when everything is on disk; else what fires when all that is queued by now is. StoreFailed."""
        return self.database.flushed() if self.database.pending else None

    def flushed_now(self) -> Deferred[None]:
        return self.database.flushed()

    def close(self) -> Deferred[None]:
        """Write the rest and let go."""
        return self.database.close()
