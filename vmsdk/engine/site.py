"""One host and what its faces share: its cells and its collaborators, handed to every face of it.

Law: no singleton; a process may hold many sites. A face takes what it needs from here and keeps nothing of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..hypervisor.interface import Hypervisor
from ..hypervisor.records import DatastoreRecord, Host, HostLoad, NetworkRecord
from ..wsdl import MoRef
from .accounts import Accounts
from .authorization import Authorization
from .cells import Cell, Graph
from .claims import Claims
from .custom_fields import CustomFields
from .events import EventLog
from .inventory import Inventory
from .machine import MachineCells
from .machine_events import MachineEvents
from .permissions import Permissions
from .personality import Personality
from .sessions import Sessions
from .spawn import Nursery
from .steps import Steps
from .tasks import Tasks

if TYPE_CHECKING:
    from .samples import Samples


class HostCells:
    """What is known of the host itself."""

    def __init__(self, graph: Graph, host: Host):
        self.host: Cell[Host] = graph.cell(host)
        self.load: Cell[HostLoad] = graph.cell(HostLoad(at=0.0))
        self.connected: Cell[bool] = graph.cell(True)
        self.networks: Cell[tuple[NetworkRecord, ...]] = graph.cell(())
        self.datastores: dict[str, Cell[DatastoreRecord]] = {}
        self.datastore_refs: Cell[tuple[MoRef, ...]] = graph.cell(())
        self.network_refs: Cell[tuple[MoRef, ...]] = graph.cell(())
        self.machine_refs: Cell[tuple[MoRef, ...]] = graph.cell(())


@dataclass
class Site:
    """Everything that the faces of one host stand on."""

    graph: Graph
    clock: Any
    personality: Personality
    inventory: Inventory
    sessions: Sessions
    permissions: Permissions
    claims: Claims
    tasks: Tasks
    nursery: Nursery
    steps: Steps
    hypervisor: Hypervisor
    host: HostCells
    store: Any
    settings: Any
    identity: str  # the host's own UUID, made once
    machines: dict[str, MachineCells] = field(default_factory=dict)  # by uuid
    machine_refs: dict[str, MoRef] = field(default_factory=dict)  # by uuid
    network_numbers: dict[str, MoRef] = field(default_factory=dict)  # by port group name
    datastore_refs: dict[str, MoRef] = field(default_factory=dict)  # by datastore id
    numbers: Any = None  # store.references: allocate(kind, key), forget(kind, key)
    accounts: Accounts = None  # type: ignore[assignment]
    authorization: Authorization = None  # type: ignore[assignment]
    events: EventLog = None  # type: ignore[assignment]
    machine_events: MachineEvents = None  # type: ignore[assignment]
    samples: Samples = None  # type: ignore[assignment]
    custom_fields: CustomFields = None  # type: ignore[assignment]
    refresh_files: Callable[[MachineCells], Awaitable[None]] | None = None

    def fixed(self, word: str, kind: str) -> MoRef:
        """The reference of an object that every host has."""
        return MoRef(kind, self.personality.fixed[word])

    def manager(self, name: str) -> MoRef | None:
        kind, value = self.personality.manager(name)
        return MoRef(kind, value) if value else None

    @property
    def root(self) -> MoRef:
        return MoRef(*self.personality.manager("rootFolder"))

    def datastore_named(self, name: str) -> DatastoreRecord | None:
        for cell in self.host.datastores.values():
            if cell.get().name == name:
                return cell.get()
        return None

    def datastore_name(self, datastore_id: str) -> str:
        cell = self.host.datastores.get(datastore_id)
        return cell.get().name if cell is not None else datastore_id
