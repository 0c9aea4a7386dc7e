"""Making a machine: what a person names becomes the specification that the contract wants.

Law: only what was asked for is in it, the rest is the server's choice. Sizes in bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .errors import Problem
from .session import Session

_IDE = 200  # key of the IDE controller that every machine has from the start
_SCSI = -1


def create(
    session: Session,
    name: str,
    *,
    memory: int = 1 << 30,
    cpus: int = 1,
    disks: Sequence[int] = (),
    iso: str | None = None,
    networks: Sequence[str] = (),
    datastore: str | None = None,
    guest: str = "otherGuest64",
) -> Any:
    """The task that makes the machine in the first datacenter; its result is the machine. Problem where nothing fits."""
    make = session.make
    devices = [*_disks(session, disks), *_cards(session, networks), *([_cd(session, iso)] if iso else [])]
    if datastore is None:
        datastore = str(_first(session, "Datastore", "name")["name"])
    spec = make(
        "VirtualMachineConfigSpec", name=name, guestId=guest, numCPUs=cpus, memoryMB=max(1, memory >> 20),
        files=make("VirtualMachineFileInfo", vmPathName=f"[{datastore}]"), deviceChange=devices,
    )  # fmt: skip
    folder = _first(session, "Datacenter", "vmFolder")["vmFolder"]
    pool = _first(session, "ComputeResource", "resourcePool")["resourcePool"]
    return session.call("CreateVM_Task", folder, config=spec, pool=pool)


def _first(session: Session, kind: str, path: str) -> Any:
    found = session.find(kind, path)
    if not found:
        raise Problem(f"the server shows no {kind}", "log in as a user who may see one")
    return found[0]


def _add(session: Session, device: Any, **more: Any) -> Any:
    return session.make("VirtualDeviceConfigSpec", operation="add", device=device, **more)


def _disks(session: Session, sizes: Sequence[int]) -> list[Any]:
    if not sizes:
        return []
    make = session.make
    devices = [_add(session, make("ParaVirtualSCSIController", key=_SCSI, busNumber=0, sharedBus="noSharing"))]
    for number, size in enumerate(sizes):
        unit = number + (number >= 7)  # the controller itself is unit 7
        backing = make("VirtualDiskFlatVer2BackingInfo", fileName="", diskMode="persistent", thinProvisioned=True)
        disk = make("VirtualDisk", key=-10 - number, controllerKey=_SCSI, unitNumber=unit, capacityInKB=-(-size // 1024), backing=backing)
        devices.append(_add(session, disk, fileOperation="create"))
    return devices


def _cards(session: Session, networks: Sequence[str]) -> list[Any]:
    if not networks:
        return []
    there = sorted(str(f["name"]) for f in session.find("Network", "name"))
    cards = []
    for number, network in enumerate(networks):
        if network not in there:
            raise Problem(f"there is no network {network!r}", f"there are: {', '.join(there)}")
        backing = session.make("VirtualEthernetCardNetworkBackingInfo", deviceName=network)
        cards.append(_add(session, session.make("VirtualVmxnet3", key=-30 - number, addressType="generated", backing=backing)))
    return cards


def _cd(session: Session, iso: str) -> Any:
    make = session.make
    connectable = make("VirtualDeviceConnectInfo", startConnected=True, allowGuestControl=True, connected=False)
    return _add(session, make(
        "VirtualCdrom", key=-50, controllerKey=_IDE, unitNumber=0, backing=make("VirtualCdromIsoBackingInfo", fileName=iso),
        connectable=connectable,
    ))  # fmt: skip
