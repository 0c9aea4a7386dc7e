"""What collectors of tasks and of events have in common: a latest page, and a place from which one reads on.

Law: a collector keeps no items. Its place is a number between two items, so what happens later moves nothing; a new collector stands
before the oldest item. The latest page is a pure function of cells. One is told of an object only who may read it, or did it oneself.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from ..engine.call import Call
from ..engine.managed_object import ManagedObject, operation, prop
from ..engine.site import Site
from ..wsdl import MoRef, vim

PAGE = 10
MAX_PAGE = 1000


class HistoryCollector(ManagedObject):
    """Base of both. Subclasses say `newest`: (number, item) of all that the filter lets through and `user` may know, newest first."""

    def __init__(self, site: Site, value: str, spec: Any, user: str):
        super().__init__(site.graph, value)
        self.site, self._spec, self._user = site, spec, user
        self._size = site.graph.cell(PAGE)
        self._place = 0  # the highest number that counts as read

    def newest(self) -> Iterator[tuple[int, Any]]:
        raise NotImplementedError

    @prop
    def filter(self) -> Any:
        return self._spec

    def page(self) -> Any:
        """What `latestPage` is."""
        return tuple(item for _, item in islice(self.newest(), self._size.get())) or None

    @operation
    def SetCollectorPageSize(self, call: Call, maxCount: int) -> None:
        """InvalidArgument `maxCount` unless 1 to 1000."""
        self._size.set(checked_count(maxCount))

    @operation
    def RewindCollector(self, call: Call) -> None:
        """Before the oldest item."""
        self._place = 0

    @operation
    def ResetCollector(self, call: Call) -> None:
        """Behind the newest item."""
        self._place = next((number for number, _ in self.newest()), 0)

    @operation
    def DestroyCollector(self, call: Call) -> None:
        assert call.session is not None
        call.session.disown(self)

    def read_on(self, count: int) -> list[Any]:
        """The next newer items, oldest first."""
        checked_count(count)
        ahead = []
        for number, item in self.newest():
            if number <= self._place:
                break
            ahead.append((number, item))
        page = ahead[::-1][:count]
        if page:
            self._place = page[-1][0]
        return [item for _, item in page]

    def read_back(self, count: int) -> list[Any]:
        """The next older items, newest first."""
        checked_count(count)
        page = list(islice(((number, item) for number, item in self.newest() if number <= self._place), count))
        if page:
            self._place = page[-1][0] - 1
        return [item for _, item in page]


def checked_count(count: int) -> int:
    if not 1 <= count <= MAX_PAGE:
        raise vim.InvalidArgument(invalidProperty="maxCount")
    return count


def room_for(call: Call, kind: type[HistoryCollector], most: int) -> str:
    """An id for one more collector of this session. InvalidState past `most` of its kind."""
    assert call.session is not None
    if sum(isinstance(face, kind) for face in call.session.objects.values()) >= most:
        raise vim.InvalidState(msg="This session has as many collectors as it may have.")
    return call.session.new_id()


# -- what a user may know of -----------------------------------------------------------------------------------


class Sight:
    """What a user may read, each object judged once. Good for one pass over items: it does not see a change of permissions."""

    def __init__(self, site: Site, user: str):
        self._site, self._user = site, user
        self._known: dict[MoRef, bool] = {}

    def of(self, ref: MoRef | None, doer: str) -> bool:
        """Whether to tell what `doer` did to `ref`; None stands for the root."""
        if doer and doer == self._user:
            return True
        ref = ref or self._site.root
        if ref not in self._known:
            self._known[ref] = self._reads(ref)
        return self._known[ref]

    def _reads(self, ref: MoRef) -> bool:
        """What is gone is judged where it was, or at the root."""
        face = self._site.inventory.get(ref.value)
        if face is None:
            face = self._site.inventory.get(next(iter(parents(self._site, ref)), self._site.root).value)
        return face is not None and self._site.permissions.has(self._user, face, "System.Read")


# -- which objects a filter means -------------------------------------------------------------------------------


def concerns(site: Site, ref: MoRef | None, wanted: Any) -> bool:
    """Whether what happened to `ref` passes a filter by entity (`entity`, `recursion`); None of those passes everything."""
    if wanted is None:
        return True
    if ref is None:
        return False
    if ref == wanted.entity and wanted.recursion != "children":
        return True
    if wanted.recursion == "self":
        return False
    step = parents(site, ref)
    if wanted.recursion == "children":
        return wanted.entity in step
    seen: set[MoRef] = set()
    while step:
        if wanted.entity in step:
            return True
        seen.update(step)
        step = [above for each in step for above in parents(site, each) if above not in seen]
    return False


def parents(site: Site, ref: MoRef) -> list[MoRef]:
    """Where an object is, or was: a machine that is gone was in the folder, the pool and on the host."""
    if ref.type == "VirtualMachine":
        return [site.fixed("vm", "Folder"), site.fixed("pool", "ResourcePool"), site.fixed("host", "HostSystem")]
    face = site.inventory.get(ref.value)
    above = face.read("parent", None) if face is not None else None
    return [above] if above is not None else []


def by_user(user: str, wanted: Any) -> bool:
    """Whether a user passes a filter by name; the system itself is the empty name."""
    if wanted is None:
        return True
    if not user:
        return bool(wanted.systemUser)
    return not wanted.userList or user in wanted.userList


def check_entity(site: Site, call: Call, wanted: Any) -> None:
    """ManagedObjectNotFound for an entity that does not exist."""
    if wanted is not None:
        site.inventory.find(wanted.entity, call.session)
