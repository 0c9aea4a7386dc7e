"""What is demanded and what is said of it, as tables.

paths.tsv     type, path, number of clients that asked for it (of about thirty that were recorded)
states.tsv    what is unset in an ordinary state, and when it is set; `centre`: always, in front of the other personality
equal.tsv     what says the same on two hosts of different shape, and why that is right
constants.tsv what has no witness on a real host, and why none makes sense
docs/departures.md, section "Demanded and unset": what ESXi has and we do not

Law: a row that no longer holds fails a test, so no table outlives its reason.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
DEPARTURES = HERE.parents[1] / "docs" / "departures.md"
SECTION = "## Demanded and unset"


class Key(NamedTuple):
    """A property path of a type. `<all>`: every property at once."""

    type: str
    path: str

    def __str__(self) -> str:
        return f"{self.type}.{self.path}"


def _rows(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


@cache
def demanded() -> dict[Key, int]:
    """Every demanded path and how many clients ask for it."""
    return {Key(row["type"], row["path"]): int(row["clients"]) for row in _rows("paths.tsv")}


@cache
def reasons(name: str) -> dict[Key, str]:
    """A table of reasons. `*` for a path speaks of every demanded path of the type, several are parted by `, `."""
    found: dict[Key, str] = {}
    for row in _rows(name):
        assert row["reason"], row
        for key in _expanded(row["type"], row["path"].split(", ")):
            assert key not in found, f"{key} stands in {name} twice"
            found[key] = row["reason"]
    return found


@cache
def departures() -> dict[Key, str]:
    """The table of docs/departures.md: | Type | `path`, `path` | why |."""
    found: dict[Key, str] = {}
    text = DEPARTURES.read_text(encoding="utf-8").partition(SECTION)[2].partition("\n## ")[0]
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 3:
            for key in _expanded(cells[0].strip("`"), re.findall(r"`([^`]+)`", cells[1])):
                found[key] = cells[2]
    return found


def _expanded(kind: str, paths: list[str]) -> list[Key]:
    if paths == ["*"]:
        return [key for key in demanded() if key.type == kind]
    return [Key(kind, path) for path in paths]


def centre_only() -> set[Key]:
    """Unset on a host, set in front of the VirtualCenter personality."""
    return {key for key, reason in reasons("states.tsv").items() if reason.startswith("centre")}
