"""Witnesses: for a demanded path, what it must be, told by somebody who is not the product.

    @witness("HostSystem", "hardware.memorySize")
    def memory(world): return meminfo()["MemTotal"]

A witness gives the value itself, or an expectation: Near, Between, Is, UNSET; or a dict of paths below the value, each with a value
or an expectation of its own. A list is compared without order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .tables import Key

Witness = Callable[[Any], Any]
WITNESSES: dict[Key, Witness] = {}


def witness(kind: str, *paths: str) -> Callable[[Witness], Witness]:
    """Registers the witness of these paths."""

    def keep(function: Witness) -> Witness:
        for path in paths:
            key = Key(kind, path)
            assert key not in WITNESSES, f"{key} has two witnesses"
            WITNESSES[key] = function
        return function

    return keep


class Unset:
    def __repr__(self) -> str:
        return "unset"


UNSET = Unset()


class Near(NamedTuple):
    """Within `by` of a number."""

    value: float
    by: float


class Between(NamedTuple):
    least: float
    most: float


class OneOf(NamedTuple):
    values: frozenset[Any]


class Is(NamedTuple):
    """`holds` for the value; `words` say what that means."""

    holds: Callable[[Any], bool]
    words: str


def below(value: Any, path: str) -> Any:
    """`a.b` of a value; `a[].b` gives a list; None where unset."""
    for step in path.split(".") if path else ():
        if value is None:
            return None
        many = step.endswith("[]")
        step = step.removesuffix("[]")
        value = [getattr(one, step, None) for one in value] if isinstance(value, list) else getattr(value, step, None)
        if many and value is not None:
            value = list(value)
    return value


def disagreements(value: Any, expected: Any, path: str = "value") -> list[str]:
    """What is not as the witness says, in words; nothing where it agrees."""
    if isinstance(expected, dict):
        found = []
        for name, part in expected.items():
            found += disagreements(below(value, name), part, f"{path}.{name}")
        return found
    return [] if _agrees(value, expected) else [f"{path} is {value!r}, the witness says {expected!r}"]


def _agrees(value: Any, expected: Any) -> bool:
    if expected is UNSET or value is None:
        return expected is UNSET and value in (None, [], ())
    if isinstance(expected, Near):
        return abs(value - expected.value) <= expected.by
    if isinstance(expected, Between):
        return expected.least <= value <= expected.most
    if isinstance(expected, OneOf):
        return value in expected.values
    if isinstance(expected, Is):
        return expected.holds(value)
    if isinstance(expected, list):
        return sorted(map(repr, value)) == sorted(map(repr, expected))
    return value == expected
