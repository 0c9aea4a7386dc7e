"""All open connections of clients: how many, from where, and whose time is up.

Law: one timer for all. A connection has a `deadline`; looking at each once a second costs less than a timer per
request.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from enum import Enum, auto
from typing import Protocol

from .limits import Limits
from .tls import Wire


class Entry(Enum):
    """What becomes of a new connection."""

    WELCOME = auto()
    TOLD = auto()
    """It is over a cap: it is told so and closed."""
    DROPPED = auto()
    """Too many are being told so already."""


class Counted(Protocol):
    """A connection of a client."""

    deadline: float
    address: str
    wire: Wire

    def overdue(self, now: float) -> None:
        """The deadline has passed. Sets another, or ends the connection."""

    def finish(self) -> None:
        """Close when idle, else after the answer that is under way."""


def counted_address(address: str) -> str:
    """The address as it is counted: an IPv4 address, or an IPv6 /64 (one customer has a whole one)."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))


class Census:
    def __init__(self, limits: Limits):
        self._limits = limits
        self._members: dict[Counted, tuple[str, bool]] = {}
        self._by_address: Counter[str] = Counter()
        self._told = 0

    def enter(self, member: Counted) -> Entry:
        """Count a connection in; unless DROPPED it must `leave` later."""
        address = counted_address(member.address)
        welcome = len(self._members) - self._told < self._limits.connections
        welcome = welcome and self._by_address[address] < self._limits.connections_per_address
        if not welcome and self._told >= self._limits.refused_connections:
            return Entry.DROPPED
        self._members[member] = (address, welcome)
        if not welcome:
            self._told += 1
            return Entry.TOLD
        self._by_address[address] += 1
        return Entry.WELCOME

    def leave(self, member: Counted) -> None:
        address, welcome = self._members.pop(member)
        if not welcome:
            self._told -= 1
            return
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]

    def sweep(self, now: float) -> None:
        for member in list(self._members):
            if member.deadline <= now:
                member.overdue(now)

    def members(self) -> list[Counted]:
        return list(self._members)

    def __len__(self) -> int:
        return len(self._members)
