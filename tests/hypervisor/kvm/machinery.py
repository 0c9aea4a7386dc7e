"""What the tests of real machines stand on: a root for the embedded driver, a guest of one sector, hands past us.

Law: one root per process (libvirt allows no more), short, removed at the end with every QEMU in it. What libvirt
finds out about QEMU (8 s) is kept in the user's cache between runs; it checks by itself whether that still holds.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import tempfile
import time
import uuid as uuids
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import libvirt
import msgspec
from twisted.internet.threads import deferToThread

from tests.guest.build import build
from tests.hypervisor.bed import Bed, Ear
from tests.hypervisor.driving import ReactorThread
from vmsdk.hypervisor.kvm.backend import KvmHypervisor
from vmsdk.hypervisor.records import (
    AnyDevice,
    BootEntry,
    Controller,
    Definition,
    Disk,
    NetworkRecord,
    Nic,
    Optical,
)

LIMIT = 240.0
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vmsdk" / "qemu-capabilities"

# Says R on the serial line again and again until it reads a byte there; q ends the machine by ACPI.
SERIAL_GUEST = bytes.fromhex(
    "fa31c08ed8bafd03eca82074fbbaf803b052ee"  # say R
    "b90010bafd03eca8017504e2f6ebe3"  # look; nothing there after a while: say it again
    "baf803ec3c7175db"  # read; no q: say it again
    "ba0406b80020efebfe"  # the PIIX4's PM1 control: off, then wait for it
)


class Root:
    """A folder for the embedded driver, a datastore and our state."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="vms-", dir="/tmp"))
        self.path.chmod(0o711)  # a daemon's QEMU runs as someone else
        self.uri = f"qemu:///embed?root={self.path}/root"
        self.state, self.datastore = self.path / "state", self.path / "ds"
        self.datastore.mkdir()
        capabilities = self.path / "root" / "cache" / "qemu" / "capabilities"
        if CACHE.is_dir():
            shutil.copytree(CACHE, capabilities)

    def keep_capabilities(self) -> None:
        found = self.path / "root" / "cache" / "qemu" / "capabilities"
        if found.is_dir() and not CACHE.is_dir():
            CACHE.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(found, CACHE, dirs_exist_ok=True)

    def remove(self) -> None:
        """End every QEMU that runs in here, then the folder."""
        for pid in processes_of(str(self.path)):
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.path, ignore_errors=True)


def processes_of(word: str) -> list[int]:
    """QEMU processes with `word` in their command line."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                line = Path(f"/proc/{entry}/cmdline").read_bytes()
            except OSError:
                continue
            if line.startswith(b"/usr/bin/qemu-system") and word.encode() in line:
                found.append(int(entry))
    return found


def hypervisor_on(reactor: Any, root: Root, **words: Any) -> KvmHypervisor:
    return KvmHypervisor(
        reactor, root.uri, str(root.state), [("ds1", str(root.datastore))],
        networks=(NetworkRecord(name="VM Network"), NetworkRecord(name="second")), **words,
    )  # fmt: skip


class SerialLine:
    """The other end of a machine's serial console."""

    def __init__(self, path: str):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(LIMIT)
        self._socket.connect(path)

    def until(self, *wanted: bytes) -> bytes:
        """Everything up to the last of what is wanted; AssertionError at a limit."""
        said, end = b"", time.monotonic() + LIMIT
        while missing := [word for word in wanted if word not in said]:
            assert time.monotonic() < end, f"no {missing!r}, only {said[-300:]!r}"
            piece = self._socket.recv(4096)
            assert piece, f"the console was closed after {said[-300:]!r}"
            said += piece
        return said

    def say(self, data: bytes) -> None:
        self._socket.sendall(data)

    def close(self) -> None:
        self._socket.close()


class KvmBed(Bed):
    """Real machines whose only software is one boot sector that listens on the serial line."""

    hypervisor: KvmHypervisor
    network = "VM Network"

    def __init__(self, thread: ReactorThread, hypervisor: KvmHypervisor, root: Root):
        super().__init__()
        self.thread, self.hypervisor, self.root = thread, hypervisor, root
        self.ear = thread.call(lambda: Ear(hypervisor))
        [store] = thread.run(hypervisor.storage.datastores())
        self.datastore = store.id

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.thread.run(coroutine, LIMIT)

    def file(self, path: str) -> Path:
        """A place of the datastore as a path of this host."""
        return self.root.datastore / path

    async def machine(self, **changes: Any) -> Definition:
        definition = await super().machine(**changes)
        for device in definition.devices:
            if isinstance(device, Disk):
                self.make_bootable(device)
                break
        return definition

    def make_bootable(self, disk: Disk) -> None:
        with self.file(disk.file.path.replace(".vmdk", "-flat.vmdk")).open("r+b") as file:
            file.write(SERIAL_GUEST.ljust(510, b"\0") + b"\x55\xaa")

    def serial(self, uuid: str) -> SerialLine:
        return SerialLine(str(self.root.path / "root" / "consoles" / f"{uuid}.serial"))

    async def guest_powers_off(self, uuid: str) -> None:
        await deferToThread(self._power_off, uuid)

    def _power_off(self, uuid: str) -> None:
        line = self.serial(uuid)
        line.until(b"R")
        line.say(b"q")
        line.close()

    def past_us(self) -> libvirt.virConnect:
        """Another connection to the same driver."""
        return libvirt.open(self.root.uri)

    async def someone_defines(self, name: str) -> str:
        uuid = str(uuids.uuid4())
        self.past_us().defineXML(f"""
            <domain type='qemu'><name>{name}</name><uuid>{uuid}</uuid><memory unit='MiB'>32</memory><vcpu>1</vcpu>
            <os><type arch='x86_64' machine='pc'>hvm</type></os></domain>""")
        return uuid

    async def someone_starts(self, uuid: str) -> None:
        self.past_us().lookupByUUIDString(uuid).create()

    async def guest_machine(self, devices: tuple[AnyDevice, ...], **changes: Any) -> Definition:
        """A machine, off, with the test guest's CD on IDE and these devices besides; their disks are made."""
        folder = await self.folder()
        shutil.copyfile(build(), self.file(f"{folder}/guest.iso"))
        cd = Optical(
            key=3000, controller=200, unit=0, backing="iso", file=self.place(f"{folder}/guest.iso"), connected=True,
            start_connected=True,
        )  # fmt: skip
        placed = tuple(
            msgspec.structs.replace(one, file=self.place(f"{folder}/{one.file.path}"))
            if isinstance(one, Disk)
            else one
            for one in devices
        )
        for device in placed:
            if isinstance(device, Disk):
                await self.hypervisor.storage.create_disk(device.file, device.capacity, device.thin)
        changes.setdefault("memory_mib", 192)
        changes.setdefault("boot_order", (BootEntry(kind="optical"),))
        definition = self.definition(folder, devices=(Controller(key=200, model="ide"), *placed, cd), **changes)
        self.made.append(definition.uuid)
        await self.hypervisor.define(definition)
        return definition

    async def machine_with_agent(self) -> Definition:
        definition = await self.guest_machine(
            (Nic(key=4000, model="vmxnet3", network=self.network, mac="00:50:56:01:02:05"),)
        )
        await self.hypervisor.start(definition.uuid)
        await self.ear.until_agent(definition.uuid)
        return definition
