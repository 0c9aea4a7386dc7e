"""One filter: which objects are in it, since when, and which of their properties changed when.

Law: a member's slots carry the stamps; the filter keeps only who is in, who left and in which order they last changed. A change costs
what it touches. Values are never kept for replay: an answer to an old version is made of what is true now. What the caller may read is
judged anew when the caller's rights change.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ..engine.call import Call
from ..engine.cells import Slot
from ..engine.managed_object import ManagedObject
from ..wsdl import MoRef
from ..wsdl.codec.text import escape
from .paths import Path
from .reader import Reader, reference
from .selection import Find, Selection

MAX_LEFT = 100_000


class Member:
    """An object in a filter."""

    __slots__ = ("changed", "entered", "face", "judged", "missing", "paths", "slots")

    def __init__(self, face: ManagedObject, entered: int):
        self.face, self.entered, self.changed = face, entered, entered
        self.paths: list[Path] = []
        self.slots: list[Slot] = []
        self.missing = ""
        self.judged = 0  # when other paths than before became readable or unreadable


class Update(NamedTuple):
    """One ObjectUpdate to be spelled: `kind` enter, modify or leave; `since` for modify."""

    kind: str
    ref: MoRef
    member: Member | None
    since: int


class Filter:
    """A PropertyFilterSpec that is watched. `wake` tells its collector that there is something new."""

    def __init__(self, selection: Selection, partial: bool, reader: Reader, find: Find, call: Call, wake: Callable[[], None]):
        self.selection, self.partial = selection, partial
        self._reader, self._find, self._call, self._wake = reader, find, call, wake
        self._graph = reader.graph
        self.members: OrderedDict[MoRef, Member] = OrderedDict()  # the one that changed last stands last
        self.left: OrderedDict[MoRef, tuple[int, int]] = OrderedDict()  # (when it left, when it had entered first)
        self.oldest = 0  # versions before this cannot be answered any more
        self.absent: tuple[MoRef, ...] = ()
        self._of_slot: dict[Slot, Member] = {}
        self._walked: list[ManagedObject] = []
        self._moved = self._judge_again = False
        self._rights = Slot(self._graph, lambda key: reader.rights(call))
        self._rights.watch(self, None)
        self._walk = Slot(self._graph, self._walk_text)
        self._walk.watch(self, None)
        self._enter_and_leave()

    # -- being told -------------------------------------------------------------------------------------------

    def touched(self, slot: Slot) -> None:
        if slot is self._walk:
            self._moved = True
            return
        if slot is self._rights:
            self._judge_again = True
            return
        member = self._of_slot.get(slot)
        if member is not None:
            member.changed = slot.stamp
            self.members.move_to_end(member.face.ref)

    def settled(self) -> None:
        if self._moved:
            self._moved = False
            self._enter_and_leave()
        if self._judge_again:
            self._judge_again = False
            self._judge_all()
        self._wake()

    def _walk_text(self, key: Any) -> str:
        self._walked = list(self.selection.walk(self._find, self._call))
        self.absent = tuple(self.selection.missing_roots(self._find))
        return "\n".join([*(str(face.ref) for face in self._walked), "-", *map(str, self.absent)])

    def _enter_and_leave(self) -> None:
        stamp = self._graph.tick()
        now = {face.ref: face for face in self._walked}
        for ref in [r for r, member in self.members.items() if now.get(r) is not member.face]:
            member = self.members.pop(ref)
            self._drop(member)
            entered = min(member.entered, self.left[ref][1]) if ref in self.left else member.entered
            self.left[ref] = (stamp, entered)
            self.left.move_to_end(ref)
        for ref, face in now.items():
            if ref not in self.members:
                self.members[ref] = self._admit(face, stamp)
        while len(self.left) > MAX_LEFT:
            self.oldest = self.left.popitem(last=False)[1][0]

    def _judge_all(self) -> None:
        stamp = self._graph.tick()
        for ref, old in list(self.members.items()):
            new = self._admit(old.face, old.entered)
            if [path.text for path in new.paths] == [path.text for path in old.paths]:
                self._drop(new)
                for slot in old.slots:
                    self._of_slot[slot] = old
                continue
            self._drop(old)
            for slot in new.slots:
                self._of_slot[slot] = new
            new.changed = new.judged = stamp
            self.members[ref] = new
            self.members.move_to_end(ref)

    def _admit(self, face: ManagedObject, stamp: int) -> Member:
        member = Member(face, stamp)
        for path in self.selection.paths_of(face.kind) or ():
            fault = self._reader.authorize(self._call, face, path.privilege)
            if fault is not None:
                member.missing += self._reader.missing(path, fault, self._call)
                continue
            slot = self._reader.slot(face, path, self._call)
            slot.watch(self, self._graph.key)
            member.paths.append(path)
            member.slots.append(slot)
            self._of_slot[slot] = member
        return member

    def _drop(self, member: Member) -> None:
        for path, slot in zip(member.paths, member.slots, strict=True):
            self._of_slot.pop(slot, None)
            slot.unwatch(self)
            if not slot.watchers and member.face.slots.get(path.text) is not slot:
                slot.release()  # it was this filter's alone

    def destroy(self) -> None:
        self._walk.unwatch(self)
        self._walk.release()
        self._rights.unwatch(self)
        self._rights.release()
        for member in self.members.values():
            self._drop(member)
        self.members.clear()
        self._of_slot.clear()

    def slots(self) -> list[Slot]:
        """All it watches; for the auditor."""
        return [self._walk, self._rights, *self._of_slot]

    # -- answering --------------------------------------------------------------------------------------------

    def updates(self, since: int) -> Iterator[Update]:
        """What a client that has seen everything up to `since` (0: nothing) has to be told, enters in order of entry."""
        if since:
            for ref, (stamp, entered) in reversed(self.left.items()):
                if stamp <= since:
                    break
                if ref not in self.members and entered <= since:
                    yield Update("leave", ref, None, since)
        newer: list[Member] = []
        for member in reversed(self.members.values()):
            if member.changed <= since:
                break
            newer.append(member)
        for member in reversed(newer):
            yield Update("enter" if member.entered > since else "modify", member.face.ref, member, since)

    def spell(self, update: Update) -> str:
        """`<objectSet>…</objectSet>`, or '' where nothing is left to say."""
        member = update.member
        if member is None:
            ref = update.ref
            return f'<objectSet><kind>leave</kind><obj type="{ref.type}">{escape(ref.value)}</obj></objectSet>'
        out = [f"<objectSet><kind>{update.kind}</kind>", reference("obj", member.face)]
        version = self._call.version
        fresh = update.kind == "enter" or member.judged > update.since
        for path, slot in zip(member.paths, member.slots, strict=True):
            if not fresh and slot.stamp <= update.since:
                continue
            text = slot.text(version)
            nested = len(path.steps) > 1 and text is None
            change = f"<changeSet><name>{escape(path.text)}</name><op>{'indirectRemove' if nested else 'assign'}</op>"
            out.append(f"{change}{text or ''}</changeSet>")
        if fresh:
            out.append(member.missing)
        out.append("</objectSet>")
        return "".join(out)
