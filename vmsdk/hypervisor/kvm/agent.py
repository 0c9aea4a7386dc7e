"""What the QEMU guest agent tells: asked when it appears, when the guest reboots, and on a timer while the machine
runs.

Law: an absent agent is an answer. Nothing is asked of a machine whose agent's channel is not connected, and one
machine is asked one thing at a time; a guest that does not answer costs a thread for a bounded time.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import libvirt
import libvirt_qemu  # type: ignore[import-untyped]
from twisted.internet.base import DelayedCall
from twisted.logger import Logger

from ..errors import AgentUnavailable, HypervisorError, NoSuchMachine, TimedOut
from ..interface import Announcement, GuestSeen
from ..records import Guest, GuestAddress, GuestDisk, GuestNic
from . import refusals
from .background import Background
from .lanes import ReadLock
from .link import Link
from .machines import Machines, agent_connected
from .schedule import Schedule

log = Logger()

COMMAND_SECONDS = 5  # how long libvirt waits for one answer
PERIOD = 30.0
NO_GUEST = Guest()
QUESTIONS = (
    "guest-info",
    "guest-get-osinfo",
    "guest-get-host-name",
    "guest-network-get-interfaces",
    "guest-get-fsinfo",
)


def ask_guest(connection: libvirt.virConnect, uuid: str) -> Guest:
    """Ask everything; for a thread. NoSuchMachine; an agent that is not there is Guest(agent=False)."""
    try:
        domain = connection.lookupByUUIDString(uuid)
        if not domain.isActive() or not agent_connected(domain.XMLDesc(0)):
            return NO_GUEST
        answers: dict[str, Any] = {}
        for question in QUESTIONS:
            try:
                text = libvirt_qemu.qemuAgentCommand(domain, json.dumps({"execute": question}), COMMAND_SECONDS, 0)
                answers[question] = json.loads(text).get("return")
            except libvirt.libvirtError as error:
                refused = refusals.translate(error, uuid)
                if isinstance(refused, AgentUnavailable | TimedOut | NoSuchMachine) or not domain.isActive():
                    return NO_GUEST
                log.debug("agent of {uuid}: {question}: {error}", uuid=uuid, question=question, error=refused)
    except libvirt.libvirtError as error:
        raise refusals.translate(error, uuid) from error
    return guest_of(answers)


def guest_of(answers: dict[str, Any]) -> Guest:
    """The record for the agent's answers by question. What is missing or of a strange shape stays empty."""
    system, info = _table(answers.get("guest-get-osinfo")), _table(answers.get("guest-info"))
    return Guest(
        agent=True,
        agent_version=_word(info, "version"),
        hostname=_word(_table(answers.get("guest-get-host-name")), "host-name"),
        os_id=_word(system, "id"),
        os_name=_word(system, "pretty-name") or _word(system, "name"),
        os_version=_word(system, "version-id") or _word(system, "version"),
        kernel=_word(system, "kernel-release"),
        architecture=_word(system, "machine"),
        nics=tuple(_nic(_table(one)) for one in _rows(answers.get("guest-network-get-interfaces"))),
        disks=tuple(
            _disk(_table(one))
            for one in _rows(answers.get("guest-get-fsinfo"))
            if _number(_table(one), "total-bytes")
        ),
    )


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _rows(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _word(table: dict[str, Any], name: str) -> str:
    value = table.get(name)
    return value if isinstance(value, str) else ""


def _number(table: dict[str, Any], name: str) -> int:
    value = table.get(name)
    return value if isinstance(value, int) else 0


def _nic(told: dict[str, Any]) -> GuestNic:
    addresses = (_table(one) for one in _rows(told.get("ip-addresses")))
    return GuestNic(
        name=_word(told, "name"),
        mac=_word(told, "hardware-address").lower(),
        addresses=tuple(
            GuestAddress(
                address=_word(one, "ip-address"),
                prefix=_number(one, "prefix"),
                kind=_word(one, "ip-address-type") or "ipv4",
            )
            for one in addresses
            if _word(one, "ip-address")
        ),
    )


def _disk(told: dict[str, Any]) -> GuestDisk:
    total = _number(told, "total-bytes")
    return GuestDisk(
        mount=_word(told, "mountpoint"),
        capacity=total,
        free=max(0, total - _number(told, "used-bytes")),
        filesystem=_word(told, "type"),
    )


class Agents:
    """Asks the agents of all machines. `period`: seconds between two rounds."""

    def __init__(
        self,
        reactor: Any,
        link: Link,
        schedule: Schedule,
        machines: Machines,
        background: Background,
        announce: Callable[[Announcement], None],
        period: float = PERIOD,
    ):
        self._reactor, self._link, self._schedule, self._machines = reactor, link, schedule, machines
        self._background, self._announce = background, announce
        self._period = period
        self._last: dict[str, Guest] = {}
        self._lock = ReadLock()
        self._wanted: set[str] = set()
        self._timer: DelayedCall | None = None

    def start(self) -> None:
        self._round()

    def stop(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _round(self) -> None:
        self._timer = self._reactor.callLater(self._period, self._round)
        for uuid in self._machines.agents | {uuid for uuid, guest in self._last.items() if guest.agent}:
            self.ask_soon(uuid)

    def ask_soon(self, uuid: str) -> None:
        """Ask, and announce what changed; nobody waits for it. Askings that have not begun are one."""
        if uuid not in self._wanted:
            self._wanted.add(uuid)
            self._background.spawn(self._ask_quietly(uuid), f"asking the guest of {uuid}")

    async def _ask_quietly(self, uuid: str) -> None:
        try:
            await self.ask(uuid, always=False)
        except HypervisorError as error:
            log.info("the guest of {uuid} was not asked: {error}", uuid=uuid, error=error)
        finally:
            self._wanted.discard(uuid)

    async def ask(self, uuid: str, always: bool = True) -> Guest:
        """Ask now and announce; `always` False: only what changed. NoSuchMachine, Lost."""
        async with self._lock(uuid):
            self._wanted.discard(uuid)
            connection = self._link.need()
            try:
                guest = await self._schedule.run(
                    "ask",
                    lambda: ask_guest(connection, uuid),
                    f"asking the guest of {uuid}",
                    late=lambda _: self.ask_soon(uuid),
                )
            except TimedOut:
                guest = NO_GUEST
            except NoSuchMachine:
                self._last.pop(uuid, None)
                raise
            before = self._last.pop(uuid, NO_GUEST)
            if guest.agent:
                self._last[uuid] = guest
            if always or guest != before:
                self._announce(GuestSeen(uuid=uuid, guest=guest))
            return guest

    def gone_off(self, uuid: str) -> None:
        """The machine runs no more: its guest is gone at once, without asking."""
        if self._last.pop(uuid, NO_GUEST).agent:
            self._announce(GuestSeen(uuid=uuid, guest=NO_GUEST))
