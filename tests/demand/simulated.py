"""A simulated host on which every demanded object exists, and what a client is told of one object of each type.

Law: two such hosts are told apart by their shape and by what a client asked for, never by chance.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from tests.lab import Lab, Proxy
from vmsdk.hypervisor.records import Guest, GuestAddress, GuestDisk, GuestNic
from vmsdk.wsdl import MoRef, vim

from .tables import Key, demanded

# What the client of each host asks for: everything that it can choose, chosen otherwise.
ORDERS: dict[str, dict[str, Any]] = {
    "small": {
        "name": "web", "cpus": 1, "cores": 1, "memory": 128, "guest": "otherLinux64Guest", "firmware": "bios", "version": "vmx-21",
        "notes": "one", "hot": False, "limit": -1, "reserved": 0, "shares": "normal", "disk_mib": 64, "order": "disk",
        "thin": True, "uuid": "52a0d5f7-0000-4000-8000-000000000001", "waits": 100.0,
    },
    "large": {
        "name": "database", "cpus": 4, "cores": 2, "memory": 2048, "guest": "windows2019srv_64Guest", "firmware": "efi",
        "version": "vmx-19", "notes": "two", "hot": True, "limit": 5000, "reserved": 100, "shares": "high", "disk_mib": 128,
        "order": "net", "thin": False, "uuid": "52a0d5f7-0000-4000-8000-000000000002", "waits": 200.0,
    },
}  # fmt: skip
BOOT = {"disk": vim.VirtualMachineBootOptionsBootableDiskDevice, "net": vim.VirtualMachineBootOptionsBootableEthernetDevice}


class Host:
    """A lab of a shape with one machine that runs, one finished task that failed, one view."""

    def __init__(self, folder: Path, shape: str, **settings: Any):
        folder.mkdir(exist_ok=True)
        self.shape, self.order = shape, ORDERS[shape]
        self.lab = Lab(folder, shape=shape, **settings)
        site = self.lab.daemon.site
        self.datastore = next(reversed(site.host.datastores.values())).get().name
        self.network = site.host.networks.get()[-1].name
        self.lab.advance(self.order["waits"])
        self.vm = self._machine()
        self.created = self.lab.daemon.tasks.recent.get()[0]
        self.lab.run(self.vm, "PowerOnVM_Task")
        self._guest()
        self.failed = self.lab.call(self.vm, "PowerOnVM_Task").ref
        self.lab.advance(self.order["waits"])
        self.lab.step()
        self.view = self.lab.root.call(
            self.lab.daemon.site.manager("viewManager"), "CreateContainerView", container=site.root,
            type=["VirtualMachine"], recursive=True,
        )  # fmt: skip
        content = self.lab.get(MoRef("ServiceInstance", "ServiceInstance"), "content")
        self.collectors = history_collectors(self.lab.root, content)

    def _machine(self) -> Proxy:
        o, lab = self.order, self.lab
        share = vim.SharesInfo(level=o["shares"], shares=0)
        allocation = vim.ResourceAllocationInfo(limit=o["limit"], reservation=o["reserved"], shares=share)
        boot = [BOOT[o["order"]](deviceKey=2000 if o["order"] == "disk" else 4000)]
        spec = lab.spec(
            o["name"], disk_kb=o["disk_mib"] << 10, network=self.network, memoryMB=o["memory"], guestId=o["guest"],
            files=vim.VirtualMachineFileInfo(vmPathName=f"[{self.datastore}]"), annotation=o["notes"], firmware=o["firmware"],
            version=o["version"], cpuHotAddEnabled=o["hot"], cpuHotRemoveEnabled=o["hot"], numCoresPerSocket=o["cores"],
            cpuAllocation=allocation, memoryAllocation=allocation,
            bootOptions=vim.VirtualMachineBootOptions(bootOrder=boot), instanceUuid=o["uuid"], uuid=o["uuid"].replace("52", "56"),
        )  # fmt: skip
        spec.numCPUs = o["cpus"]
        spec.deviceChange[1].device.backing.thinProvisioned = o["thin"]
        return Proxy(lab.root, lab.run(lab.folder, "CreateVM_Task", config=spec, pool=lab.pool))

    def _guest(self) -> None:
        """An agent appears in the running machine."""
        number, o = list(ORDERS).index(self.shape), self.order
        mac = next(d.macAddress for d in self.vm.config.hardware.device if isinstance(d, vim.VirtualEthernetCard))
        told = Guest(
            agent=True, agent_version=f"7.2.{number}", hostname=o["name"], os_id="debian", os_name=f"Linux {number}",
            nics=(GuestNic(name="eth0", mac=mac, addresses=(GuestAddress(address=f"192.0.2.{number}", prefix=24),)),),
            disks=(GuestDisk(mount="/", capacity=o["disk_mib"] << 20, free=number << 20),),
        )  # fmt: skip
        self.lab.hypervisor.install_agent(self.vm.config.instanceUuid, True, told)
        self.lab.step()

    def objects(self, kind: str) -> list[MoRef]:
        """The objects of a type: first the one that speaks for the type."""
        [network] = self.vm.network
        own = {
            "Task": [self.failed], "VirtualMachine": [self.vm.ref], "ContainerView": [self.view], "Network": [network],
            "ManagedEntity": [self.vm.ref], **self.collectors,
        }  # fmt: skip
        found = own.get(kind, [])
        return [*found, *(face.ref for face in self.lab.daemon.inventory if face.ref.type == kind and face.ref not in found)]

    def told(self, key: Key) -> list[Any]:
        """The values of a path that are set, of all objects of its type, in their order; `<all>` gives names."""
        found = []
        for ref in self.objects(key.type):
            if key.path == "<all>":
                found.append(everything(self.lab.root, ref))
            elif (value := self.lab.get(ref, key.path)) is not None:
                found.append(value)
        return found

    def all_told(self) -> dict[Key, list[Any]]:
        return {key: self.told(key) for key in demanded()}


def everything(client: Any, ref: MoRef) -> dict[str, Any]:
    """All properties of an object that are set, as one answer."""
    spec = vim.PropertyFilterSpec(propSet=[vim.PropertySpec(type=ref.type, all=True)], objectSet=[vim.ObjectSpec(obj=ref)])
    result = client.call(client.collector, "RetrievePropertiesEx", specSet=[spec], options=vim.RetrieveOptions())
    assert not result.objects[0].missingSet, result.objects[0].missingSet
    return {one.name: one.val for one in result.objects[0].propSet}


def history_collectors(client: Any, content: Any) -> dict[str, list[MoRef]]:
    """A collector of all events and one of all tasks, by type."""
    found: dict[str, list[MoRef]] = {}
    for manager, method, kind in (
        (content.eventManager, "CreateCollectorForEvents", vim.EventFilterSpec),
        (content.taskManager, "CreateCollectorForTasks", vim.TaskFilterSpec),
    ):
        with contextlib.suppress(vim.NotImplemented):
            ref = client.call(manager, method, filter=kind())
            found[ref.type] = [ref]
    return found
