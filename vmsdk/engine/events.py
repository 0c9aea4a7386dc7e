"""Events: what happened, in order. The wire face is `managed_objects/event_manager.py`.

Law: an event is never changed once it is posted. Keys count up and are never given twice, restarts included; the newest `limit`
events are kept, here and in the store. `last` is the cell that changes with every event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from ..store.plain import from_plain, to_plain
from .cells import Cell, Graph
from .event_texts import sentence

KEEP = 1000
PREFIX = "event."


class EventLog:
    """`facts` is the store's; `around` gives the arguments that every event carries (datacenter, computeResource, host)."""

    def __init__(
        self, graph: Graph, clock: Any, facts: Any, around: Callable[[], dict[str, Any]] = dict, limit: int = KEEP
    ):
        self._clock, self._facts, self._around, self._limit = clock, facts, around, limit
        # Oldest first; None: kept in the store, not decoded yet.
        self._kept: dict[int, Any] = {int(name.removeprefix(PREFIX)): None for name in facts.keys(PREFIX)}
        self.last: Cell[int] = graph.cell(max(self._kept, default=0))
        self._number = max(self._kept, default=0)

    def post(self, event: Any, user: str = "", chain: int | None = None) -> Any:
        """Give an event its key, time, user and text, and keep it. `chain`: the key of the first event of its operation."""
        self._number += 1
        event.key, event.userName = self._number, user
        event.chainId = self._number if chain is None else chain
        event.createdTime = datetime.fromtimestamp(self._clock.seconds(), UTC)
        for name, argument in self._around().items():
            if getattr(event, name) is None:
                setattr(event, name, argument)
        if event.fullFormattedMessage is None:
            event.fullFormattedMessage = sentence(event)
        self._kept[event.key] = event
        self._facts.put(_name(event.key), to_plain(event))
        while len(self._kept) > self._limit:
            oldest = next(iter(self._kept))
            del self._kept[oldest]
            self._facts.remove(_name(oldest))
        self.last.set(event.key)
        return event

    def newest(self) -> Iterator[Any]:
        """All events that are kept, newest first."""
        self.last.get()
        for key in reversed(tuple(self._kept)):
            event = self._event(key)
            if event is not None:
                yield event

    def _event(self, key: int) -> Any:
        """None for a class that the contract no longer has."""
        event = self._kept[key]
        if event is None:
            event = self._kept[key] = from_plain(self._facts.get(_name(key)))
        return event


def _name(key: int) -> str:
    return f"{PREFIX}{key:010d}"  # sorts as it counts
