"""The guest operating systems that the contract names: full names, families and what suits them. Facts in `guest_os.tsv`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple


class GuestOs(NamedTuple):
    id: str
    family: str
    bits: int
    full_name: str
    scsi: str
    nic: str
    firmware: str


@cache
def guests() -> dict[str, GuestOs]:
    """All of them by id, in the order hosts list them."""
    lines = Path(__file__).with_suffix(".tsv").read_text(encoding="utf-8").splitlines()[1:]
    rows = (line.split("\t") for line in lines)
    return {r[0]: GuestOs(r[0], r[1], int(r[2]), r[3], r[4], r[5], r[6]) for r in rows}


def known_guest(guest_id: str) -> bool:
    return guest_id in guests()


def full_name(guest_id: str) -> str:
    found = guests().get(guest_id)
    return found.full_name if found is not None else guest_id
