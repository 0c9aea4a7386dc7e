"""What a backend is tested in: the hypervisor, an ear on it, and hands for what no verb does.

A backend's test module makes a subclass and a fixture `bed` of it. Law: a bed leaves nothing behind; it takes away
what its test made, and touches nothing that was there before.
"""

from __future__ import annotations

import itertools
import uuid as uuids
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import msgspec
from twisted.internet.defer import Deferred

from vmsdk.hypervisor.errors import HypervisorError
from vmsdk.hypervisor.interface import Announcement, GuestSeen, Hypervisor, MachineGone, MachineSeen
from vmsdk.hypervisor.records import Controller, Definition, Disk, FilePlace, Guest, Machine, Nic, Power

E = TypeVar("E", bound=BaseException)
MIB = 1 << 20
numbers = itertools.count(1)


class Ear:
    """Hears everything. All on the reactor's thread."""

    def __init__(self, hypervisor: Hypervisor):
        self.heard: list[Announcement] = []
        self._waiting: list[tuple[Callable[[Announcement], bool], Deferred[Announcement]]] = []
        self.end = hypervisor.listen(self._hear)

    def _hear(self, announcement: Announcement) -> None:
        self.heard.append(announcement)
        for waits in [each for each in self._waiting if each[0](announcement)]:
            self._waiting.remove(waits)
            waits[1].callback(announcement)

    def forget(self) -> None:
        self.heard.clear()

    def machine(self, uuid: str) -> Machine | None:
        """As last announced; None where it was not, or is gone."""
        for each in reversed(self.heard):
            if isinstance(each, MachineGone) and each.uuid == uuid:
                return None
            if isinstance(each, MachineSeen) and each.machine.definition.uuid == uuid:
                return each.machine
        return None

    def guest(self, uuid: str) -> Guest | None:
        for each in reversed(self.heard):
            if isinstance(each, GuestSeen) and each.uuid == uuid:
                return each.guest
        return None

    def story(self, uuid: str) -> list[str]:
        """The powers of a machine as announced, "gone" among them; what is said twice in a row counts once."""
        told: list[str] = []
        for each in self.heard:
            if isinstance(each, MachineGone) and each.uuid == uuid:
                word = "gone"
            elif isinstance(each, MachineSeen) and each.machine.definition.uuid == uuid:
                word = each.machine.power.value
            else:
                continue
            if told[-1:] != [word]:
                told.append(word)
        return told

    async def until(self, wanted: Callable[[Announcement], bool]) -> Announcement:
        """The first announcement, past or to come, that is wanted."""
        for each in self.heard:
            if wanted(each):
                return each
        coming: Deferred[Announcement] = Deferred()
        self._waiting.append((wanted, coming))
        return await coming

    async def until_power(self, uuid: str, power: Power) -> Machine:
        seen = await self.until(
            lambda each: (
                isinstance(each, MachineSeen) and each.machine.definition.uuid == uuid and each.machine.power is power
            )
        )
        assert isinstance(seen, MachineSeen)
        return seen.machine

    async def until_agent(self, uuid: str, answers: bool = True) -> Guest:
        seen = await self.until(
            lambda each: isinstance(each, GuestSeen) and each.uuid == uuid and each.guest.agent is answers
        )
        assert isinstance(seen, GuestSeen)
        return seen.guest


class Bed:
    """Base of all beds. A backend gives the five hooks below and may change what `definition` says."""

    hypervisor: Hypervisor
    ear: Ear
    datastore: str  # id of one where the test may make what it likes
    network: str
    memory_mib = 64
    disk = 64 * MIB

    def __init__(self) -> None:
        self.made: list[str] = []
        self.folders: list[FilePlace] = []

    # -- hooks
    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Carry the coroutine to its end; AssertionError at a limit."""
        raise NotImplementedError

    async def guest_powers_off(self, uuid: str) -> None:
        """Make the guest of a running machine end it, without a verb."""
        raise NotImplementedError

    async def someone_defines(self, name: str) -> str:
        """A machine defined past us; its uuid. The test takes it away by the port's verbs."""
        raise NotImplementedError

    async def someone_starts(self, uuid: str) -> None:
        raise NotImplementedError

    async def machine_with_agent(self) -> Definition:
        """A running machine whose agent answers by now."""
        raise NotImplementedError

    # -- what tests are made of
    def name(self) -> str:
        return f"suite-{next(numbers)}-{uuids.uuid4().hex[:6]}"

    def place(self, path: str) -> FilePlace:
        return FilePlace(datastore=self.datastore, path=path)

    async def folder(self) -> str:
        """A new folder in the root; its name."""
        name = self.name()
        self.folders.append(self.place(name))
        await self.hypervisor.storage.make_directory(self.place(name))
        return name

    def definition(self, name: str, **changes: Any) -> Definition:
        """One pvscsi controller, one thin disk, one vmxnet3 card."""
        low = uuids.uuid4().bytes
        mac = f"00:50:56:{low[0] & 0x3F:02x}:{low[1]:02x}:{low[2]:02x}"
        plain = Definition(
            uuid=str(uuids.uuid4()),
            bios_uuid=str(uuids.uuid4()),
            name=name,
            home=self.place(f"{name}/{name}.vmx"),
            guest_id="otherLinux64Guest",
            memory_mib=self.memory_mib,
            devices=(
                Controller(key=1000, model="pvscsi"),
                Disk(
                    key=2000, controller=1000, unit=0, file=self.place(f"{name}/{name}.vmdk"), capacity=self.disk,
                    uuid=str(uuids.uuid4()),
                ),
                Nic(key=4000, model="vmxnet3", network=self.network, mac=mac),
            ),
            created=1_700_000_000.0,
            changed=1_700_000_000.0,
        )  # fmt: skip
        return msgspec.structs.replace(plain, **changes)

    async def machine(self, **changes: Any) -> Definition:
        """A defined machine with its files, off."""
        definition = self.definition(await self.folder(), **changes)
        for device in definition.devices:
            if isinstance(device, Disk):
                await self.hypervisor.storage.create_disk(device.file, device.capacity, device.thin)
        self.made.append(definition.uuid)
        await self.hypervisor.define(definition)
        return definition

    async def running(self, **changes: Any) -> Definition:
        definition = await self.machine(**changes)
        await self.hypervisor.start(definition.uuid)
        return definition

    async def bring(self, power: Power) -> Definition:
        """A machine in that power."""
        definition = await self.machine()
        if power is not Power.OFF:
            await self.hypervisor.start(definition.uuid)
        if power is Power.SUSPENDED:
            await self.hypervisor.suspend(definition.uuid)
        return definition

    async def refused(self, kind: type[E], verb: Coroutine[Any, Any, Any]) -> E:
        """The error of a verb that must fail so."""
        try:
            await verb
        except kind as error:
            assert str(error), f"{kind.__name__} says nothing to a person"
            return error
        raise AssertionError(f"{verb.__qualname__} was not refused with {kind.__name__}")

    async def clean(self) -> None:
        """Take away what the test made."""
        for machine in await self.hypervisor.machines():
            uuid = machine.definition.uuid
            if uuid in self.made:
                if machine.power is not Power.OFF:
                    await self.hypervisor.stop(uuid)
                await self.hypervisor.undefine(uuid)
        for folder in self.folders:
            await self._sweep(folder)
        self.ear.end()

    async def _sweep(self, place: FilePlace) -> None:
        storage = self.hypervisor.storage
        try:
            entries = await storage.list(place)
        except HypervisorError:
            return
        for entry in entries:
            if entry.directory:
                await self._sweep(self.place(entry.path))
            elif not entry.path.endswith("-flat.vmdk"):  # goes with its descriptor
                await storage.delete(self.place(entry.path))
        await storage.delete(place)
