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

from twisted.internet.defer import DeferredLock
from twisted.logger import Logger

from ..errors import HypervisorError, Lost, MachineExists, NoSuchMachine, TimedOut
from ..interface import Announcement, Connection, Listener, MachineSeen, Storage
from ..records import Definition, Guest, Host, Machine, NetworkRecord, Power
from . import survey, verbs
from .agent import Agents
from .background import Background
from .host import read_host
from .link import Link
from .machines import Machines
from .probe import choose_accelerator
from .sampler import Sampler
from .schedule import Deadlines, Schedule
from .site import Site
from .storage import DirectoryStorage
from .uri import Address

log = Logger()

DEFAULT_NETWORKS = (NetworkRecord(name="VM Network", kind="user"),)


class KvmHypervisor:
    """One host through libvirt. All methods are for the reactor's thread.

    `uri`: qemu:///embed?root=DIR (no daemon; DIR under 40 characters), qemu:///system and the like. `state_dir`:
    ours, for what must outlive us and is no machine's. `datastores`: (name, directory). `accelerator`: auto, kvm or
    tcg. `sample_seconds`: between two announcements of figures, 0 for none. `owner`: the (uid, gid) that a daemon's
    QEMU runs as, where that is not what the distribution's libvirt does; the embedded driver's is our own.
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
        self._wall, self._address, self._owner = wall, Address(uri), owner
        self._listeners: list[Listener] = []
        self._background = Background()
        self._schedule = schedule = Schedule(reactor, deadlines or Deadlines())
        announce = self._announce
        self._files = DirectoryStorage(schedule.files, schedule.bulk, datastores, state_dir, announce, owner)
        self.storage: Storage = self._files
        self._link = link = Link(reactor, self._address, schedule.link, self._told, self._down, self._up)
        self._machines = Machines(link, schedule, self._background, announce, wall)
        self._agents = Agents(reactor, link, schedule, self._machines, self._background, announce)
        self._sampler = Sampler(reactor, link, schedule, self._background, announce, sample_seconds, self._round)
        self._reserved: dict[str, str] = {}  # uuid -> name, of definitions on their way
        self._starting: set[str] = set()
        self._opening = DeferredLock()
        self._host: Host | None = None
        self._closed = False

    # -- life

    async def open(self) -> None:
        async with self._opening:
            if self._host is not None:
                return
            await self._files.open()
            await self._link.open()
            try:
                await self._read_everything()
            except BaseException:
                self._host = None
                await self._link.release()
                raise
            self._sampler.start()
            self._agents.start()

    async def _read_everything(self) -> None:
        """Everything that is asked once per connection, then all machines."""
        run, connection = self._schedule.run, self._link.need()
        choose = partial(choose_accelerator, self._accelerator, self._state_dir, self._address.local)
        accelerator = await run("figures", choose, "trying KVM")
        consoles = self._address.consoles(self._state_dir, self._owner)
        look = partial(survey.look, connection, accelerator, consoles, self._files.directories, self._files.direct_io)
        site = await run("figures", partial(look, self._networks), "asking libvirt what it can do")
        host = await run("figures", partial(read_host, site, connection, self._address.local), "reading the host")
        self._machines.site = site
        await self.storage.datastores()
        await self._machines.read_all()
        self._host = host

    async def close(self) -> None:
        self._closed = True
        self._sampler.stop()
        self._agents.stop()
        self._background.close()
        self._schedule.close()
        await self._link.close()

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
        self._machines.want(uuid)
        if kind == "lifecycle" and numbers[:1] == (verbs.EVENT_STARTED,) and uuid not in self._starting:
            self._background.spawn(self._mark(uuid), "marking a run that someone else began")
        if kind in ("agent", "reboot"):
            self._agents.ask_soon(uuid)

    async def _mark(self, uuid: str) -> None:
        call = partial(verbs.mark_started, self._link.need(), uuid, self._wall())
        await self._schedule.run("verb", call, f"marking the run of {uuid}")

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
        return tuple(self._machines.known.values())

    async def read(self, uuid: str) -> Machine:
        return await self._machines.read(uuid)

    def console(self, uuid: str, kind: str) -> str:
        """The unix socket of a machine's console, there while it runs. `kind`: vnc (RFB) or serial."""
        return self._site().socket(uuid, kind)

    # -- definition

    async def define(self, definition: Definition) -> None:
        uuid = definition.uuid
        if uuid in self._machines.known or uuid in self._reserved:
            raise MachineExists(uuid, definition.name)
        with self._name_reserved(definition):
            await self._do(uuid, "verb", verbs.define, definition, self._site(), what="defining")

    async def redefine(self, definition: Definition) -> None:
        uuid = definition.uuid
        if uuid not in self._machines.known:
            await self.read(uuid)
        with self._name_reserved(definition):
            await self._do(uuid, "verb", verbs.redefine, definition, self._site(), what="redefining")

    @contextmanager
    def _name_reserved(self, definition: Definition) -> Iterator[None]:
        """Uuid and name are the caller's from here on, before anything is awaited. MachineExists where the name is
        taken.
        """
        uuid, name = definition.uuid, definition.name
        names = [one.definition.name for key, one in self._machines.known.items() if key != uuid]
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
            await self._do(uuid, "verb", verbs.undefine, what="undefining")

    # -- power

    async def start(self, uuid: str) -> None:
        self._starting.add(uuid)
        try:
            await self._do(
                uuid,
                "slow" if self._is_suspended(uuid) else "verb",
                verbs.start,
                self._site(),
                self._wall(),
                what="starting",
            )
        finally:
            self._starting.discard(uuid)

    def _is_suspended(self, uuid: str) -> bool:
        machine = self._machines.known.get(uuid)
        return machine is not None and machine.suspended is not None

    async def stop(self, uuid: str) -> None:
        await self._do(uuid, "stop", verbs.stop, what="stopping")

    async def reset(self, uuid: str) -> None:
        await self._do(uuid, "verb", verbs.reset, what="resetting")

    async def suspend(self, uuid: str) -> None:
        try:
            await self._do(uuid, "slow", verbs.suspend, self._wall, what="suspending")
        except TimedOut:
            if not self._closed:
                self._background.spawn(self._abort(uuid), f"giving up suspending {uuid}")
            raise

    async def _abort(self, uuid: str) -> None:
        call = partial(verbs.run, verbs.abort, self._link.need(), uuid)
        await self._schedule.run("stop", call, f"giving up suspending {uuid}")

    async def pause(self, uuid: str) -> None:
        await self._do(uuid, "verb", verbs.pause, what="pausing")

    async def unpause(self, uuid: str) -> None:
        await self._do(uuid, "verb", verbs.unpause, what="going on with")

    # -- through the guest

    async def ask_shutdown(self, uuid: str) -> None:
        await self._do(uuid, "ask", verbs.ask_shutdown, what="shutting down the guest of")

    async def ask_reboot(self, uuid: str) -> None:
        await self._do(uuid, "ask", verbs.ask_reboot, what="rebooting the guest of")

    async def ask_standby(self, uuid: str) -> None:
        await self._do(uuid, "ask", verbs.ask_standby, what="putting to sleep the guest of")

    async def guest(self, uuid: str) -> Guest:
        return await self._agents.ask(uuid)

    # -- how every verb runs

    def _site(self) -> Site:
        if self._machines.site is None:
            raise Lost("The hypervisor is not open.")
        return self._machines.site

    async def _do(self, uuid: str, lane: str, verb: Callable[..., None], *words: Any, what: str) -> None:
        call = partial(verbs.run, verb, self._link.need(), uuid, *words)
        try:
            await self._schedule.run(lane, call, f"{what} machine {uuid}", lambda _: self._machines.want(uuid))
        except HypervisorError as error:
            if isinstance(error, Lost) and not self._closed:
                self._link.suspect()
            await self._read_after(uuid)
            raise
        await self._read_after(uuid)

    async def _read_after(self, uuid: str) -> None:
        try:
            await self._machines.read(uuid)
        except NoSuchMachine:
            pass  # the effect of undefine, or of stopping a machine that was never kept
        except HypervisorError as error:
            log.warn("machine {uuid} was not read after a verb: {error}", uuid=uuid, error=error)
