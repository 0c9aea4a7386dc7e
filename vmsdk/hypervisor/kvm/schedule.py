"""Which call runs in which lane, and for how long.

Law: what a person needs when all else hangs (stop, close) shares no lane with what can hang; what takes long by
nature (memory to a file) shares none with what must be quick.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import msgspec
from twisted.internet.defer import Deferred

from .lanes import Lane, Late

T = TypeVar("T")


class Deadlines(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds. `slow` is for what writes or reads a machine's whole memory."""

    read: float = 10.0
    verb: float = 60.0
    stop: float = 40.0
    slow: float = 600.0
    ask: float = 30.0
    figures: float = 60.0


class Schedule:
    """The lanes of one hypervisor. `run` takes the name of one of `Deadlines`, and runs it in the lane of that
    name.
    """

    def __init__(self, reactor: Any, deadlines: Deadlines):
        lane = partial(Lane, reactor)
        self.deadlines = deadlines
        self.lanes = {
            "read": lane("read", 4), "verb": lane("verb", 8, 16), "stop": lane("stop", 4), "slow": lane("slow", 3),
            "ask": lane("ask", 4), "figures": lane("figures", 2, 4),
        }  # fmt: skip
        self.files, self.bulk = lane("file", 4), lane("bulk", 2)
        self.link = lane("link", 1, 16)

    def run(self, name: str, call: Callable[[], T], what: str, late: Late | None = None) -> Deferred[T]:
        return self.lanes[name].run(call, getattr(self.deadlines, name), what, late)

    def close(self) -> None:
        """All but the connection's own lane, which is needed to let it go."""
        for lane in (*self.lanes.values(), self.files, self.bulk):
            lane.close()
