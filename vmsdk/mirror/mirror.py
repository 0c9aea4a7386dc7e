"""The one listener of the hypervisor: each announcement becomes cells and faces, at once and in order.

Law: nothing else makes or removes a machine's face. A machine gets its number from the store before its face is published; it keeps
it until the machine is forgotten. A face is published with its cells full.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..datastores import names
from ..engine.machine import FilesNow, MachineCells
from ..engine.managed_object import ManagedObject
from ..engine.site import Site
from ..hypervisor import interface as told
from ..hypervisor.errors import HypervisorError
from ..hypervisor.records import DatastoreRecord, Machine, NetworkRecord, Power
from ..managed_objects.datastore import Datastore
from ..managed_objects.environment_browser import EnvironmentBrowser
from ..managed_objects.host_datastore_browser import HostDatastoreBrowser
from ..managed_objects.network import Network
from ..managed_objects.virtual_machine import VirtualMachine
from ..wsdl import MoRef

Heard = Callable[[MachineCells, "Machine | None"], None]


class Mirror:
    """Keeps a site in step with its hypervisor. `sampled` hears figures, `changed` hears a machine before its cells
    change, `gone` one whose face is about to go."""

    def __init__(
        self, site: Site, numbers: Any, sampled: Callable[[told.Sampled], None], changed: Heard,
        gone: Callable[[MachineCells], None],
    ):  # fmt: skip
        self._site, self._numbers, self._sampled, self._changed, self._left = site, numbers, sampled, changed, gone
        self._browsers: dict[str, ManagedObject] = {}
        self._stop: Callable[[], None] | None = None
        self._refreshing: set[str] = set()

    async def open(self, early: list[told.Announcement]) -> None:
        """Read everything and follow from then on. `early` holds what was announced since the hypervisor was opened."""
        site = self._site
        for network in await site.hypervisor.networks():
            self._network(network)
        site.host.networks.set(await site.hypervisor.networks())
        for record in await site.hypervisor.storage.datastores():
            self._datastore(record)
        self._stop = site.hypervisor.listen(self.hear)
        machines = await site.hypervisor.machines()
        refs = [self._appear(machine) for machine in machines if machine.definition.uuid not in site.machines]
        site.host.machine_refs.set((*site.host.machine_refs.get(), *refs))
        for news in early:
            if isinstance(news, (told.GuestSeen, told.Sampled)):
                self.hear(news)
        site.nursery.spawn(self, self._list_all())

    def close(self) -> None:
        if self._stop is not None:
            self._stop()
        self._site.nursery.end(self)

    # -- announcements ----------------------------------------------------------------------------------------

    def hear(self, news: told.Announcement) -> None:
        site = self._site
        if isinstance(news, told.MachineSeen):
            self._seen(news.machine)
        elif isinstance(news, told.MachineGone):
            self._gone(news.uuid)
        elif isinstance(news, told.GuestSeen):
            if news.uuid in site.machines:
                site.machines[news.uuid].guest.set(news.guest)
        elif isinstance(news, told.Sampled):
            site.host.load.set(news.host)
            for uuid, sample in news.machines.items():
                if uuid in site.machines:
                    site.machines[uuid].sampled(sample)
            self._sampled(news)
        elif isinstance(news, told.StorageSeen):
            self._datastore(news.datastore)
        elif isinstance(news, told.Connection):
            site.host.connected.set(news.up)

    def _seen(self, machine: Machine) -> None:
        cells = self._site.machines.get(machine.definition.uuid)
        if cells is None:
            ref = self._appear(machine)
            self._site.host.machine_refs.set((*self._site.host.machine_refs.get(), ref))
            self._refresh_later(self._site.machines[machine.definition.uuid])
            return
        self._changed(cells, machine)
        before = (cells.power.get().power, cells.defined)
        cells.seen(machine)
        if machine.power is not Power.ON:
            cells.sampled(None)
        if before != (machine.power, machine.definition):
            self._refresh_later(cells)

    def _appear(self, machine: Machine) -> MoRef:
        site, uuid = self._site, machine.definition.uuid
        number = self._numbers.allocate("machine", uuid)
        cells = MachineCells(site.graph, number, machine)
        site.machines[uuid] = cells
        face = VirtualMachine(site, site.personality.machine(number), cells)
        site.machine_refs[uuid] = face.ref
        browser = EnvironmentBrowser(site, site.personality.environment(number))
        self._browsers[uuid] = browser
        site.inventory.add(browser)
        site.inventory.add(face)
        self._changed(cells, None)
        return face.ref

    def _gone(self, uuid: str) -> None:
        site = self._site
        if uuid not in site.machines:
            return
        self._left(site.machines[uuid])
        ref = site.machine_refs.pop(uuid)
        site.machines.pop(uuid)
        face = site.inventory.get(ref.value)
        site.host.machine_refs.set(tuple(r for r in site.host.machine_refs.get() if r != ref))
        if face is not None:
            site.inventory.remove(face)
        site.inventory.remove(self._browsers.pop(uuid))
        site.tasks.forget_entity(ref)
        self._numbers.forget("machine", uuid)

    # -- datastores and networks ------------------------------------------------------------------------------

    def _datastore(self, record: DatastoreRecord) -> None:
        site = self._site
        cell = site.host.datastores.setdefault(record.id, site.graph.cell(record))
        cell.set(record)
        if record.id in site.datastore_refs:
            return
        number = self._numbers.allocate("datastore", record.id)
        value = site.personality.datastore(number, record.id)
        face = Datastore(site, value, cell, site.personality.datastore_browser(number, record.id))
        site.datastore_refs[record.id] = face.ref
        site.inventory.add(face)
        site.inventory.add(HostDatastoreBrowser(site, site.personality.datastore_browser(number, record.id), record.id))
        site.host.datastore_refs.set((*site.host.datastore_refs.get(), face.ref))

    def _network(self, record: NetworkRecord) -> None:
        site = self._site
        number = self._numbers.allocate("network", record.name)
        face = Network(site, site.personality.network(number, record.name), record.name)
        site.network_numbers[record.name] = face.ref
        site.inventory.add(face)
        site.host.network_refs.set((*site.host.network_refs.get(), face.ref))

    # -- files of machines ------------------------------------------------------------------------------------

    def _refresh_later(self, cells: MachineCells) -> None:
        if cells.uuid not in self._refreshing:
            self._refreshing.add(cells.uuid)
            self._site.nursery.spawn(self, self._refresh_once(cells))

    async def _refresh_once(self, cells: MachineCells) -> None:
        self._refreshing.discard(cells.uuid)
        await self.refresh_files(cells)

    async def _list_all(self) -> None:
        for cells in tuple(self._site.machines.values()):
            await self.refresh_files(cells)

    async def refresh_files(self, cells: MachineCells) -> None:
        """List a machine's folder; what cannot be listed is empty."""
        site, definition = self._site, cells.defined
        folder = names.folder_of(definition.home)
        if not folder.path or cells.power.get().foreign:
            return
        try:
            found = await site.hypervisor.storage.list(folder)
        except HypervisorError:
            found = ()
        if site.machines.get(cells.uuid) is cells:
            cells.files.set(FilesNow(files=tuple(found), at=site.clock.seconds()))
