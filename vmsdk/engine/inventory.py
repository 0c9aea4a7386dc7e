"""Which objects exist. A reference is looked up in the session's own objects first, then here.

Law: references come from here and from `store.references`; nobody takes them apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..wsdl import CONTRACT, ManagedType, MoRef, vim
from .cells import Cell, Graph
from .managed_object import ManagedObject

if TYPE_CHECKING:
    from .sessions import Session


MANY = 50_000  # presence cells before those that nobody reads any more are dropped


class Inventory:
    """Objects by id. What is computed for a watcher notes the presence of each object it looks up, and of no other."""

    def __init__(self, graph: Graph):
        self.graph = graph
        self._objects: dict[str, ManagedObject] = {}
        self._presence: dict[str, Cell[bool]] = {}

    def add(self, face: ManagedObject) -> ManagedObject:
        if face.ref.value in self._objects:
            raise RuntimeError(f"{face.ref} exists already")
        self._objects[face.ref.value] = face
        if face.ref.value in self._presence:
            self._presence[face.ref.value].set(True)
        return face

    def remove(self, face: ManagedObject) -> None:
        if self._objects.pop(face.ref.value, None) is not None:
            face.gone()
            face.forget_slots()
            presence = self._presence.pop(face.ref.value, None)
            if presence is not None:
                presence.set(False)

    def get(self, value: str) -> ManagedObject | None:
        """The object of an id, or None; noted where something is computed for a watcher."""
        face = self._objects.get(value)
        if self.graph.noting is not None:
            cell = self._presence.get(value)
            if cell is None:
                if len(self._presence) >= MANY:
                    self._presence = {v: c for v, c in self._presence.items() if c.read}
                cell = self._presence[value] = self.graph.cell(face is not None)
            cell.get()
        return face

    def __iter__(self) -> Iterator[ManagedObject]:
        return iter(tuple(self._objects.values()))

    def find(self, ref: MoRef, session: Session | None = None) -> ManagedObject:
        """The object of a reference. ManagedObjectNotFound where there is none, or it is of another kind."""
        face = session.objects.get(ref.value) if session is not None else None
        face = face or self.get(ref.value)
        if face is None or not fits(face, ref.type):
            raise not_found(ref)
        return face


def fits(face: ManagedObject, type_name: str) -> bool:
    return face.ref.type == type_name or type_name == "ManagedObjectReference" or face.kind.descends_from(type_name)


def not_found(ref: MoRef) -> Exception:
    known = CONTRACT.get(ref.type)
    vmodl = known.vmodl if isinstance(known, ManagedType) else ref.type
    text = f"The object '{vmodl}:{ref.value}' has already been deleted or has not been completely created"
    return vim.ManagedObjectNotFound(obj=ref, msg=text)
