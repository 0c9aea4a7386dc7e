"""EventHistoryCollector: the events that pass a filter, of this run and of earlier ones."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from itertools import islice
from typing import Any

from ..engine.call import Call
from ..engine.event_texts import category
from ..engine.managed_object import operation, prop
from ..engine.site import Site
from ..wsdl import MoRef
from .history_collector import HistoryCollector, Sight, by_user, concerns

# Arguments of an event that name the object it is about, the nearest first: (field, the argument's own reference).
ABOUT = (
    ("vm", "vm"), ("ds", "datastore"), ("net", "network"), ("host", "host"), ("computeResource", "computeResource"),
    ("datacenter", "datacenter"),
)  # fmt: skip


class EventHistoryCollector(HistoryCollector):
    def newest(self) -> Iterator[tuple[int, Any]]:
        return ((event.key, event) for event in matching(self.site, self._spec, self._user))

    @prop
    def latestPage(self) -> Any:
        return self.page()

    @prop
    def initialized(self) -> bool:
        return True

    @operation
    def ReadNextEvents(self, call: Call, maxCount: int) -> list[Any]:
        """Newer ones, oldest first; empty at the end. InvalidArgument `maxCount` unless 1 to 1000."""
        return self.read_on(maxCount)

    @operation
    def ReadPreviousEvents(self, call: Call, maxCount: int) -> list[Any]:
        """Older ones, newest first."""
        return self.read_back(maxCount)


def visible(site: Site, user: str) -> Iterator[Any]:
    """The events that a user may know of, newest first."""
    sight = Sight(site, user)
    return (event for event in site.events.newest() if sight.of(about(site, event), event.userName))


def matching(site: Site, spec: Any, user: str) -> Iterator[Any]:
    """Those of them that pass an EventFilterSpec, newest first, `maxCount` of them at most."""
    found: Iterator[Any] = (event for event in visible(site, user) if passes(site, event, spec))
    if spec.maxCount is not None:
        found = islice(found, spec.maxCount)
    return (_without_text(event) for event in found) if spec.disableFullMessage else found


def _without_text(event: Any) -> Any:
    short = copy(event)
    short.fullFormattedMessage = None
    return short


def passes(site: Site, event: Any, spec: Any) -> bool:
    """Whether an event passes. No event of ours has an alarm, a schedule, tags or an audit id."""
    if spec.alarm or spec.scheduledTask or spec.tag or spec.auditable or spec.auditId:
        return False
    if spec.eventChainId is not None and event.chainId != spec.eventChainId:
        return False
    if spec.category and category(event) not in spec.category:
        return False
    if spec.type and not any(event._type.descends_from(name.removeprefix("vim.event.")) for name in spec.type):
        return False
    if spec.eventTypeId and not any(id_ in spec.eventTypeId for id_ in ids(event)):
        return False
    if spec.time is not None:
        if spec.time.beginTime is not None and event.createdTime < spec.time.beginTime:
            return False
        if spec.time.endTime is not None and event.createdTime > spec.time.endTime:
            return False
    return by_user(event.userName, spec.userName) and concerns(site, about(site, event), spec.entity)


def ids(event: Any) -> tuple[str, ...]:
    """What an event's type is called: an EventEx by its own id, others by their class, with and without `vim.event.`."""
    own = getattr(event, "eventTypeId", None)
    return (own,) if own else (event._type.vmodl, event._type.name)


def about(site: Site, event: Any) -> MoRef:
    """The object that an event is about; the root where it names none."""
    for field, member in ABOUT:
        argument = getattr(event, field)
        if argument is not None:
            return getattr(argument, member)
    return site.root
