"""ViewManager and the views: which objects a client wants to look at. A view belongs to its session.

Law: a view computes its members from cells; nothing tells it of changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..engine.call import Call
from ..engine.inventory import not_found
from ..engine.managed_object import ManagedObject, operation, prop
from ..engine.site import Site
from ..wsdl import CONTRACT, ManagedType, MoRef, vim

CONTAINERS = ("Folder", "Datacenter", "ComputeResource", "ResourcePool", "HostSystem")
MAX_VIEWS = 10_000


class View(ManagedObject):
    def __init__(self, site: Site, value: str):
        super().__init__(site.graph, value)
        self.site = site

    @operation
    def DestroyView(self, call: Call) -> None:
        assert call.session is not None
        call.session.disown(self)


class ManagedObjectView(View):
    @prop
    def view(self) -> tuple[MoRef, ...]:
        return ()


class ContainerView(ManagedObjectView):
    """All objects of some types below a container."""

    def __init__(self, site: Site, value: str, container: MoRef, types: list[str], recursive: bool):
        super().__init__(site, value)
        self._container, self._types, self._recursive = container, types, recursive

    @prop
    def container(self) -> MoRef:
        return self._container

    @prop
    def type(self) -> list[str] | None:
        return self._types or None

    @prop
    def recursive(self) -> bool:
        return self._recursive

    @prop
    def view(self) -> tuple[MoRef, ...]:
        wanted = self._types
        return tuple(
            face.ref for face in self._below() if not wanted or any(face.kind.descends_from(name) for name in wanted)
        )

    def _below(self) -> Iterator[ManagedObject]:
        top = self.site.inventory.get(self._container.value)
        seen = {self._container}
        work = list(children(self.site, top)) if top is not None else []
        while work:
            face = work.pop(0)
            if face.ref in seen:
                continue
            seen.add(face.ref)
            yield face
            if self._recursive:
                work += children(self.site, face)


def children(site: Site, face: ManagedObject) -> Iterator[ManagedObject]:
    """The objects directly in a container, as views walk them."""
    refs: list[MoRef] = []
    if face.ref.type == "Folder":
        refs = list(face.read("childEntity", None))
    elif face.ref.type == "Datacenter":
        refs = [face.read(name, None) for name in ("vmFolder", "hostFolder", "datastoreFolder", "networkFolder")]
    elif face.kind.descends_from("ComputeResource"):
        refs = [*face.read("host", None), face.read("resourcePool", None)]
    elif face.kind.descends_from("ResourcePool"):
        refs = [*(face.read("resourcePool", None) or ()), *(face.read("vm", None) or ())]
    elif face.ref.type == "HostSystem":
        refs = list(face.read("vm", None) or ())
    for ref in refs:
        child = site.inventory.get(ref.value)
        if child is not None:
            yield child


class ListView(ManagedObjectView):
    """The objects that a client listed; those that are gone drop out."""

    def __init__(self, site: Site, value: str, listed: tuple[MoRef, ...]):
        super().__init__(site, value)
        self._listed = site.graph.cell(listed)

    @prop
    def view(self) -> tuple[MoRef, ...]:
        return tuple(ref for ref in self._listed.get() if self.site.inventory.get(ref.value) is not None)

    def _known(self, call: Call, refs: Any) -> tuple[list[MoRef], list[MoRef]]:
        known, unknown = [], []
        for ref in refs or ():
            try:
                known.append(self.site.inventory.find(ref, call.session).ref)
            except vim.ManagedObjectNotFound:
                unknown.append(ref)
        return known, unknown

    @operation
    def ModifyListView(self, call: Call, add: Any = (), remove: Any = ()) -> list[MoRef]:
        known, unknown = self._known(call, add)
        gone = set(remove or ())
        kept = [ref for ref in self._listed.get() if ref not in gone]
        self._listed.set(tuple(dict.fromkeys([*kept, *known])))
        return unknown

    @operation
    def ResetListView(self, call: Call, obj: Any = ()) -> list[MoRef]:
        known, unknown = self._known(call, obj)
        self._listed.set(tuple(dict.fromkeys(known)))
        return unknown

    @operation
    def ResetListViewFromView(self, call: Call, view: MoRef) -> None:
        other = self.site.inventory.find(view, call.session)
        self._listed.set(tuple(other.read("view", call) or ()))


class ViewManager(ManagedObject):
    def __init__(self, site: Site):
        super().__init__(site.graph, site.personality.manager("viewManager")[1])
        self.site = site

    @prop(caller=True)
    def viewList(self, call: Call) -> tuple[MoRef, ...]:
        objects = call.session.objects.values() if call.session is not None else ()
        return tuple(face.ref for face in objects if isinstance(face, View))

    def _room(self, call: Call) -> str:
        assert call.session is not None
        if len(call.session.objects) >= MAX_VIEWS:
            raise vim.LimitExceeded(property="viewList", limit=MAX_VIEWS)
        return call.session.new_id()

    @operation
    def CreateContainerView(self, call: Call, container: MoRef, recursive: bool, type: Any = ()) -> MoRef:
        """InvalidArgument `type` for what is no managed type, `container` for what holds nothing."""
        face = self.site.inventory.find(container, call.session)
        if not any(face.kind.descends_from(name) for name in CONTAINERS):
            raise vim.InvalidArgument(invalidProperty="container")
        for name in type or ():
            if not isinstance(CONTRACT.get(name), ManagedType):
                raise vim.InvalidArgument(invalidProperty="type")
        name = self._room(call)
        return call.session.own(ContainerView(self.site, name, face.ref, list(type or ()), recursive))  # type: ignore[union-attr]

    @operation
    def CreateListView(self, call: Call, obj: Any = ()) -> MoRef:
        refs = tuple(dict.fromkeys(self.site.inventory.find(ref, call.session).ref for ref in obj or ()))
        return call.session.own(ListView(self.site, self._room(call), refs))  # type: ignore[union-attr]

    @operation
    def CreateListViewFromView(self, call: Call, view: MoRef) -> MoRef:
        other = self.site.inventory.find(view, call.session)
        if not isinstance(other, View):
            raise not_found(view)
        refs = tuple(other.read("view", call) or ())
        return call.session.own(ListView(self.site, self._room(call), refs))  # type: ignore[union-attr]
