"""The machines as they were last read: reading, remembering, announcing.

Law: only a reading changes what is known. Readings of one machine, and what is announced of them, are in order, under
that machine's lock; an event or a late result only asks for a reading, and askings that have not begun are one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import libvirt
import msgspec
from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger

from ..errors import HypervisorError, NoSuchMachine
from ..interface import Announcement, MachineGone, MachineSeen
from ..records import Machine, Power
from .background import Background
from .domain_read import Found, read_domain
from .domain_xml import RUN_NAMESPACE
from .lanes import ReadLock
from .link import Link
from .refusals import translate
from .schedule import Schedule
from .site import Site

log = Logger()

UNCLEAN = {libvirt.VIR_DOMAIN_SHUTOFF_CRASHED, libvirt.VIR_DOMAIN_SHUTOFF_DAEMON}


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """One look at a domain, made in a thread."""

    found: Found
    power: Power
    paused: bool
    reason: int
    agent: bool  # the agent's channel is connected


def observe(domain: libvirt.virDomain, site: Site) -> Observation:
    """Only calls that wait for no job: a machine whose monitor hangs can still be read.

    They are several, and the machine may start or stop between two of them: then the look is taken again.
    """
    for _ in range(5):
        seen = _look(domain, site)
        if (seen.power is Power.ON) == bool(domain.isActive()):
            break
    return seen


def _look(domain: libvirt.virDomain, site: Site) -> Observation:
    live = None
    state, reason = domain.state()
    active = bool(domain.isActive())
    if active:
        live = domain.XMLDesc(0)
    inactive = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE) if domain.isPersistent() else live or domain.XMLDesc(0)
    power = Power.ON if active else Power.OFF
    if not active and domain.isPersistent() and domain.hasManagedSaveImage():
        power = Power.SUSPENDED
    return Observation(
        found=read_domain(inactive, live, site),
        power=power,
        reason=reason,
        paused=active and state == libvirt.VIR_DOMAIN_PAUSED,
        agent=live is not None and agent_connected(live),
    )


def agent_connected(live: str) -> bool:
    return "name='org.qemu.guest_agent.0' state='connected'" in live


def observe_one(connection: libvirt.virConnect, uuid: str, site: Site) -> Observation | None:
    """None: there is no such machine."""
    try:
        return observe(connection.lookupByUUIDString(uuid), site)
    except libvirt.libvirtError as error:
        if error.get_error_code() in (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_INVALID_ARG):
            return None  # the second one: libvirt does not take it for a uuid
        raise translate(error, uuid) from error


def observe_all(connection: libvirt.virConnect, site: Site) -> dict[str, Observation]:
    seen = {}
    try:
        domains = connection.listAllDomains(0)
    except libvirt.libvirtError as error:
        raise translate(error) from error
    for domain in domains:
        try:
            seen[domain.UUIDString()] = observe(domain, site)
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:  # it went away between the two calls
                raise translate(error) from error
    return seen


class Machines:
    """`known`: by uuid. `wall()`: UTC epoch seconds."""

    def __init__(
        self,
        link: Link,
        schedule: Schedule,
        background: Background,
        announce: Callable[[Announcement], None],
        wall: Callable[[], float],
    ):
        self._link, self._schedule, self._background, self._announce = link, schedule, background, announce
        self._wall = wall
        self._lock = ReadLock()
        self._wanted: set[str] = set()
        self.site: Site | None = None  # set at opening, before the first reading
        self.known: dict[str, Machine] = {}
        self.agents: set[str] = set()  # machines whose agent's channel is connected

    async def read(self, uuid: str, always: bool = True) -> Machine:
        """Read one machine and announce it; `always` False: only where it changed. NoSuchMachine, Lost, TimedOut."""
        async with self._lock(uuid):
            self._wanted.discard(uuid)
            connection, site = self._link.need(), self.site
            assert site is not None
            seen = await self._schedule.run(
                "read",
                lambda: observe_one(connection, uuid, site),
                f"reading machine {uuid}",
                late=lambda _: self.want(uuid),
            )
            if seen is None:
                self._forget(uuid)
                raise NoSuchMachine(uuid)
            return self._post(uuid, seen, always)

    def want(self, uuid: str) -> None:
        """Ask for a reading soon; nobody waits for it. Before the opening's own reading of all there is no need."""
        if self.site is not None and uuid not in self._wanted:
            self._wanted.add(uuid)
            self._background.spawn(self._quiet_read(uuid), f"reading machine {uuid}")

    async def _quiet_read(self, uuid: str) -> None:
        try:
            await self.read(uuid, always=False)
        except NoSuchMachine:
            pass  # announced
        except HypervisorError as error:
            log.info("machine {uuid} was not read: {error}", uuid=uuid, error=error)
        finally:
            self._wanted.discard(uuid)

    async def read_all(self) -> None:
        """Read every machine; those that are there no more are announced gone."""
        connection, site = self._link.need(), self.site
        assert site is not None
        before = set(self.known)
        seen = await self._schedule.run("figures", lambda: observe_all(connection, site), "reading all machines")
        again = before - set(seen)
        for uuid, observation in seen.items():
            if uuid in self.known:
                again.add(uuid)  # someone may have read it meanwhile, later than we did: what we have is no news
            else:
                self._post(uuid, observation, False)
        await gatherResults([Deferred.fromCoroutine(self._quiet_read(uuid)) for uuid in sorted(again)])

    def _forget(self, uuid: str) -> None:
        self.agents.discard(uuid)
        if self.known.pop(uuid, None) is not None:
            self._announce(MachineGone(uuid=uuid))

    def _post(self, uuid: str, seen: Observation, always: bool) -> Machine:
        before = self.known.get(uuid)
        machine = self._machine(seen, before)
        (self.agents.add if seen.agent else self.agents.discard)(uuid)
        self.known[uuid] = machine
        if always or machine != before:
            self._announce(MachineSeen(machine=machine))
        return machine

    def _machine(self, seen: Observation, before: Machine | None) -> Machine:
        found, off = seen.found, seen.power is Power.OFF
        started = suspended = None
        if seen.power is Power.ON:
            started = found.started or (before.started if before else None) or self._wall()
        elif seen.power is Power.SUSPENDED:
            suspended = found.suspended or (before.suspended if before else None) or self._wall()
        return Machine(
            definition=found.definition,
            power=seen.power,
            paused=seen.paused,
            started=started,
            suspended=suspended,
            crashed=off and seen.reason == libvirt.VIR_DOMAIN_SHUTOFF_CRASHED,
            clean_stop=not (off and seen.reason in UNCLEAN),
            foreign=found.foreign,
            trouble=found.trouble,
        )


def mark_run(domain: libvirt.virDomain, flags: int, **marks: Any) -> None:
    """Leave a mark of this run inside the domain, so that a later process of ours finds it. `flags`: live or
    config.
    """
    text = "".join(f" {name}='{value!r}'" for name, value in marks.items())
    domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, f"<run{text}/>", "vmsdkrun", RUN_NAMESPACE, flags)
