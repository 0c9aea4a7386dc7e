"""Counting connections: caps in all and for each address, and whose time is up."""

from __future__ import annotations

from typing import Any

from vmhttpd.census import Census, Entry, counted_address
from vmhttpd.limits import Limits


class Member:
    wire: Any = None

    def __init__(self, address: str, deadline: float = 0.0):
        self.address, self.deadline = address, deadline
        self.overdue_at: list[float] = []

    def overdue(self, now: float) -> None:
        self.overdue_at.append(now)
        self.deadline = now + 10

    def finish(self) -> None: ...


def test_caps_hold_in_all_and_for_each_address_and_are_given_back() -> None:
    census = Census(Limits(connections=3, connections_per_address=2, refused_connections=1))
    members = [Member("192.0.2.1"), Member("192.0.2.1"), Member("192.0.2.2")]
    assert [census.enter(member) for member in members] == [Entry.WELCOME] * 3
    told = Member("192.0.2.3")
    assert census.enter(told) is Entry.TOLD
    assert census.enter(Member("192.0.2.3")) is Entry.DROPPED
    census.leave(told)
    census.leave(members[2])
    assert census.enter(Member("192.0.2.1")) is Entry.TOLD  # its address has two
    census.leave(members[0])
    assert census.enter(Member("192.0.2.1")) is Entry.WELCOME


def test_an_ipv6_network_counts_as_one_address() -> None:
    assert (
        counted_address("2001:db8::1")
        == counted_address("2001:db8::ffff:2%eth0")
        != counted_address("2001:db8:0:1::1")
    )
    assert counted_address("::ffff:192.0.2.1") == "192.0.2.1"


def test_whose_deadline_has_passed_hears_of_it_once() -> None:
    census = Census(Limits())
    early, late = Member("192.0.2.1", deadline=5.0), Member("192.0.2.2", deadline=6.0)
    census.enter(early)
    census.enter(late)
    census.sweep(5.0)
    census.sweep(5.5)
    assert (early.overdue_at, late.overdue_at) == ([5.0], [])
