"""Numbers are stable and come once."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from vmsdk.store.database import Database
from vmsdk.store.references import References

KINDS = st.sampled_from(["machine", "network"])
KEYS = st.sampled_from(["a", "b", "c", "ä", ""])


class Numbers(RuleBasedStateMachine):
    """Against a dictionary, opened again at any moment: what was flushed stays, and no number comes twice."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "store.sqlite"
        self.given: set[tuple[str, int]] = set()
        self.known: dict[tuple[str, str], int] = {}
        self.open()

    def open(self) -> None:
        self.database = Database(self.path, threaded=False)
        self.references = References(self.database)

    @rule(kind=KINDS, key=KEYS)
    def allocate(self, kind: str, key: str) -> None:
        number = self.references.allocate(kind, key)
        if (kind, key) in self.known:
            assert number == self.known[kind, key]
        else:
            assert (kind, number) not in self.given, "a number came twice"
            self.given.add((kind, number))
            self.known[kind, key] = number

    @rule(kind=KINDS, key=KEYS)
    def forget(self, kind: str, key: str) -> None:
        self.references.forget(kind, key)
        self.known.pop((kind, key), None)

    @rule()
    def reopen(self) -> None:
        self.database.close()
        self.open()

    @invariant()
    def as_expected(self) -> None:
        if not hasattr(self, "references"):
            return
        for kind in ("machine", "network"):
            mine = {key: number for (its, key), number in self.known.items() if its == kind}
            assert {key: self.references.find(kind, key) for key in mine} == mine
            assert self.references.keys(kind) == tuple(sorted(mine, key=lambda key: mine[key]))

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.database.close()
            self.folder.cleanup()


TestNumbers = Numbers.TestCase
TestNumbers.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)


def test_a_row_is_queued_before_its_number_is_known() -> None:
    database = Database(":memory:", threaded=False)
    references = References(database)
    references.allocate("machine", "a")
    assert database.pending
    database.flushed()
    references.allocate("machine", "a")
    assert not database.pending


def test_numbers_begin_where_they_are_told_to() -> None:
    references = References(Database(":memory:", threaded=False), first=100)
    assert [references.allocate("machine", key) for key in "aba"] == [100, 101, 100]
    assert references.allocate("host", "a") == 100
    references.forget("machine", "never was")
