"""Local accounts as they are kept. Who may log in, and when, is decided above.

Law: no password comes here, only its argon2 hash; the moment of its change is noted here, by the clock that was
handed in.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from .database import Database


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One account. Times are epoch seconds by the server's clock, 0 for never."""

    name: str
    hash: str
    full_name: str = ""
    failures: int = 0
    locked_until: float = 0.0
    password_changed: float = 0.0
    administrator: bool = False


class Accounts:
    """All accounts, by name; names are as they are written."""

    def __init__(self, database: Database, now: Callable[[], float]):
        self._database, self._now = database, now
        self._accounts = {
            name: msgspec.json.decode(body, type=Account)
            for name, body in database.rows("SELECT name, body FROM account ORDER BY name")
        }

    def get(self, name: str) -> Account | None:
        return self._accounts.get(name)

    def all(self) -> tuple[Account, ...]:
        """By name."""
        return tuple(self._accounts[name] for name in sorted(self._accounts))

    def put(self, account: Account) -> None:
        """Make or replace one. `password_changed` is this room's: now where the hash is another, else as it was."""
        old = self._accounts.get(account.name)
        changed = old.password_changed if old is not None and old.hash == account.hash else self._now()
        new = msgspec.structs.replace(account, password_changed=changed)
        body = msgspec.json.encode(new).decode()
        self._database.write(("INSERT OR REPLACE INTO account (name, body) VALUES (?, ?)", (new.name, body)))
        self._accounts[new.name] = new

    def remove(self, name: str) -> None:
        """Gone already is success."""
        if name in self._accounts:
            self._database.write(("DELETE FROM account WHERE name = ?", (name,)))
            del self._accounts[name]
