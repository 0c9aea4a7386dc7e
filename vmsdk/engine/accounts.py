"""Local accounts: who may log in, with argon2 hashes, lock-out, and one-use tickets for the machine's own root.

Law: hashing runs in a small pool with a bounded queue; an unknown name costs as much time as a wrong password. Three failures lock an
account for 900 s; a locked account answers like a wrong password. A name is reserved while its first password is being hashed.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from ..store.accounts import Account
from .call import Peer

LOCK_FAILURES = 3
UNLOCK_SECONDS = 900
MAX_WAITING = 64
TICKET_SECONDS = 30
MAX_PASSWORD = 1024


class Refused(Exception):
    """No login: wrong name, wrong password, locked, or too many at once. Which one stays here."""


class NameTaken(Exception):
    """There is an account of that name, or one is being made."""


class NoAccount(Exception):
    """There is no account of that name."""


class Book(Protocol):
    """Where accounts are kept: see `store/accounts.py`."""

    def get(self, name: str) -> Account | None: ...

    def all(self) -> tuple[Account, ...]: ...

    def put(self, account: Account) -> None: ...

    def remove(self, name: str) -> None: ...


class Accounts:
    """`run(function, *arguments)` runs a function off the reactor and gives a Deferred."""

    def __init__(self, book: Book, clock: Any, run: Callable[..., Deferred], ticket_folder: Path, hasher: PasswordHasher | None = None):
        self._book, self._clock, self._run, self._folder = book, clock, run, ticket_folder
        self._hasher = hasher or PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._nobody = self._hasher.hash(secrets.token_hex(16))
        self._waiting = 0
        self._making: set[str] = set()
        self._tickets: dict[str, tuple[float, str, Path]] = {}

    def full_name(self, name: str) -> str:
        account = self._book.get(name)
        return account.full_name if account is not None else ""

    def create(self, name: str, password: str, full_name: str = "") -> None:
        self._book.put(Account(name=name, hash=self._hasher.hash(password), full_name=full_name))

    def ensure(self, name: str, password: str) -> None:
        """The account exists with this password afterwards; an unchanged one is not hashed anew."""
        account = self._book.get(name)
        if account is None:
            self.create(name, password)
        elif not self._check(account.hash, password):
            self._book.put(msgspec.structs.replace(account, hash=self._hasher.hash(password), failures=0, locked_until=0.0))

    def known(self, name: str) -> bool:
        return self._book.get(name) is not None

    def all(self) -> tuple[Account, ...]:
        """By name."""
        return self._book.all()

    # -- making, changing and removing ------------------------------------------------------------------------

    async def add(self, name: str, password: str, full_name: str = "") -> None:
        """A new account, its password hashed off the reactor. NameTaken."""
        if self.known(name) or name in self._making:
            raise NameTaken(name)
        self._making.add(name)
        try:
            hashed = await self._run(self._hasher.hash, password)
            self._book.put(Account(name=name, hash=hashed, full_name=full_name))
        finally:
            self._making.discard(name)

    async def change(self, name: str, password: str | None = None, full_name: str | None = None) -> None:
        """Another password or full name; None leaves it. A new password unlocks. NoAccount."""
        if not self.known(name):
            raise NoAccount(name)
        facts: dict[str, Any] = {} if full_name is None else {"full_name": full_name}
        if password is not None:
            facts.update(hash=await self._run(self._hasher.hash, password), failures=0, locked_until=0.0)
        account = self._book.get(name)
        if account is None:
            raise NoAccount(name)
        self._book.put(msgspec.structs.replace(account, **facts))

    def remove(self, name: str) -> None:
        """NoAccount."""
        if not self.known(name):
            raise NoAccount(name)
        self._book.remove(name)

    async def verify(self, name: str, password: str, address: str) -> str:
        """The account's own name. Refused."""
        if self._ticket(name, password):
            return name
        if self._waiting >= MAX_WAITING or len(password) > MAX_PASSWORD:
            raise Refused
        account = self._book.get(name)
        locked = account is not None and account.locked_until > self._clock.seconds()
        self._waiting += 1
        try:
            good = await self._run(self._check, account.hash if account is not None else self._nobody, password)
        finally:
            self._waiting -= 1
        account = self._book.get(name)
        if account is None or locked:
            raise Refused
        if not good:
            failures = account.failures + 1
            until = self._clock.seconds() + UNLOCK_SECONDS if failures >= LOCK_FAILURES else 0.0
            self._book.put(msgspec.structs.replace(account, failures=0 if until else failures, locked_until=until))
            raise Refused
        if account.failures or account.locked_until:
            self._book.put(msgspec.structs.replace(account, failures=0, locked_until=0.0))
        return account.name

    def _check(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    # -- the machine's own root -------------------------------------------------------------------------------

    def local_ticket(self, name: str, peer: Peer) -> tuple[str, str]:
        """(user, path of a file with a one-use password). Only for who is on this machine, and an account that exists."""
        if not self.known(name) or not (peer.local or peer.address in ("127.0.0.1", "::1")):
            raise Refused
        self._sweep()
        password = secrets.token_hex(26)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"vmsdk-{secrets.token_hex(8)}"
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(password)
        self._tickets[password] = (self._clock.seconds() + TICKET_SECONDS, name, path)
        return name, str(path)

    def _ticket(self, name: str, password: str) -> bool:
        until, whose, path = self._tickets.pop(password, (0.0, "", None))
        if path is not None:
            path.unlink(missing_ok=True)
        return whose == name and until > self._clock.seconds()

    def _sweep(self) -> None:
        for password, (until, _, path) in tuple(self._tickets.items()):
            if until <= self._clock.seconds():
                path.unlink(missing_ok=True)
                del self._tickets[password]


def hashing_pool(reactor: Any) -> Callable[..., Deferred]:
    """Runs functions in two threads of their own, started when first needed."""
    pool = ThreadPool(0, 2, name="hashing")

    def run(function: Callable[..., Any], *arguments: Any) -> Deferred:
        if not pool.started:
            pool.start()
            reactor.addSystemEventTrigger("during", "shutdown", pool.stop)
        return deferToThreadPool(reactor, pool, function, *arguments)

    return run
