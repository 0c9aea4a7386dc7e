"""A Site without a server: cells filled from records, fakes for what reaches outside. For tests of faces alone.

`small_site()` is a host of the simulated shapes (`small`, `large`) or of a given Host record; nothing runs, no reactor turns.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from twisted.internet.task import Clock

from vmsdk.config import Settings
from vmsdk.engine.call import Call
from vmsdk.engine.cells import Graph
from vmsdk.engine.claims import Claims
from vmsdk.engine.inventory import Inventory
from vmsdk.engine.machine import MachineCells
from vmsdk.engine.managed_object import ManagedObject
from vmsdk.engine.permissions import ADMIN, Permission, Permissions
from vmsdk.engine.personality import PERSONALITIES
from vmsdk.engine.sessions import Sessions
from vmsdk.engine.site import HostCells, Site
from vmsdk.engine.spawn import Nursery
from vmsdk.engine.steps import Steps
from vmsdk.engine.tasks import Tasks
from vmsdk.hypervisor.records import DatastoreRecord, Host, HostLoad, Machine, NetworkRecord
from vmsdk.hypervisor.simulated import SHAPES
from vmsdk.store.store import Store
from vmsdk.wsdl import CONTRACT, MoRef
from vmsdk.wsdl.codec.encode import Encoder

NOW = 1_700_000_000.0
CALL = Call(session=None, version=CONTRACT.default_version)
IDENTITY = "11111111-2222-4333-8444-555555555555"


class FakeHypervisor:
    """Answers what faces ask; has nothing behind it."""

    def __init__(self, host: Host, networks: tuple[NetworkRecord, ...]):
        self.now_host, self.now_networks = host, networks

    async def host(self) -> Host:
        return self.now_host

    async def networks(self) -> tuple[NetworkRecord, ...]:
        return self.now_networks


def small_site(
    shape: str = "small",
    *,
    host: Host | None = None,
    networks: tuple[NetworkRecord, ...] | None = None,
    datastores: tuple[DatastoreRecord, ...] | None = None,
    machines: tuple[Machine, ...] = (),
    personality: str = "HostAgent",
    store: Store | None = None,
    **settings: Any,
) -> Site:
    """A Site with its inventory empty: add the faces that the test is about (`put`)."""
    what = SHAPES[shape]
    clock = Clock()
    clock.advance(NOW)
    graph = Graph(lambda call: clock.callLater(0, call), CONTRACT.default_version)
    side, store = PERSONALITIES[personality], store or Store.in_memory()
    root = MoRef(*side.manager("rootFolder"))
    nobody: Any = lambda *_: None  # noqa: E731
    networks = what.networks if networks is None else networks
    host = host or msgspec.structs.replace(what.host, uuid=IDENTITY, booted=NOW - what.uptime)
    site = Site(
        graph=graph, clock=clock, personality=side, inventory=Inventory(graph), sessions=Sessions(clock, graph, side.idle_seconds),
        permissions=Permissions(graph, root, (Permission(entity=root, principal="root", group=False, role=ADMIN),)),
        claims=Claims(), tasks=Tasks(graph, clock, side.task, nobody, nobody, nobody, store.history.next_number), nursery=Nursery(),
        steps=Steps(store.intents, {}), hypervisor=FakeHypervisor(host, networks),  # type: ignore[arg-type]
        host=HostCells(graph, host), store=store, settings=Settings(state=Path("state"), personality=personality, **settings),
        identity=IDENTITY, numbers=store.references,
    )  # fmt: skip
    site.host.load.set(HostLoad(at=1.0, cpu=1.5, memory_used=3 << 30, uptime=what.uptime))
    site.host.networks.set(networks)
    for number, network in enumerate(networks, 1):
        site.network_numbers[network.name] = MoRef("Network", side.network(number, network.name))
    site.host.network_refs.set(tuple(site.network_numbers.values()))
    given = tuple(msgspec.structs.replace(d, id=f"store-{d.name}") for d in what.datastores) if datastores is None else datastores
    for number, record in enumerate(given, 1):
        site.host.datastores[record.id] = graph.cell(record)
        site.datastore_refs[record.id] = MoRef("Datastore", side.datastore(number, record.id))
    site.host.datastore_refs.set(tuple(site.datastore_refs.values()))
    for number, machine in enumerate(machines, 1):
        uuid = machine.definition.uuid
        site.machines[uuid] = MachineCells(graph, number, machine)
        site.machine_refs[uuid] = MoRef("VirtualMachine", side.machine(number))
    site.host.machine_refs.set(tuple(site.machine_refs.values()))
    return site


def put(site: Site, faces: list[ManagedObject]) -> list[ManagedObject]:
    """Into the inventory, as the server does: what is there already stays."""
    for face in faces:
        if site.inventory.get(face.ref.value) is None:
            site.inventory.add(face)
    return faces


def strict_encoder(version: int = CONTRACT.default_version) -> Encoder:
    """An encoder that raises where a required member is unset."""

    def missing(type_name: str, member: str) -> None:
        raise AssertionError(f"{type_name}.{member} is required and unset")

    return Encoder(version, on_missing=missing)


def encoded(face: ManagedObject, name: str, encoder: Encoder | None = None) -> str | None:
    """A property as it goes out; None when unset. Raises what a real server would only note."""
    member = face.kind.properties[name]
    value = face.read(name, CALL)
    if value is None:
        return None
    return (encoder or strict_encoder()).value(name, member.type, member.array, value)
