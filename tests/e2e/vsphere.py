"""pyVmomi as its users hold it: connect, find, build a spec, wait. Used by the tests of every client for what is not theirs.

Law: waits are the server's own long polls with a limit; nothing sleeps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyVim.connect import Disconnect, SmartConnect
from pyVim.task import WaitForTask
from pyVmomi import vim, vmodl

from tests.e2e.server import Server

LIMIT = 90.0  # seconds for a guest to do something


class Host:
    """One login. `si`, `content`, and the fixed objects of a host."""

    def __init__(self, server: Server, si: Any):
        self.server, self.si, self.content = server, si, si.RetrieveContent()
        self.datacenter = self.content.rootFolder.childEntity[0]
        self.folder = self.datacenter.vmFolder
        compute = self.datacenter.hostFolder.childEntity[0]
        self.pool, self.host = compute.resourcePool, compute.host[0]
        self.datastore = self.datacenter.datastore[0]

    @property
    def machines(self) -> list[Any]:
        return list(self.folder.childEntity)

    def named(self, name: str) -> Any:
        return next((vm for vm in self.machines if vm.name == name), None)

    def create(self, name: str, **words: Any) -> Any:
        """A machine, off."""
        return self.done(self.folder.CreateVM_Task(spec(name, self.datastore.name, **words), self.pool))

    def done(self, task: Any) -> Any:
        """The task's result; its fault is raised."""
        WaitForTask(task, si=self.si)
        return task.info.result

    def until(self, entity: Any, path: str, wanted: Callable[[Any], bool] | Any, limit: float = LIMIT) -> Any:
        """The first value of a property for which `wanted` (a value or a test of one) holds, seen by WaitForUpdatesEx."""
        test = wanted if callable(wanted) else lambda value: value == wanted
        seen: list[Any] = []
        with self.watch(entity, path) as updates:
            for _, value in updates(limit):
                seen.append(value)
                if test(value):
                    return value
        raise AssertionError(f"{path} of {entity} did not come to that within {limit:.0f} s: {seen[-5:]}")

    @contextmanager
    def watch(self, entity: Any, *paths: str) -> Iterator[Callable[[float], Iterator[tuple[str, Any]]]]:
        """A function that gives (path, value) as they change until a limit in seconds; the first values come at once."""
        collector = self.content.propertyCollector.CreatePropertyCollector()
        pc = vmodl.query.PropertyCollector
        collector.CreateFilter(
            pc.FilterSpec(
                objectSet=[pc.ObjectSpec(obj=entity)], propSet=[pc.PropertySpec(type=type(entity), pathSet=list(paths))]
            ),
            False,
        )
        version = [""]

        def updates(limit: float) -> Iterator[tuple[str, Any]]:
            end = time.monotonic() + limit
            while (left := end - time.monotonic()) > 0:
                options = pc.WaitOptions(maxWaitSeconds=max(1, min(20, int(left))))
                found = collector.WaitForUpdatesEx(version[0], options)
                if found is None:
                    continue
                version[0] = found.version
                for change in (c for f in found.filterSet for o in f.objectSet for c in o.changeSet):
                    yield change.name, change.val

        try:
            yield updates
        finally:
            collector.DestroyPropertyCollector()

    def destroy(self, vm: Any) -> None:
        """Off, if it is on, and gone."""
        if vm.runtime.powerState == "poweredOn":
            self.done(vm.PowerOffVM_Task())
        self.done(vm.Destroy_Task())


def flat(server: Server, vm: vim.VirtualMachine) -> Path:
    """Where the bytes of a machine's first disk lie."""
    disk = next(d for d in vm.config.hardware.device if isinstance(d, vim.vm.device.VirtualDisk))
    return server.datastore / disk.backing.fileName.partition("] ")[2].replace(".vmdk", "-flat.vmdk")


def connect(server: Server, version: str | None = None) -> Host:
    """Log in over TLS, trusting this server's certificate only. `version` is such as vim25/6.5."""
    words = {"version": version} if version else {}
    return Host(
        server,
        SmartConnect(
            host=server.host, port=server.port, user=server.user, pwd=server.password, sslContext=server.trusting(), **words
        ),
    )


@contextmanager
def connected(server: Server, version: str | None = None) -> Iterator[Host]:
    host = connect(server, version)
    try:
        yield host
    finally:
        Disconnect(host.si)


def spec(
    name: str, datastore: str, disk_mib: int = 8, iso: str = "", network: str = "", memory: int = 64, **more: Any
) -> Any:
    """A machine with a disk on a paravirtual controller; with a CD-ROM when `iso` names one, a card when `network` does."""
    device, add = vim.vm.device, "add"
    changes = [device.VirtualDeviceSpec(operation=add, device=device.ParaVirtualSCSIController(key=-1, sharedBus="noSharing"))]
    if disk_mib:
        backing = device.VirtualDisk.FlatVer2BackingInfo(fileName="", diskMode="persistent", thinProvisioned=True)
        disk = device.VirtualDisk(key=-2, controllerKey=-1, unitNumber=0, capacityInKB=disk_mib << 10, backing=backing)
        changes.append(device.VirtualDeviceSpec(operation=add, fileOperation="create", device=disk))
    if iso:
        backing = device.VirtualCdrom.IsoBackingInfo(fileName=f"[{datastore}] {iso}")
        connectable = device.VirtualDevice.ConnectInfo(startConnected=True, connected=True, allowGuestControl=True)
        cd = device.VirtualCdrom(key=-3, controllerKey=200, unitNumber=0, backing=backing, connectable=connectable)
        changes.append(device.VirtualDeviceSpec(operation=add, device=cd))
    if network:
        backing = device.VirtualEthernetCard.NetworkBackingInfo(deviceName=network)
        changes.append(device.VirtualDeviceSpec(operation=add, device=device.VirtualVmxnet3(key=-4, backing=backing)))
    files = vim.vm.FileInfo(vmPathName=f"[{datastore}]")
    facts = {"guestId": "otherLinux64Guest", "numCPUs": 1, "memoryMB": memory, "files": files, "deviceChange": changes, **more}
    return vim.vm.ConfigSpec(name=name, **facts)
