"""Custom fields: what people note about objects under names of their own. The wire face is `managed_objects/custom_fields_manager.py`.

Law: definitions are one fact of the store, the values of each object one more; a value is in force when it is kept. Keys are never used again.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ..wsdl import CONTRACT, ManagedType, MoRef, vim
from .cells import Cell, Graph

FACT, VALUES = "customFields", "customValues."
MAX_NAME, MAX_VALUE = 80, 4096


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """`kind`: the wire type that has it; empty for all."""

    key: int
    name: str
    kind: str = ""

    def fits(self, wire_type: str) -> bool:
        return not self.kind or CONTRACT.managed(wire_type).descends_from(self.kind)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    next_key: int = 1
    fields: tuple[Field, ...] = ()


class CustomFields:
    """Definitions and values, in cells. Raises faults of the contract."""

    def __init__(self, graph: Graph, facts: Any):
        self._graph, self._facts = graph, facts
        self._kept: Cell[Kept] = graph.cell(facts.get(FACT, None, Kept) or Kept())
        self._values: dict[MoRef, Cell[dict[int, str]]] = {}

    def all(self) -> tuple[Field, ...]:
        return self._kept.get().fields

    def of(self, ref: MoRef) -> tuple[Field, ...]:
        """The fields that an object has."""
        return tuple(field for field in self.all() if field.fits(ref.type))

    def _cell(self, ref: MoRef) -> Cell[dict[int, str]]:
        found = self._values.get(ref)
        if found is None:
            found = self._values[ref] = self._graph.cell(self._facts.get(VALUES + ref.value, {}, dict[int, str]))
        return found

    def values(self, ref: MoRef) -> dict[int, str]:
        """By key; what was noted under a field that is gone is gone."""
        kept, known = self._cell(ref).get(), {field.key for field in self.all()}
        return {key: value for key, value in kept.items() if key in known}

    # -- changes ----------------------------------------------------------------------------------------------

    def _keep(self, kept: Kept) -> None:
        self._facts.put(FACT, kept)
        self._kept.set(kept)

    def field(self, key: int) -> Field:
        """InvalidArgument `key`."""
        for field in self.all():
            if field.key == key:
                return field
        raise vim.InvalidArgument(invalidProperty="key")

    def _judge(self, name: str, kind: str, manager: MoRef, but: int | None = None) -> None:
        if not name.strip() or len(name) > MAX_NAME or any(ord(c) < 32 for c in name):
            raise vim.InvalidArgument(invalidProperty="name")
        for other in self.all():
            if other.name == name and other.key != but and (not kind or other.kind in ("", kind)):
                raise vim.DuplicateName(name=name, object=manager)

    def add(self, name: str, kind: str, manager: MoRef) -> Field:
        """InvalidArgument `name`, `moType`; DuplicateName."""
        known = CONTRACT.get(kind) if kind else None
        if kind and not (isinstance(known, ManagedType) and known.descends_from("ExtensibleManagedObject")):
            raise vim.InvalidArgument(invalidProperty="moType")
        self._judge(name, kind, manager)
        kept = self._kept.get()
        field = Field(key=kept.next_key, name=name, kind=kind)
        self._keep(Kept(next_key=kept.next_key + 1, fields=(*kept.fields, field)))
        return field

    def rename(self, key: int, name: str, manager: MoRef) -> None:
        field = self.field(key)
        self._judge(name, field.kind, manager, key)
        kept = self._kept.get()
        fields = tuple(msgspec.structs.replace(f, name=name) if f.key == key else f for f in kept.fields)
        self._keep(msgspec.structs.replace(kept, fields=fields))

    def remove(self, key: int) -> None:
        self.field(key)
        kept = self._kept.get()
        self._keep(msgspec.structs.replace(kept, fields=tuple(f for f in kept.fields if f.key != key)))

    def set(self, ref: MoRef, key: int, value: str) -> None:
        """InvalidArgument `key` where the object has no such field, `value` for one that is too long."""
        if not self.field(key).fits(ref.type):
            raise vim.InvalidArgument(invalidProperty="key")
        if len(value) > MAX_VALUE:
            raise vim.InvalidArgument(invalidProperty="value")
        values = {**self.values(ref), key: value}
        self._facts.put(VALUES + ref.value, values)
        self._cell(ref).set(values)

    def forget(self, ref: MoRef) -> None:
        """The object is gone for ever."""
        self._facts.remove(VALUES + ref.value)
        self._values.pop(ref, None)
