"""The one writer: order, group commit, what is acknowledged, and what it says when the file is no good."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, gatherResults

from vmsdk.store.database import Database
from vmsdk.store.errors import StoreBroken, StoreFailed
from vmsdk.store.schema import STEPS

from .loop import TestLoop

PUT = "INSERT OR REPLACE INTO fact (key, body) VALUES (?, ?)"


@pytest.fixture
def loop() -> TestLoop:
    return TestLoop()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


@pytest.fixture
def database(path: Path, loop: TestLoop) -> Iterator[Database]:
    database = Database(path, loop)
    yield database
    loop.wait(database.close())


def facts(path: Path) -> dict[str, str]:
    """What another process would find."""
    connection = sqlite3.connect(path)
    try:
        return dict(connection.execute("SELECT key, body FROM fact"))
    finally:
        connection.close()


def test_what_is_flushed_is_in_the_file(path: Path, loop: TestLoop) -> None:
    database = Database(path, loop)
    database.write((PUT, ("a", "1")))
    assert database.pending
    loop.wait(database.flushed())
    assert not database.pending
    database.write((PUT, ("b", "2")))
    loop.wait(database.close())
    assert facts(path) == {"a": "1", "b": "2"}
    loop.wait(database.close())
    with pytest.raises(StoreFailed, match="closed"):
        database.write((PUT, ("c", "3")))


def test_many_waiters_share_few_commits(database: Database, loop: TestLoop) -> None:
    order: list[int] = []
    waiting: list[Deferred[Any]] = []
    for number in range(1000):
        database.write((PUT, (str(number), "x")))
        waiting.append(database.flushed().addCallback(lambda _, number=number: order.append(number)))  # type: ignore[misc]
    loop.wait(gatherResults(waiting))
    assert order == list(range(1000))
    assert database.commits < 200
    assert len(database.rows("SELECT key FROM fact")) == 1000


def test_nobody_has_to_wait_for_a_write_to_happen(path: Path, database: Database, loop: TestLoop) -> None:
    """Writes of a turn go out at its end, unasked."""
    answered: Deferred[None] = Deferred()
    tell = database._answer

    def answer(written: int, error: StoreFailed | None) -> None:
        tell(written, error)
        if not answered.called:
            answered.callback(None)

    database._answer = answer  # type: ignore[method-assign]
    for number in range(50):
        database.write((PUT, (str(number), "x")))
    loop.wait(answered)
    assert (database.pending, database.commits) == (False, 1)


def test_nothing_to_write_is_durable_at_once(database: Database) -> None:
    assert database.flushed().called


def test_a_failing_write_is_told_and_nothing_behind_it_is_acknowledged(database: Database, loop: TestLoop) -> None:
    database.write((PUT, ("before", "1")))
    loop.wait(database.flushed())
    database.write((PUT, ("with", "1")), ("INSERT INTO nothing VALUES (1)", ()))
    database.write((PUT, ("behind", "1")))
    for _ in range(2):
        with pytest.raises(StoreFailed, match="nothing"):
            loop.wait(database.flushed())
    assert database.pending
    assert database.rows("SELECT key FROM fact") == [("before",)]
    database._queue.clear()  # so that the fixture's close has nothing to complain about
    database._queued = database._written


def test_a_disk_that_was_full_gets_everything_in_order_once_there_is_room(database: Database, loop: TestLoop) -> None:
    [(pages,)] = database.rows("PRAGMA page_count")
    database.rows(f"PRAGMA max_page_count={pages}")
    for number in range(20):
        database.write((PUT, (str(number), "x" * 4000)))
    with pytest.raises(StoreFailed, match="full"):
        loop.wait(database.flushed())
    assert database.rows("SELECT count(*) FROM fact") == [(0,)]
    database.write((PUT, ("0", "last")))
    database.rows("PRAGMA max_page_count=10000")
    loop.wait(database.flushed())
    assert database.rows("SELECT count(*) FROM fact") == [(20,)]
    assert database.rows("SELECT body FROM fact WHERE key = '0'") == [("last",)]


def test_a_close_that_cannot_write_says_so(path: Path, loop: TestLoop) -> None:
    database = Database(path, loop)
    database.write(("INSERT INTO nothing VALUES (1)", ()))
    with pytest.raises(StoreFailed):
        loop.wait(database.close())


@pytest.mark.parametrize("kind", [":memory:", "file"])
def test_without_a_thread_flushing_does_the_work(kind: str, path: Path, loop: TestLoop) -> None:
    database = Database(kind if kind == ":memory:" else path, threaded=False)
    database.write((PUT, ("a", "1")))
    assert database.pending
    assert database.flushed().called
    assert database.rows("SELECT key, body FROM fact") == [("a", "1")]
    database.write(("INSERT INTO nothing VALUES (1)", ()))
    with pytest.raises(StoreFailed):
        loop.wait(database.flushed())
    with pytest.raises(StoreFailed):
        loop.wait(database.close())


# -- a file that is no good


def spoil_text(path: Path) -> None:
    path.write_text("no database, " * 1000)


def spoil_pages(path: Path) -> None:
    Database(path, threaded=False).close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))


def spoil_version(path: Path) -> None:
    Database(path, threaded=False).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version={len(STEPS) + 1}")
    connection.close()


def spoil_owner(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_text, "not a database"),
        (spoil_pages, "damaged|malformed"),
        (spoil_version, "newer version"),
        (spoil_owner, "something else"),
        (Path.mkdir, "directory"),
        (lambda path: path.symlink_to("/nonexistent/x"), "No such file"),
    ],
    ids=["text", "pages", "version", "owner", "directory", "no folder"],
)
def test_a_bad_file_is_refused_with_its_name(path: Path, spoil: Callable[[Path], Any], words: str) -> None:
    spoil(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(StoreBroken, match=words) as caught:
        Database(path, threaded=False)
    assert str(path) in str(caught.value)
    assert before == (path.read_bytes() if path.is_file() else b"")


def test_a_file_that_can_only_be_read_is_refused(path: Path) -> None:
    Database(path, threaded=False).close()
    path.chmod(0o400)
    path.parent.chmod(0o755)
    os.chown(path, 65534, 65534) if os.geteuid() == 0 else None
    above = [folder for folder in path.parents if folder.stat().st_mode & 0o001 == 0]
    modes = [(folder, folder.stat().st_mode) for folder in above]
    user = os.geteuid()
    try:
        for folder in above:
            folder.chmod(folder.stat().st_mode | 0o001)
        if user == 0:
            os.seteuid(65534)
        with pytest.raises(StoreBroken, match="Permission denied"):
            Database(path, threaded=False)
    finally:
        if user == 0:
            os.seteuid(0)
        for folder, mode in modes:
            folder.chmod(mode & 0o7777)


def test_two_servers_do_not_share_a_store(path: Path, database: Database) -> None:
    script = (
        "import sys\nfrom vmsdk.store import database\nfrom vmsdk.store.errors import StoreBroken\n"
        "database.BUSY_SECONDS = 0.1\n"
        "try:\n    database.Database(sys.argv[1], threaded=False)\nexcept StoreBroken as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=30)
    assert "another server uses it" in done.stdout, done


def test_only_its_owner_reads_the_store(path: Path, database: Database, loop: TestLoop) -> None:
    database.write((PUT, ("a", "1")))
    loop.wait(database.flushed())
    for file in path.parent.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file


def test_the_steps_to_todays_schema_are_taken_once_each(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Database(path, threaded=False).close()
    more = (*STEPS, ("CREATE TABLE later (x)", "INSERT INTO later VALUES (1)"))
    monkeypatch.setattr("vmsdk.store.database.STEPS", more)
    for _ in range(2):
        database = Database(path, threaded=False)
        assert database.rows("SELECT x FROM later") == [(1,)]
        assert database.rows("PRAGMA user_version") == [(len(more),)]
        database.close()
    broken = (*more, ("CREATE TABLE half (x)", "INSERT INTO nothing VALUES (1)"))
    monkeypatch.setattr("vmsdk.store.database.STEPS", broken)
    with pytest.raises(StoreBroken, match="nothing"):
        Database(path, threaded=False)
    monkeypatch.setattr("vmsdk.store.database.STEPS", more)
    database = Database(path, threaded=False)
    assert database.rows("SELECT name FROM sqlite_master WHERE name = 'half'") == []
    database.close()
