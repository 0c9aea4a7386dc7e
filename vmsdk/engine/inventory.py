"""Which objects exist. A reference is looked up in the session's own objects first, then here.

Law: references come from here and from `store.references`; nobody takes them apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..wsdl import CONTRACT, ManagedType, MoRef, vim
from .cells import Graph
from .managed_object import ManagedObject

if TYPE_CHECKING:
    from .sessions import Session


class Inventory:
    """Objects by id. `epoch` is a cell that changes whenever an object comes or goes."""

    def __init__(self, graph: Graph):
        self.graph = graph
        self._objects: dict[str, ManagedObject] = {}
        self._presence: dict[str, object] = {}
        self.epoch = graph.cell(0)
        self._epoch = 0

    def add(self, face: ManagedObject) -> ManagedObject:
        if face.ref.value in self._objects:
            raise RuntimeError(f"{face.ref} exists already")
        self._objects[face.ref.value] = face
        self._changed()
        return face

    def remove(self, face: ManagedObject) -> None:
        if self._objects.pop(face.ref.value, None) is not None:
            face.gone()
            self._changed()

    def _changed(self) -> None:
        self._epoch += 1
        self.epoch.set(self._epoch)

    def get(self, value: str) -> ManagedObject | None:
        return self._objects.get(value)

    def __iter__(self) -> Iterator[ManagedObject]:
        return iter(tuple(self._objects.values()))

    def find(self, ref: MoRef, session: Session | None = None) -> ManagedObject:
        """The object of a reference. ManagedObjectNotFound where there is none, or it is of another kind."""
        face = session.objects.get(ref.value) if session is not None else None
        face = face or self._objects.get(ref.value)
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
