"""The port over libvirt: real machines.

Law: a verb asks libvirt in a thread, then reads the machine again, whatever came out, and only then returns or
raises. No fact of a machine is remembered here that libvirt could tell; `machines` holds what was read last.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ..errors import HypervisorError, Lost, MachineExists, NoSuchMachine
from ..interface import Announcement, Connection, Listener, MachineSeen
from ..records import Definition, Guest, Host, Machine, NetworkRecord, Power
from . import survey, verbs
from .agent import Agents
from .background import Background
from .host import read_host
from .lanes import Lane
from .link import Link
from .machines import Machines
from .probe import choose_accelerator
from .sampler import Sampler
from .site import Site
from .storage import DirectoryStorage
from .uri import Address

log = Logger()

DEFAULT_NETWORKS = (NetworkRecord(name="VM Network", kind="user"),)


class Deadlines(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds. `slow` is for what writes or reads a machine's whole memory."""

    read: float = 10.0
    verb: float = 60.0
    stop: float = 40.0
    slow: float = 600.0
    agent: float = 15.0
    survey: float = 60.0
    close: float = 4.0


class KvmHypervisor:
    """One host through libvirt. All methods are for the reactor's thread.

    `uri`: qemu:///embed?root=DIR (no daemon; DIR under 40 characters), qemu:///system and the like. `state_dir`:
    ours, for what must outlive us and is no machine's. `datastores`: (name, directory). `accelerator`: auto, kvm or
    tcg. `sample_seconds`: between two announcements of figures, 0 for none. `owner`: whom disks are given to (uid,
    gid).
    """

    def __init__(
        self,
        reactor: Any,
        uri: str,
        state_dir: str,
        datastores: Sequence[tuple[str, str]],
        accelerator: str = "auto",
        networks: tuple[NetworkRecord, ...] = DEFAULT_NETWORKS,
        *,
        sample_seconds: float = 20.0,
        deadlines: Deadlines | None = None,
        owner: tuple[int, int] | None = None,
        wall: Callable[[], float] = time.time,
    ):
        self._reactor, self._state_dir, self._accelerator, self._networks = reactor, state_dir, accelerator, networks
        self._deadlines, self._wall = deadlines or Deadlines(), wall
        self._address = Address(uri)
        self._listeners: list[Listener] = []
        self._background = Background()
        lane = partial(Lane, reactor)
        self._reads, self._verbs, self._stops = lane("read", 4), lane("verb", 8, 16), lane("stop", 4)
        self._slow, self._asks, self._links = lane("slow", 3), lane("agent", 4), lane("link", 1, 16)
        self._files, self._bulk, self._figures = lane("file", 4), lane("bulk", 2), lane("figures", 1, 4)
        self.storage = DirectoryStorage(self._files, self._bulk, datastores, state_dir, self._announce, owner)
        self._link = Link(reactor, self._address, self._links, self._told, self._down, self._up)
        self.machines_known = Machines(
            self._link, self._reads, self._background, self._announce, wall, self._deadlines.read
        )
        self._agents = Agents(
            reactor,
            self._link,
            self._asks,
            self.machines_known,
            self._background,
            self._announce,
            self._deadlines.agent,
        )
        self._sampler = Sampler(
            reactor, self._link, self._figures, self._background, self._announce, sample_seconds, self._round
        )
        self._reserved: dict[str, str] = {}  # uuid -> name, of definitions on their way
        self._starting: set[str] = set()
        self._opening: Deferred[None] | None = None
        self._host: Host | None = None

    # -- life

    async def open(self) -> None:
        if self._opening is None:
            self._opening = Deferred()
            try:
                await self._open()
            except BaseException:
                self._opening = None
                raise
            self._opening.callback(None)
        elif not self._opening.called:
            waiting: Deferred[None] = Deferred()
            self._opening.chainDeferred(waiting)
            await waiting

    async def _open(self) -> None:
        await self.storage.open()
        await self._link.open()
        await self._read_everything()
        self._sampler.start()
        self._agents.start()

    async def _read_everything(self) -> None:
        self.machines_known.site = await self._survey()
        self._host = await self._figures.run(
            partial(read_host, self.machines_known.site, self._link.need()),
            self._deadlines.survey,
            "reading the host",
        )
        await self.storage.datastores()
        await self.machines_known.read_all()

    async def _survey(self) -> Site:
        accelerator = await self._figures.run(
            partial(choose_accelerator, self._accelerator, self._state_dir, self._address.local),
            self._deadlines.survey,
            "trying KVM",
        )
        connection = self._link.need()

        def ask() -> Site:
            newest, cpus = survey.machines_and_cpus(connection, accelerator)
            return Site(
                accelerator=accelerator,
                consoles=self._address.consoles(self._state_dir),
                version=connection.getLibVersion(),
                datastores=self.storage.directories,
                direct_io=self.storage.direct_io,
                networks=self._networks,
                newest=newest,
                cpu=cpus,
                firmware=survey.firmware(),
            )

        return await self._figures.run(ask, self._deadlines.survey, "asking libvirt what it can do")

    async def close(self) -> None:
        self._sampler.stop()
        self._agents.stop()
        self._background.close()
        for lane in (
            self._reads,
            self._verbs,
            self._stops,
            self._slow,
            self._asks,
            self._files,
            self._bulk,
            self._figures,
        ):
            lane.close()
        await self._link.close()
        self._links.close()
        self._opening = None

    def listen(self, listener: Listener) -> Callable[[], None]:
        self._listeners.append(listener)

        def end() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return end

    def _announce(self, announcement: Announcement) -> None:
        for listener in list(self._listeners):
            try:
                listener(announcement)
            except Exception:  # one listener's fault must not cost the others the news
                log.failure("a listener failed")
        if isinstance(announcement, MachineSeen) and announcement.machine.power is not Power.ON:
            self._agents.gone_off(announcement.machine.definition.uuid)

    # -- what libvirt tells

    def _told(self, kind: str, uuid: str, numbers: tuple[int, ...]) -> None:
        """On libvirt's thread."""
        self._reactor.callFromThread(self._event, kind, uuid, numbers)

    def _event(self, kind: str, uuid: str, numbers: tuple[int, ...]) -> None:
        self.machines_known.want(uuid)
        if kind == "lifecycle" and numbers[:1] == (verbs.EVENT_STARTED,) and uuid not in self._starting:
            self._background.spawn(self._mark(uuid), "marking a run that someone else began")
        if kind in ("agent", "reboot"):
            self._agents.ask_soon(uuid)

    async def _mark(self, uuid: str) -> None:
        await self._verbs.run(
            partial(verbs.mark_started, self._link.need(), uuid, self._wall()), self._deadlines.verb, "marking a run"
        )

    def _down(self) -> None:
        self._announce(Connection(up=False))

    async def _up(self) -> None:
        await self._read_everything()
        self._announce(Connection(up=True))

    async def _round(self) -> None:
        await self.storage.datastores()

    # -- reading

    async def host(self) -> Host:
        if self._host is None:
            raise Lost("The hypervisor is not open.")
        return self._host

    async def networks(self) -> tuple[NetworkRecord, ...]:
        return self._networks

    async def machines(self) -> tuple[Machine, ...]:
        return tuple(self.machines_known.known.values())

    async def read(self, uuid: str) -> Machine:
        return await self.machines_known.read(uuid)

    # -- definition

    async def define(self, definition: Definition) -> None:
        uuid = definition.uuid
        if uuid in self.machines_known.known or uuid in self._reserved:
            raise MachineExists(uuid, definition.name)
        with self._name_reserved(definition):
            await self._do(uuid, self._verbs, verbs.define, definition, self._site(), what="defining")

    async def redefine(self, definition: Definition) -> None:
        uuid = definition.uuid
        if uuid not in self.machines_known.known:
            await self.read(uuid)
        with self._name_reserved(definition):
            await self._do(uuid, self._verbs, verbs.redefine, definition, self._site(), what="redefining")

    @contextmanager
    def _name_reserved(self, definition: Definition) -> Iterator[None]:
        """Uuid and name are the caller's from here on, before anything is awaited. MachineExists where the name is
        taken.
        """
        uuid, name = definition.uuid, definition.name
        names = [one.definition.name for key, one in self.machines_known.known.items() if key != uuid]
        if name in names or any(name == other for key, other in self._reserved.items() if key != uuid):
            raise MachineExists(uuid, name)
        before = self._reserved.get(uuid)
        self._reserved[uuid] = name
        try:
            yield
        finally:
            if before is None:
                del self._reserved[uuid]
            else:
                self._reserved[uuid] = before

    async def undefine(self, uuid: str) -> None:
        with suppress(NoSuchMachine):  # gone already is success
            await self._do(uuid, self._verbs, verbs.undefine, what="undefining")

    # -- power

    async def start(self, uuid: str) -> None:
        self._starting.add(uuid)
        try:
            await self._do(
                uuid,
                self._slow if self._is_suspended(uuid) else self._verbs,
                verbs.start,
                self._site(),
                self._wall(),
                what="starting",
            )
        finally:
            self._starting.discard(uuid)

    def _is_suspended(self, uuid: str) -> bool:
        machine = self.machines_known.known.get(uuid)
        return machine is not None and machine.suspended is not None

    async def stop(self, uuid: str) -> None:
        await self._do(uuid, self._stops, verbs.stop, what="stopping")

    async def reset(self, uuid: str) -> None:
        await self._do(uuid, self._verbs, verbs.reset, what="resetting")

    async def suspend(self, uuid: str) -> None:
        await self._do(uuid, self._slow, verbs.suspend, self._wall, what="suspending")

    async def pause(self, uuid: str) -> None:
        await self._do(uuid, self._verbs, verbs.pause, what="pausing")

    async def unpause(self, uuid: str) -> None:
        await self._do(uuid, self._verbs, verbs.unpause, what="going on with")

    # -- through the guest

    async def ask_shutdown(self, uuid: str) -> None:
        await self._do(uuid, self._asks, verbs.ask_shutdown, what="shutting down the guest of")

    async def ask_reboot(self, uuid: str) -> None:
        await self._do(uuid, self._asks, verbs.ask_reboot, what="rebooting the guest of")

    async def ask_standby(self, uuid: str) -> None:
        await self._do(uuid, self._asks, verbs.ask_standby, what="putting to sleep the guest of")

    async def guest(self, uuid: str) -> Guest:
        return await self._agents.ask(uuid)

    # -- how every verb runs

    def _site(self) -> Site:
        if self.machines_known.site is None:
            raise Lost("The hypervisor is not open.")
        return self.machines_known.site

    async def _do(self, uuid: str, lane: Lane, verb: Callable[..., None], *words: Any, what: str) -> None:
        connection = self._link.need()
        deadline = {
            self._slow: self._deadlines.slow,
            self._stops: self._deadlines.stop,
            self._asks: self._deadlines.agent,
        }.get(lane, self._deadlines.verb)
        try:
            await lane.run(
                partial(verbs.run, verb, connection, uuid, *words),
                deadline,
                f"{what} machine {uuid}",
                late=lambda _: self.machines_known.want(uuid),
            )
        except HypervisorError as error:
            if isinstance(error, Lost) and lane is not self._asks:
                self._link.suspect()
            await self._read_after(uuid)
            raise
        await self._read_after(uuid)

    async def _read_after(self, uuid: str) -> None:
        try:
            await self.machines_known.read(uuid)
        except NoSuchMachine:
            pass  # the effect of undefine, or of stopping a machine that was never kept
        except HypervisorError as error:
            log.warn("machine {uuid} was not read after a verb: {error}", uuid=uuid, error=error)
