"""The tables, as steps from one version of the store to the next.

Law: a step that was ever released is never changed; a change is a new step at the end. `user_version` counts
the steps that were taken.
"""

from __future__ import annotations

APPLICATION = 0x766D736B  # tells our files from any other SQLite database

STEPS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE reference (kind TEXT, key TEXT, number INTEGER NOT NULL, PRIMARY KEY (kind, key),
           UNIQUE (kind, number)) WITHOUT ROWID""",
        # The highest number ever given of a kind: it outlives the reference, so that no number comes twice.
        "CREATE TABLE reference_last (kind TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID",
        "CREATE TABLE account (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID",
        "CREATE TABLE intent (id INTEGER PRIMARY KEY, operation TEXT NOT NULL, key TEXT NOT NULL)",
        """CREATE TABLE undo (intent INTEGER, place INTEGER, body TEXT NOT NULL,
           PRIMARY KEY (intent, place)) WITHOUT ROWID""",
        "CREATE TABLE task (number INTEGER PRIMARY KEY, finished INTEGER NOT NULL, body TEXT NOT NULL)",
        "CREATE TABLE fact (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID",
    ),
)
