"""What events are called and how they read: `event_texts.tsv` has a line for each class that this server posts.

Law: one sentence a class. The shorter forms that clients ask for (within a datacenter, on a host, of a machine) are cut from it.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

CATEGORIES = (("info", "Information"), ("warning", "Warning"), ("error", "Error"), ("user", "User"))
_HOLE = re.compile(r"\{([\w.]+)\}")
_DATACENTER = re.compile(r" (in|from) \{datacenter\.name\}")
_HOST = re.compile(r" on (host | )?\{host\.name\}")


class EventText(NamedTuple):
    """`full` holds `{field}` and `{argument.name}`."""

    key: str
    category: str
    label: str
    full: str

    @property
    def in_datacenter(self) -> str:
        return _DATACENTER.sub("", self.full)

    @property
    def on_host(self) -> str:
        return _HOST.sub("", self.in_datacenter)

    @property
    def on_machine(self) -> str:
        return self.in_datacenter.replace("{vm.name}", "virtual machine")


@cache
def texts() -> dict[str, EventText]:
    """All of them by class name."""
    lines = Path(__file__).with_suffix(".tsv").read_text(encoding="utf-8").splitlines()[1:]
    return {line.partition("\t")[0]: EventText(*line.split("\t")) for line in lines}


def sentence(event: Any) -> str:
    """An event in words; its class's name where no text is known."""
    name = event._type.name
    known = texts().get(name)
    return _HOLE.sub(lambda hole: _said(event, hole[1]), known.full) if known is not None else name


def category(event: Any) -> str:
    """info, warning, error or user."""
    known = texts().get(event._type.name)
    if known is not None:
        return known.category
    return getattr(event, "severity", None) or "info"


def _said(event: Any, path: str) -> str:
    value = event
    for word in path.split("."):
        value = getattr(value, word, None)
    if isinstance(value, datetime):
        return value.strftime("%A, %d %B, %Y %H:%M:%S")
    return "" if value is None else str(value)
