"""One SQLite file, one writer, one queue: the order of writes is the order of calls, and a commit carries all that
waits.

Law: rooms read their rows when they are made and keep them in memory; afterwards the file is only written to. A
write never blocks the caller; whoever must know that it is on disk awaits `flushed()`. What could not be
written stays queued, so that memory and file do not part ways: nothing behind it is acknowledged before it is.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import Logger

from .errors import StoreBroken, StoreFailed
from .schema import APPLICATION, STEPS

log = Logger()
Statement = tuple[str, tuple[Any, ...]]
BUSY_SECONDS = 3.0  # a server that is being replaced may still be on its way out


class Loop(Protocol):
    """What is needed of the reactor."""

    def callFromThread(self, callable: Callable[..., Any], *args: Any) -> Any: ...

    def callLater(self, delay: float, callable: Callable[..., Any], *args: Any) -> Any: ...


class Database:
    """`path` may be ":memory:". With `threaded` False there is no thread and `flushed()` does the work: for tests.

    StoreBroken when the file cannot be used.
    """

    def __init__(self, path: str | Path, loop: Loop | None = None, threaded: bool = True):
        if threaded and loop is None:
            raise ValueError("a threaded database needs the loop that it answers to")
        self.path, self._loop = str(path), loop
        self._connection = _open(self.path)
        self._file = threading.Lock()  # one at a time on the connection
        self._queue: list[tuple[Statement, ...]] = []
        self._queued = self._written = 0  # numbers of writes
        self._waiting: list[tuple[int, Deferred[None]]] = []
        self._nudged = False
        self._state = threading.Condition()  # guards the queue and the two flags below
        self._wanted = self._ending = False
        self._closed: Deferred[None] | None = None
        self.commits = 0
        self._thread: threading.Thread | None = None
        if threaded:
            self._thread = threading.Thread(target=self._write_on, name="store", daemon=True)
            self._thread.start()

    # -- for rooms
    def rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """For the start alone: it blocks."""
        with self._file:
            return self._connection.execute(sql, parameters).fetchall()

    def write(self, *statements: Statement) -> None:
        """Queue statements that hold together: all of them or none. StoreFailed after `close`."""
        if self._closed is not None:
            raise StoreFailed(f"{self.path} is closed.")
        with self._state:
            self._queue.append(statements)
        self._queued += 1
        if self._thread is not None and not self._nudged:
            assert self._loop is not None
            self._nudged = True
            self._loop.callLater(0, self._nudge)  # all writes of a turn in one commit

    # -- for those who must know
    @property
    def pending(self) -> bool:
        """Whether anything is not on disk yet."""
        return self._written < self._queued

    def flushed(self) -> Deferred[None]:
        """Fires when all that is queued by now is on disk; StoreFailed when it could not be written."""
        if not self.pending:
            return succeed(None)
        if self._thread is None:
            error = self._commit(self._take())
            return fail(error) if error is not None else succeed(None)
        waiter: Deferred[None] = Deferred()
        self._waiting.append((self._queued, waiter))
        self._push()
        return waiter

    def close(self) -> Deferred[None]:
        """Write what is queued and let go of the file. Idempotent. StoreFailed when the rest could not be written."""
        if self._closed is None:
            self._closed = Deferred()
            if self._thread is None:
                self._answer_close(self._last_commit())
            else:
                self._push(ending=True)
        answer: Deferred[None] = Deferred()

        def pass_on(result: Any) -> Any:
            answer.callback(result) if result is None else answer.errback(result)
            return result if result is None else None

        self._closed.addBoth(pass_on)
        return answer

    # -- on the loop's thread
    def _nudge(self) -> None:
        self._nudged = False
        if self.pending:
            self._push()

    def _push(self, ending: bool = False) -> None:
        with self._state:
            self._wanted = True
            self._ending = self._ending or ending
            self._state.notify()

    def _answer(self, written: int, error: StoreFailed | None) -> None:
        """The writer tried all up to number `written`."""
        waiting, self._waiting = self._waiting, []
        for number, waiter in waiting:
            if number > written:
                self._waiting.append((number, waiter))
            elif not waiter.called:
                waiter.callback(None) if error is None else waiter.errback(error)
        if error is not None:
            log.error("{error}", error=error)

    def _last_commit(self) -> StoreFailed | None:
        error = self._commit(self._take())
        self._connection.close()
        return error

    def _answer_close(self, error: StoreFailed | None) -> None:
        self._answer(self._queued, error)
        assert self._closed is not None
        self._closed.callback(None) if error is None else self._closed.errback(error)

    # -- on the writer's thread
    def _write_on(self) -> None:
        assert self._loop is not None
        while True:
            with self._state:
                while not self._wanted:
                    self._state.wait()
                self._wanted = False
                if self._ending:
                    break
                batch = self._take()
            upto = self._written + len(batch)
            self._loop.callFromThread(self._answer, upto, self._commit(batch))
        self._loop.callFromThread(self._answer_close, self._last_commit())

    def _take(self) -> list[tuple[Statement, ...]]:
        batch, self._queue = self._queue, []
        return batch

    def _commit(self, batch: list[tuple[Statement, ...]]) -> StoreFailed | None:
        if not batch:
            return None
        try:
            with self._file:
                _transact(self._connection, (statement for statements in batch for statement in statements))
        except Exception as error:
            with self._state:
                self._queue = batch + self._queue
            return StoreFailed(f"{self.path} could not be written: {error}.")
        self.commits += 1
        self._written += len(batch)
        return None


def _transact(connection: sqlite3.Connection, statements: Iterable[Statement]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for sql, parameters in statements:
            connection.execute(sql, parameters)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _open(path: str) -> sqlite3.Connection:
    """The connection, its file sound, ours, writable and of today's version."""
    try:
        if path != ":memory:":
            _make_file(path)
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise StoreBroken(f"The store {path} cannot be opened: {_reason(error)}.") from error
    try:
        # Exclusive before the first access: a second server would not see what this one keeps in memory.
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        version = _inspect(connection, path)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        _migrate(connection, version)
        return connection
    except sqlite3.Error as error:
        connection.close()
        raise StoreBroken(f"The store {path} cannot be used: {_reason(error)}.") from error
    except StoreBroken:
        connection.close()
        raise


def _make_file(path: str) -> None:
    """Readable by its owner alone: it holds password hashes. SQLite gives its log the same mode."""
    fresh = not os.path.exists(path)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    if fresh:
        folder = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _inspect(connection: sqlite3.Connection, path: str) -> int:
    """The version of a sound file of ours, 0 for an empty one. Changes nothing."""

    def pragma(name: str) -> Any:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]

    if (found := pragma("quick_check(1)")) != "ok":
        raise StoreBroken(f"The store {path} is damaged: {found}.")
    version, owner = pragma("user_version"), pragma("application_id")
    if owner != APPLICATION and (version or owner or pragma("schema_version")):
        raise StoreBroken(f"{path} is a database of something else.")
    if version > len(STEPS):
        raise StoreBroken(f"The store {path} was made by a newer version ({version}, this one knows {len(STEPS)}).")
    return version


def _migrate(connection: sqlite3.Connection, version: int) -> None:
    for number in range(version, len(STEPS)):
        marks = (f"PRAGMA user_version={number + 1}", f"PRAGMA application_id={APPLICATION}")
        _transact(connection, ((sql, ()) for sql in (*STEPS[number], *marks)))
    # Written at every start, so that a file that can only be read is found now and not by the first client.
    _transact(connection, [(f"PRAGMA user_version={len(STEPS)}", ())])


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if "locked" in str(error):
        return "another server uses it"
    return str(error)
