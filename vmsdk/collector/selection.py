"""From a PropertyFilterSpec to objects and paths: what is selected, and what is asked of each.

Law: the spec is checked whole before anything is read (InvalidProperty, InvalidArgument). Names of TraversalSpecs hold in the whole spec,
before and after they are met; cycles end, each object is reported once. What vanishes on the way is passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..engine.inventory import fits
from ..engine.managed_object import ManagedObject
from ..wsdl import CONTRACT, ManagedType, MoRef, vim
from .paths import Path, Paths, evaluate

MAX_SPECS = 10_000
Find = Callable[[MoRef], "ManagedObject | None"]


class _Traversal:
    """One TraversalSpec with its names resolved."""

    __slots__ = ("next", "path", "skip", "type")

    def __init__(self, type_name: str, path: Path, skip: bool):
        self.type, self.path, self.skip = type_name, path, skip
        self.next: list[_Traversal] = []


class Selection:
    """One PropertyFilterSpec, checked. `paths_of(kind)` is what is asked of an object of that type."""

    def __init__(self, spec: Any, paths: Paths, version: int):
        self.spec, self._paths, self._version = spec, paths, version
        self._of_kind: dict[str, tuple[Path, ...] | None] = {}
        self._asked = [(self._managed(p.type, "propSet.type"), p) for p in spec.propSet]
        if not spec.propSet:
            raise argument("specSet.propSet")
        if not spec.objectSet:
            raise argument("specSet.objectSet")
        for kind, prop_spec in self._asked:
            if not prop_spec.all:
                for text in prop_spec.pathSet:
                    paths.judge(kind, text, version)
        self._named: dict[str, _Traversal] = {}
        self._budget = MAX_SPECS
        pending: list[tuple[list[_Traversal], Any]] = []
        self.roots = [
            (o.obj, bool(o.skip), self._list(o.selectSet, pending)) for o in spec.objectSet
        ]  # fmt: skip
        for into, name in pending:
            if name not in self._named:
                raise argument("selectSet.name")
            into.append(self._named[name])

    def _list(self, select_set: Any, pending: list) -> list[_Traversal]:
        """All TraversalSpecs of a selectSet, nested ones too, without recursion of ours."""
        top: list[_Traversal] = []
        work = [(top, item) for item in select_set or ()]
        while work:
            into, item = work.pop(0)
            self._budget -= 1
            if self._budget < 0:
                raise argument("selectSet")
            if not hasattr(item, "path"):
                if not item.name:
                    raise argument("selectSet.name")
                pending.append((into, item.name))
                continue
            kind = self._managed(item.type, "selectSet.type")
            made = _Traversal(kind.name, self._paths.judge(kind, item.path, self._version), bool(item.skip))
            if item.name:
                self._named.setdefault(item.name, made)
            into.append(made)
            work += [(made.next, inner) for inner in item.selectSet or ()]
        return top

    @staticmethod
    def _managed(name: str, where: str) -> ManagedType:
        kind = CONTRACT.get(name)
        if not isinstance(kind, ManagedType):
            raise argument(where)
        return kind

    def paths_of(self, kind: ManagedType) -> tuple[Path, ...] | None:
        """The paths for a type, sorted and without doubles; None when no PropertySpec is for it."""
        if kind.name not in self._of_kind:
            wanted: dict[str, Path] = {}
            applies = False
            for asked, spec in self._asked:
                if not kind.descends_from(asked.name):
                    continue
                applies = True
                texts = self._paths.all(kind, self._version) if spec.all else spec.pathSet
                for text in texts:
                    wanted[text] = self._paths.judge(kind, text, self._version)
            self._of_kind[kind.name] = tuple(wanted[t] for t in sorted(wanted)) if applies else None
        return self._of_kind[kind.name]

    def missing_roots(self, find: Find) -> list[MoRef]:
        return [ref for ref, _, _ in self.roots if find(ref) is None]

    def walk(self, find: Find, call: Any) -> Iterator[ManagedObject]:
        """Every selected object that some PropertySpec asks of, once, roots first."""
        reported: set[MoRef] = set()
        seen: set[tuple[MoRef, int]] = set()
        for ref, skip, select in self.roots:
            root = find(ref)
            if root is None:
                continue
            work: list[tuple[ManagedObject, bool, list[_Traversal]]] = [(root, skip, select)]
            while work:
                face, skipped, traversals = work.pop()
                if not skipped and face.ref not in reported and self.paths_of(face.kind) is not None:
                    reported.add(face.ref)
                    yield face
                found: list[tuple[ManagedObject, bool, list[_Traversal]]] = []
                for traversal in traversals:
                    mark = (face.ref, id(traversal))
                    if mark in seen or not fits(face, traversal.type):
                        continue
                    seen.add(mark)
                    for target in references(evaluate(face, traversal.path, call)):
                        reached = find(target)
                        if reached is not None:
                            found.append((reached, traversal.skip, traversal.next))
                work += reversed(found)


def references(value: Any) -> Iterator[MoRef]:
    if isinstance(value, MoRef):
        yield value
    elif isinstance(value, (list, tuple)):
        yield from (item for item in value if isinstance(item, MoRef))


def argument(path: str) -> Exception:
    return vim.InvalidArgument(invalidProperty=path)
