"""A simulated host of a shape, filled with running machines.

Law: what is built is what the verbs would have made (files, locks, memory), and building twice gives the same
identities. What all machines have alike is one object, so ten thousand of them stay small.
"""

from __future__ import annotations

import uuid as uuids

import msgspec

from ..records import Controller, DatastoreRecord, Definition, Disk, FilePlace, Host, Machine, Nic, NumaNode, Power
from ..worker import ReactorTime, TimedWorker, Worker
from .conditions import Conditions, Pace
from .figures import guest_facts
from .hypervisor import SimulatedHypervisor
from .shapes import GIB, SHAPES
from .state import MIB, SimulatedMachine
from .tree import StoredDisk, StoredFile

# Not a name of the network: identities of simulated things grow from it.
SEED = uuids.UUID("5f0c0ffe-0000-4000-8000-76696d323500")
DISK = 10 * GIB
WRITTEN = 1 * GIB
MEMORY_MIB = 256
CONTROLLER = Controller(key=1000, model="pvscsi", bus=0)

VMX = """\
.encoding = "UTF-8"
config.version = "8"
virtualHW.version = "21"
displayName = "{name}"
guestOS = "other-64"
numvcpus = "1"
memSize = "{memory}"
uuid.bios = "{bios}"
vc.uuid = "{uuid}"
scsi0.present = "TRUE"
scsi0.virtualDev = "pvscsi"
scsi0:0.present = "TRUE"
scsi0:0.fileName = "{name}.vmdk"
ethernet0.present = "TRUE"
ethernet0.virtualDev = "vmxnet3"
ethernet0.networkName = "{network}"
ethernet0.generatedAddress = "{mac}"
"""


def build_simulated(
    clock: ReactorTime,
    machines: int = 0,
    shape: str = "small",
    worker: Worker | None = None,
    conditions: Conditions | None = None,
    pace: Pace | None = None,
) -> SimulatedHypervisor:
    """A host of `shape` (a key of SHAPES) with that many running machines, `vm-0001` and on, whose agents answer.

    Not open yet. Without `worker` it works by the clock. The hardware grows in powers of two until the machines
    fit. KeyError for an unknown shape.
    """
    what, now = SHAPES[shape], clock.seconds()
    host = msgspec.structs.replace(what.host, uuid=_uuid(f"host {shape}"), booted=now - what.uptime)
    datastores = tuple(
        msgspec.structs.replace(each, id=_uuid(f"datastore {shape} {each.name}")) for each in what.datastores
    )
    host, datastores = _fit(host, datastores, machines)
    hypervisor = SimulatedHypervisor(
        clock, worker or TimedWorker(clock), host, datastores, what.networks, conditions, pace
    )
    _fill(hypervisor, machines, datastores[0].id, what.networks[0].name, now)
    return hypervisor


def _fit(
    host: Host, datastores: tuple[DatastoreRecord, ...], machines: int
) -> tuple[Host, tuple[DatastoreRecord, ...]]:
    factor = 1
    while host.memory * factor < 2 * machines * MEMORY_MIB * MIB or (
        datastores[0].capacity * factor < 2 * machines * WRITTEN
    ):
        factor *= 2
    if factor == 1:
        return host, datastores
    numa = tuple(NumaNode(id=each.id, cpus=each.cpus, memory=each.memory * factor) for each in host.numa)
    first = msgspec.structs.replace(datastores[0], capacity=datastores[0].capacity * factor)
    return msgspec.structs.replace(host, memory=host.memory * factor, numa=numa), (first, *datastores[1:])


def _fill(hypervisor: SimulatedHypervisor, count: int, datastore: str, network: str, now: float) -> None:
    digits = max(4, len(str(count)))
    disk = StoredDisk(capacity=DISK, allocated=WRITTEN, modified=now)
    for number in range(1, count + 1):
        name = f"vm-{number:0{digits}}"
        mac = f"00:50:56:{number >> 16 & 0x3F:02x}:{number >> 8 & 0xFF:02x}:{number & 0xFF:02x}"
        uuid, bios = _uuid(f"machine {name}"), _uuid(f"bios {name}")
        file = FilePlace(datastore=datastore, path=f"{name}/{name}.vmdk")
        definition = Definition(
            uuid=uuid,
            bios_uuid=bios,
            name=name,
            home=FilePlace(datastore=datastore, path=f"{name}/{name}.vmx"),
            guest_id="otherLinux64Guest",
            memory_mib=MEMORY_MIB,
            devices=(
                CONTROLLER,
                Disk(
                    key=2000, controller=CONTROLLER.key, unit=0, file=file, capacity=DISK, uuid=_uuid(f"disk {name}")
                ),
                Nic(key=4000, model="vmxnet3", network=network, mac=mac),
            ),
            created=now,
            changed=now,
        )
        vmx = VMX.format(name=name, memory=MEMORY_MIB, bios=bios, uuid=uuid, network=network, mac=mac)
        hypervisor.storage.plant(
            datastore, name, {f"{name}.vmx": StoredFile(data=vmx.encode(), modified=now), f"{name}.vmdk": disk}
        )
        hypervisor.adopt(
            SimulatedMachine(
                machine=Machine(definition=definition, power=Power.ON, started=now),
                guest=guest_facts(definition),
                agent=True,
                agent_up=True,
                run=1,
                since=now,
            )
        )


def _uuid(of: str) -> str:
    return str(uuids.uuid5(SEED, of))
