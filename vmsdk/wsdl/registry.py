"""The contract as data: every type, property, method, fault, privilege and version of `urn:vim25`.

Law: read only, nothing here knows of a server. A line of `contract.tsv` is parsed when its type is first asked for.
`since` is an index into `versions`; a thing exists for a client when `since <= version`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Union

DEFAULT_VERSION = "8.0.3.0"
NAMESPACE = "urn:vim25"


class Member(NamedTuple):
    """A field of a data object, a property of a managed object or a parameter of a method."""

    name: str
    type: str  # wire name; primitives as `xsd:int`; `void` for no result
    array: bool
    optional: bool
    since: int
    link: bool = False
    secret: bool = False
    privilege: str = ""


def _member(facts: list) -> Member:
    name, type_name, marks, since, *privilege = facts
    return Member(
        name, type_name, "*" in marks, "?" in marks, since, "l" in marks, "s" in marks, privilege[0] if privilege else ""
    )


class DataType:
    """A data object or fault. `own` are its fields, `fields` those of its bases first."""

    __slots__ = ("base", "fields", "is_fault", "name", "own", "since", "vmodl")

    def __init__(self, name: str, facts: dict, base: DataType | None):
        self.name, self.vmodl, self.base, self.since = name, facts["m"], base, facts["s"]
        self.own = tuple(_member(f) for f in facts["f"])
        self.fields: tuple[Member, ...] = (base.fields if base else ()) + self.own
        self.is_fault: bool = name == "MethodFault" or bool(base and base.is_fault)

    def lineage(self) -> Iterator[DataType]:
        """Itself, its base, and so on up."""
        step: DataType | None = self
        while step is not None:
            yield step
            step = step.base

    def descends_from(self, name: str) -> bool:
        return any(step.name == name for step in self.lineage())


class EnumType:
    __slots__ = ("name", "since", "values", "vmodl")

    def __init__(self, name: str, facts: dict):
        self.name, self.vmodl, self.since = name, facts["m"], facts["s"]
        self.values: frozenset[str] = frozenset(facts["v"])


class Method(NamedTuple):
    """`result` is `void`, a wire type, or `Task` with `task_result` saying what info.result will hold."""

    name: str
    owner: str
    vmodl: str  # its name in task descriptions: powerOn
    since: int
    params: tuple[Member, ...]
    result: str
    result_array: bool
    result_optional: bool
    task_result: str
    privilege: str
    faults: tuple[str, ...]

    @property
    def is_task(self) -> bool:
        return self.result == "Task" and self.name.endswith("_Task")


def _method(owner: str, facts: dict) -> Method:
    return Method(
        facts["n"], owner, facts["m"], facts["s"], tuple(_member(p) for p in facts.get("a", ())), facts["r"],
        bool(facts.get("ra")), bool(facts.get("ro")), facts.get("t", ""), facts.get("p", ""), tuple(facts.get("f", ())),
    )  # fmt: skip


class ManagedType:
    """`properties` and `methods` include those of its bases."""

    __slots__ = ("base", "methods", "name", "own_methods", "own_properties", "properties", "since", "vmodl")

    def __init__(self, name: str, facts: dict, base: ManagedType | None):
        self.name, self.vmodl, self.base, self.since = name, facts["m"], base, facts["s"]
        self.own_properties = {f[0]: _member(f) for f in facts["p"]}
        self.own_methods = {f["n"]: _method(name, f) for f in facts["o"]}
        self.properties: dict[str, Member] = {**(base.properties if base else {}), **self.own_properties}
        self.methods: dict[str, Method] = {**(base.methods if base else {}), **self.own_methods}

    def lineage(self) -> Iterator[ManagedType]:
        step: ManagedType | None = self
        while step is not None:
            yield step
            step = step.base

    def descends_from(self, name: str) -> bool:
        return any(step.name == name for step in self.lineage())


AnyType = Union[DataType, EnumType, ManagedType]


class Contract:
    """All types by wire name. `contract["VirtualMachine"]` raises KeyError for an unknown one; `get` gives None."""

    def __init__(self, path: Path):
        head, *lines = path.read_text(encoding="utf-8").splitlines()
        facts = json.loads(head)
        self.source: str = facts["source"]
        self.versions: tuple[str, ...] = tuple(facts["versions"])
        self._lines: dict[str, tuple[str, str]] = {}
        for line in lines:
            name, kind, rest = line.split("\t", 2)
            self._lines[name] = (kind, rest)
        self._types: dict[str, AnyType] = {}

    def get(self, name: str) -> AnyType | None:
        known = self._types.get(name)
        if known is None and name in self._lines:
            known = self._types[name] = self._parse(name)
        return known

    def __getitem__(self, name: str) -> AnyType:
        known = self.get(name)
        if known is None:
            raise KeyError(f"urn:vim25 has no type {name}")
        return known

    def __contains__(self, name: object) -> bool:
        return name in self._lines

    def _parse(self, name: str) -> AnyType:
        kind, rest = self._lines[name]
        facts: dict[str, Any] = json.loads(rest)
        if kind == "enum":
            return EnumType(name, facts)
        if kind == "data":
            return DataType(name, facts, self.data(facts["b"]) if facts["b"] else None)
        return ManagedType(name, facts, self.managed(facts["b"]) if facts["b"] else None)

    def data(self, name: str) -> DataType:
        found = self[name]
        if not isinstance(found, DataType):
            raise KeyError(f"{name} is not a data type")
        return found

    def managed(self, name: str) -> ManagedType:
        found = self[name]
        if not isinstance(found, ManagedType):
            raise KeyError(f"{name} is not a managed type")
        return found

    def names(self, kind: str) -> list[str]:
        """Names of one kind: `data`, `enum`, `managed`."""
        return [name for name, (its, _) in self._lines.items() if its == kind]

    @cached_property
    def methods(self) -> dict[str, Method]:
        """Every method by wire name; names are unique in the contract."""
        return {m: facts for name in self.names("managed") for m, facts in self.managed(name).own_methods.items()}

    @cached_property
    def default_version(self) -> int:
        return self.versions.index(DEFAULT_VERSION)

    def negotiate(self, soap_action: str | None, served: int) -> int:
        """The version to speak with a client, from its SOAPAction; unknown newer ones get the newest served, junk the default."""
        found = re.search(r"urn:vim25/([0-9][0-9A-Za-z.]{0,30})", soap_action or "")
        if not found:
            return served
        asked = found.group(1)
        if asked in self.versions:
            return min(self.versions.index(asked), served)
        key = _key(asked)
        older = [index for index, known in enumerate(self.versions) if _key(known) <= key]
        return min(older[-1], served) if older else 0


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:6])


CONTRACT = Contract(Path(__file__).with_name("contract.tsv"))
