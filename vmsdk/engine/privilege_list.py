"""The privileges that roles are made of, in the order in which servers list them. Facts in `privilege_list.tsv`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple


class Privilege(NamedTuple):
    id: str
    name: str
    group: str


@cache
def privileges() -> dict[str, Privilege]:
    """All of them by id."""
    lines = Path(__file__).with_suffix(".tsv").read_text(encoding="utf-8").splitlines()[1:]
    return {(p := Privilege(*line.split("\t"))).id: p for line in lines}


def all_but(*excepted: str) -> frozenset[str]:
    """Every privilege without those named; `Host.Tpm.` stands for its whole group."""
    return frozenset(p for p in privileges() if not p.startswith(excepted))
