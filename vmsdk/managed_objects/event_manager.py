"""EventManager: the face of `engine/events.py`, and collectors of events."""

from __future__ import annotations

from typing import Any

from ..engine.call import Call
from ..engine.event_texts import CATEGORIES, texts
from ..engine.managed_object import ManagedObject, operation, prop
from ..engine.site import Site
from ..wsdl import CONTRACT, DataType, MoRef, vim
from .event_history_collector import EventHistoryCollector, matching, visible
from .history_collector import MAX_PAGE, check_entity, room_for

MAX_COLLECTORS = 1000  # of one session
MAX_MESSAGE = 4096


class EventManager(ManagedObject):
    def __init__(self, site: Site):
        super().__init__(site.graph, site.personality.manager("eventManager")[1])
        self.site = site

    @prop
    def description(self) -> Any:
        details = [
            vim.EventDescriptionEventDetail(
                key=each.key, description=each.label, category=each.category, formatOnDatacenter=each.in_datacenter,
                formatOnComputeResource=each.in_datacenter, formatOnHost=each.on_host, formatOnVm=each.on_machine,
                fullFormat=each.full,
            )
            for each in texts().values()
        ]  # fmt: skip
        categories = [vim.ElementDescription(key=key, label=label, summary=label) for key, label in CATEGORIES]
        return vim.EventDescription(category=categories, eventInfo=details)

    @prop(caller=True)
    def latestEvent(self, call: Call) -> Any:
        """The latest that the caller may know of."""
        return next(visible(self.site, call.user), None)

    @prop
    def maxCollector(self) -> int:
        return MAX_COLLECTORS

    @operation
    def QueryEvents(self, call: Call, filter: Any, eventViewSpec: Any = None) -> list[Any]:
        """The newest 1000 at most, newest first. InvalidArgument `filter.maxCount`, ManagedObjectNotFound."""
        self._check(call, filter)
        return list(matching(self.site, filter, call.user))

    @operation
    def CreateCollectorForEvents(self, call: Call, filter: Any) -> MoRef:
        """A collector of this session. InvalidState past `maxCollector`, else as QueryEvents."""
        assert call.session is not None
        self._check(call, filter)
        name = room_for(call, EventHistoryCollector, MAX_COLLECTORS)
        return call.session.own(EventHistoryCollector(self.site, name, filter, call.user))

    def _check(self, call: Call, spec: Any) -> None:
        if spec.maxCount is not None and not 1 <= spec.maxCount <= MAX_PAGE:
            raise vim.InvalidArgument(invalidProperty="filter.maxCount")
        check_entity(self.site, call, spec.entity)

    @operation
    def LogUserEvent(self, call: Call, entity: MoRef, msg: str) -> None:
        """A GeneralUserEvent about an entity. InvalidArgument `msg` past 4096 characters."""
        if len(msg) > MAX_MESSAGE:
            raise vim.InvalidArgument(invalidProperty="msg")
        face = self.site.inventory.find(entity, call.session)
        name = face.read("name", call) or ""
        event = vim.GeneralUserEvent(message=msg, entity=vim.ManagedEntityEventArgument(name=name, entity=face.ref))
        if face.ref.type == "VirtualMachine":
            event.vm = vim.VmEventArgument(name=name, vm=face.ref)
        self.site.events.post(event, call.user)

    @operation
    def PostEvent(self, call: Call, eventToPost: Any, taskInfo: Any = None) -> None:
        """For extensions of a centre; there are none."""
        raise vim.NotSupported()

    @operation
    def RetrieveArgumentDescription(self, call: Call, eventTypeId: str) -> list[Any]:
        """The fields that a class of events has beside those of every event. InvalidArgument `eventTypeId`."""
        kind = CONTRACT.get(eventTypeId.removeprefix("vim.event."))
        if not isinstance(kind, DataType) or not kind.descends_from("Event"):
            raise vim.InvalidArgument(invalidProperty="eventTypeId")
        common = {field.name for field in CONTRACT.data("Event").fields}
        return [vim.EventArgDesc(name=f.name, type=f.type.removeprefix("xsd:")) for f in kind.fields if f.name not in common]


def surroundings(site: Site) -> dict[str, Any]:
    """The arguments that every event carries: where this server's host stands."""
    places = (
        ("datacenter", "datacenter", "Datacenter", vim.DatacenterEventArgument),
        ("computeResource", "compute", "ComputeResource", vim.ComputeResourceEventArgument),
        ("host", "host", "HostSystem", vim.HostEventArgument),
    )
    found = {}
    for field, word, kind, argument in places:
        face = site.inventory.get(site.personality.fixed[word])
        if face is not None:
            found[field] = argument(**{"name": face.read("name", None), field: MoRef(kind, face.ref.value)})
    return found
