"""Property paths: `name`, `config.hardware.device[4000].backing`, `guest.net["x"].ipAddress`.

Law: a path is judged by the contract as the client's version has it; one that it does not have is InvalidProperty for the whole
request. An unset step or an unknown key gives nothing, never a fault. An array without a key can only be the last step.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from ..engine.managed_object import ManagedObject
from ..wsdl import CONTRACT, DataType, ManagedType, MoRef, vim

MAX_LENGTH = 1024
_STEP = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)(?:\[(?:"([^"]*)"|([^\]"\[]+))\])?(?:\.|\Z)')


class Step(NamedTuple):
    """A field, and the key behind it where it has one."""

    name: str
    key: str | None


class Path(NamedTuple):
    """A path that the contract has. `kind`/`array` are of its value as declared."""

    text: str
    steps: tuple[Step, ...]
    kind: str
    array: bool
    privilege: str


def invalid(text: str) -> Exception:
    return vim.InvalidProperty(name=text[:MAX_LENGTH])


def split(text: str) -> tuple[Step, ...]:
    """The steps of a well-formed path. InvalidProperty."""
    if not text or len(text) > MAX_LENGTH or text.endswith("."):
        raise invalid(text)
    steps, at = [], 0
    while at < len(text):
        found = _STEP.match(text, at)
        if not found:
            raise invalid(text)
        name, quoted, bare = found.groups()
        steps.append(Step(name, quoted if quoted is not None else bare))
        at = found.end()
    return tuple(steps)


class Paths:
    """Paths already judged, by (type, version, text)."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, str], Path] = {}
        self._all: dict[tuple[str, int], tuple[str, ...]] = {}

    def judge(self, kind: ManagedType, text: str, version: int) -> Path:
        """The path on objects of `kind` as a client of `version` knows them. InvalidProperty."""
        key = (kind.name, version, text)
        found = self._known.get(key)
        if found is None:
            found = self._judge(kind, text, version)
            if len(self._known) < 20_000:
                self._known[key] = found
        return found

    def all(self, kind: ManagedType, version: int) -> tuple[str, ...]:
        """Every property of a type for a client of `version`, sorted."""
        key = (kind.name, version)
        if key not in self._all:
            self._all[key] = tuple(sorted(n for n, p in kind.properties.items() if p.since <= version))
        return self._all[key]

    def _judge(self, kind: ManagedType, text: str, version: int) -> Path:
        steps = split(text)
        member = kind.properties.get(steps[0].name)
        if member is None or member.since > version:
            raise invalid(text)
        privilege = member.privilege or "System.Read"
        declared, array = member.type, member.array
        if steps[0].key is not None:
            if not array:
                raise invalid(text)
            array = False
        for step in steps[1:]:
            if array:
                raise invalid(text)
            declared, array = self._field(declared, step, text, version)
        return Path(text, steps, declared, array, privilege)

    def _field(self, declared: str, step: Step, text: str, version: int) -> tuple[str, bool]:
        owner = CONTRACT.get(declared)
        if not isinstance(owner, DataType):
            raise invalid(text)
        if owner.name == "MethodFault" and step.name in ("fault", "localizedMessage"):
            owner = CONTRACT.data("LocalizedMethodFault")
        field = next((f for f in owner.fields if f.name == step.name and f.since <= version), None)
        if field is None:
            field = _of_descendant(owner, step.name, version)
        if field is None or (step.key is not None and not field.array):
            raise invalid(text)
        return field.type, field.array and step.key is None


def _of_descendant(owner: DataType, name: str, version: int) -> Any:
    """A field that only subtypes have, as in `device[2000].backing.fileName`."""
    for other in CONTRACT.names("data"):
        kind = CONTRACT.data(other)
        if kind.descends_from(owner.name):
            for field in kind.own:
                if field.name == name and field.since <= version:
                    return field
    return None


def evaluate(face: ManagedObject, path: Path, call: Any) -> Any:
    """The value now; None where it, or a step before it, is unset."""
    first = path.steps[0]
    value = face.read(first.name, call)
    if first.key is not None:
        value = _keyed(value, first.key)
    for step in path.steps[1:]:
        if value is None:
            return None
        value = getattr(value, step.name, None)
        if step.key is not None:
            value = _keyed(value, step.key)
    return value


def _keyed(items: Any, key: str) -> Any:
    for item in items or ():
        found: Any
        if isinstance(item, MoRef):
            found = item.value
        elif isinstance(item, str):
            found = item
        else:
            found = getattr(item, "key", None)
            found = found.value if isinstance(found, MoRef) else found
        if found is not None and str(found) == key:
            return item
    return None
