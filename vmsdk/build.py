"""Puts one server together: the only file that picks concrete classes. Nothing here decides anything else.

Order at start: store, hypervisor, what a kill left half done, faces, then the doors.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from .collector.collector import Limits
from .collector.reader import Reader
from .config import Settings
from .datastores import names
from .dispatch import Dispatch
from .engine import authorization
from .engine.accounts import Accounts
from .engine.cells import Graph
from .engine.claims import Claims
from .engine.custom_fields import CustomFields
from .engine.events import EventLog
from .engine.fault_map import fault_of
from .engine.fault_texts import fault_text
from .engine.inventory import Inventory
from .engine.machine_events import MachineEvents
from .engine.managed_object import ManagedObject
from .engine.permissions import Permissions
from .engine.personality import PERSONALITIES
from .engine.samples import Samples
from .engine.sessions import Sessions
from .engine.site import HostCells, Site
from .engine.spawn import Nursery
from .engine.steps import Steps
from .engine.tasks import KEEP_SECONDS, TaskHandle, TaskRecord, Tasks
from .hypervisor.interface import Announcement, Hypervisor, Sampled
from .managed_objects.content_faces import content_faces
from .managed_objects.datacenter import Datacenter
from .managed_objects.event_manager import surroundings
from .managed_objects.folder import Folder
from .managed_objects.host_faces import host_faces
from .managed_objects.property_collector import Collectors, PropertyCollector
from .managed_objects.search_index import SearchIndex
from .managed_objects.service_instance import ServiceInstance
from .managed_objects.session_manager import SessionManager
from .managed_objects.task import Task
from .managed_objects.view_manager import ViewManager
from .managed_objects.virtual_machine_create import undoers
from .mirror.mirror import Mirror
from .request import Service
from .store.history import KEEP
from .store.store import Store
from .web.folder import Folder as FolderRoom
from .web.http import Handler
from .web.routes import router
from .web.sdk import Sdk
from .wsdl import CONTRACT, MethodFault, MoRef
from .wsdl.codec.encode import Encoder
from .wsdl.documents import Documents


def choose_hypervisor(settings: Settings, reactor: Any) -> Hypervisor:
    """The backend that the settings name."""
    if settings.hypervisor == "simulated":
        from .hypervisor.simulated import build_simulated

        return build_simulated(reactor, machines=settings.machines, shape=settings.shape)  # type: ignore[return-value]
    from .hypervisor.kvm.backend import DEFAULT_NETWORKS, KvmHypervisor
    from .hypervisor.records import NetworkRecord

    datastores = [(name, str(path)) for name, path in settings.datastores]
    if not datastores:
        datastores = [("datastore1", str(settings.state / "datastore1"))]
    for _, directory in datastores:
        Path(directory).mkdir(mode=0o711, parents=True, exist_ok=True)  # others may pass, as QEMU must, but not look around
    networks = tuple(NetworkRecord(name=n, kind=k, bridge=b, vlan=v) for n, k, b, v in settings.networks)
    return KvmHypervisor(
        reactor, settings.hypervisor, str(settings.state), datastores, settings.accelerator, networks or DEFAULT_NETWORKS
    )


class Daemon:
    """One server, put together but not started. `open` reads everything; `handler` then answers HTTP requests."""

    def __init__(
        self,
        settings: Settings,
        reactor: Any,
        hypervisor: Hypervisor,
        store: Store,
        run: Callable[..., Any],
        hasher: PasswordHasher | None = None,
    ):
        self.settings, self.reactor, self.hypervisor, self.store = settings, reactor, hypervisor, store
        self.served = CONTRACT.versions.index(settings.api_version)
        self.personality = PERSONALITIES[settings.personality]
        self._encoders: dict[int, Encoder] = {}
        self._cold: Any = None
        self.on_missing: Callable[[str, str], None] = lambda type_name, member: None
        self.graph = Graph(lambda call: reactor.callLater(0, call), self.served, settings.cache_bytes)
        self.inventory = Inventory(self.graph)
        self.nursery = Nursery()
        self.claims = Claims()
        self.sessions = Sessions(reactor, self.graph, settings.idle_seconds or self.personality.idle_seconds, settings.max_sessions)
        self.accounts = Accounts(store.accounts, reactor, run, settings.state / "tickets", hasher)
        self.steps = Steps(store.intents, {})
        self.tasks = Tasks(
            self.graph, reactor, self.personality.task, self._publish_task, self._retire_task, self._remember_task,
            store.history.next_number,
        )  # fmt: skip
        self.sample_listeners: list[Callable[[Sampled], None]] = []

    # -- small collaborators ----------------------------------------------------------------------------------

    def encoder(self, version: int) -> Encoder:
        found = self._encoders.get(version)
        if found is None:
            found = self._encoders[version] = Encoder(
                version, CONTRACT, fault_text, lambda type_name, member: self.on_missing(type_name, member)
            )
        return found

    def fault_of(self, error: BaseException) -> MethodFault:
        return fault_of(error, lambda place: names.text(place, self.site.datastore_name))

    def _publish_task(self, handle: TaskHandle) -> None:
        self.inventory.add(Task(self.site, handle))

    def _retire_task(self, handle: TaskHandle) -> None:
        face = self.inventory.get(handle.ref.value)
        if face is not None:
            self.inventory.remove(face)

    def _remember_task(self, record: TaskRecord) -> None:
        self.store.history.remember(record)
        self.site.machine_events.task_told(record)

    def cold_stop(self) -> Any:
        """The stop of cold operations, made when the first one comes (vmctld has it made in a quiet moment after its start)."""
        if self._cold is None:
            from .soap.spyne import ColdStop

            self._cold = ColdStop(CONTRACT, self.served, self.documents)
        return self._cold

    # -- start ------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Everything but the doors. Errors of the hypervisor or the store come out as they are."""
        early: list[Announcement] = []
        stop = self.hypervisor.listen(early.append)
        await self.hypervisor.open()
        root = MoRef(*self.personality.manager("rootFolder"))
        kept = authorization.load(self.store.facts, root, self.settings.user)
        self.permissions = Permissions(self.graph, root, kept.granted, kept.roles, self.inventory.get)
        self.site = Site(
            graph=self.graph, clock=self.reactor, personality=self.personality, inventory=self.inventory,
            sessions=self.sessions, permissions=self.permissions, claims=self.claims, tasks=self.tasks, nursery=self.nursery,
            steps=self.steps, hypervisor=self.hypervisor, host=HostCells(self.graph, await self.hypervisor.host()),
            store=self.store, settings=self.settings, identity=self.store.identity, numbers=self.store.references,
            accounts=self.accounts,
            custom_fields=CustomFields(self.graph, self.store.facts),
            authorization=authorization.Authorization(self.permissions, self.store.facts, kept, self.accounts.known),
        )  # fmt: skip
        self.site.events = EventLog(self.graph, self.reactor, self.store.facts, lambda: surroundings(self.site))
        self.site.samples = Samples(self.site)
        self.sample_listeners.append(self.site.samples.heard)
        self.site.machine_events = machines = MachineEvents(self.site)
        self.mirror = Mirror(self.site, self.store.references, self._sampled, machines.heard, machines.gone)
        self.site.refresh_files = self.mirror.refresh_files
        self.steps.undoers.update(undoers(self.site))
        self.reader = Reader(self.graph, self.encoder, self.permissions.refusal, self.permissions.rights)
        self.collectors = Collectors(self.site, self.reader, Limits())
        for face in self._faces():
            if self.inventory.get(face.ref.value) is None:
                self.inventory.add(face)
        await self._datastores_first()
        await self.steps.recover()
        await self.mirror.open(early)
        stop()
        machines.live = True
        self._restore_tasks()
        self.dispatch = Dispatch(
            self.served, self.inventory, self.permissions, self.claims, self.tasks, self.nursery, self.reader, self.fault_of,
            self.store.flushed,
        )  # fmt: skip
        self.documents = Documents(CONTRACT, self.served)
        self.service = Service(self.dispatch, self.sessions, self.encoder, self.fault_of, fault_text, self.cold_stop)
        self._sweep()

    async def _datastores_first(self) -> None:
        """Recovery spells places by datastore names: they must be known before it."""
        for record in await self.hypervisor.storage.datastores():
            self.site.host.datastores.setdefault(record.id, self.graph.cell(record))

    def _restore_tasks(self) -> None:
        """What was done lately, and what a stop cut short, stays readable: a client that waits may come back to it."""
        limit = self.tasks.now() - timedelta(seconds=KEEP_SECONDS)
        cut_short = {record.number for record in self.store.history.interrupted()}
        for record in reversed(self.store.history.newest(KEEP)):
            if record.number in cut_short or (record.completed is not None and record.completed >= limit):
                self.tasks.restore(record)

    def _sweep(self) -> None:
        self.sessions.sweep()
        self.tasks.sweep()
        self._timer = self.reactor.callLater(30, self._sweep)

    def _sampled(self, news: Sampled) -> None:
        for listener in self.sample_listeners:
            listener(news)

    def _faces(self) -> list[ManagedObject]:
        site, fixed = self.site, self.personality.fixed
        datacenter = site.fixed("datacenter", "Datacenter")
        host = site.host

        def folder(word: str, name: str, children: Any) -> Folder:
            return Folder(site, fixed[word], word, name, datacenter, children)

        return [
            ServiceInstance(site),
            Folder(site, site.root.value, "root", "ha-folder-root" if not self.personality.column else "Datacenters", None,
                   lambda: (datacenter,)),
            Datacenter(site, fixed["datacenter"]),
            folder("vm", "vm", host.machine_refs.get),
            folder("host_folder", "host", lambda: (site.fixed("compute", "ComputeResource"),)),
            folder("datastore_folder", "datastore", host.datastore_refs.get),
            folder("network_folder", "network", host.network_refs.get),
            SessionManager(site, self.accounts),
            ViewManager(site),
            SearchIndex(site),
            PropertyCollector(site, self.personality.manager("propertyCollector")[1], self.collectors),
            *content_faces(site),
            *host_faces(site),
        ]  # fmt: skip

    def handler(self) -> Handler:
        """What answers HTTP requests."""
        sdk = Sdk(self.service, self.documents.get)
        return router({"sdk": sdk, "folder": FolderRoom(self.site, self.service.session_of, self.served)})

    async def close(self) -> None:
        """Let go of everything; machines run on."""
        if getattr(self, "_timer", None) is not None and self._timer.active():
            self._timer.cancel()
        for session in self.sessions.all():
            self.sessions.end(session)
        if hasattr(self, "mirror"):
            self.mirror.close()
        # Tasks under way are not cancelled: as after a kill, the next start undoes what their journal holds.
        await self.hypervisor.close()
        await self.store.close()


def first_account(daemon: Daemon) -> Path | None:
    """Make the administrator at the first start; the file that holds a generated password, if one was made."""
    settings, accounts = daemon.settings, daemon.accounts
    if settings.password_file is not None:
        password = settings.password_file.read_text(encoding="utf-8").splitlines()[0]
        accounts.ensure(settings.user, password)
        return settings.password_file
    path = settings.state / "password"
    if not accounts.known(settings.user):
        import secrets

        password = secrets.token_urlsafe(12)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(password + "\n")
        accounts.ensure(settings.user, password)
    return path if path.exists() else None
