"""suds-community, from the WSDL that we serve: the oldest living reader of it, and the one that dies of a type it does not know."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import suds
from suds.cache import NoCache
from suds.client import Client
from suds.sudsobject import Property
from suds.transport.http import HttpTransport

from tests.e2e.server import Server


class Trusting(HttpTransport):
    """Takes one server's certificate and no other."""

    def __init__(self, server: Server):
        super().__init__(timeout=120)
        self._context = server.trusting()

    def u2handlers(self) -> list[Any]:
        return [*super().u2handlers(), urllib.request.HTTPSHandler(context=self._context)]


class Suds:
    """A login through suds. `make(type, …)` makes values; references are strings with an attribute, as its users write them."""

    def __init__(self, server: Server):
        self.client = Client(
            f"{server.url}/vimService.wsdl", location=server.url, transport=Trusting(server), cache=NoCache(), timeout=120
        )
        self.service = self.client.service
        self.content = self.service.RetrieveServiceContent(self.ref("ServiceInstance", "ServiceInstance"))
        self.service.Login(self.content.sessionManager, userName=server.user, password=server.password)

    @staticmethod
    def ref(kind: str, value: str) -> Property:
        made = Property(value)
        made._type = kind
        return made

    def make(self, kind: str, **fields: Any) -> Any:
        made = self.client.factory.create(f"ns0:{kind}")
        for name in [name for name, _ in made if name not in fields]:
            delattr(made, name)  # suds would send what nobody set as empty elements
        for name, value in fields.items():
            setattr(made, name, value)
        return made

    def filter_of(self, ref: Any, *paths: str) -> Any:
        return self.make(
            "PropertyFilterSpec",
            propSet=[self.make("PropertySpec", type=ref._type, pathSet=list(paths))],
            objectSet=[self.make("ObjectSpec", obj=ref)],
        )

    def read(self, ref: Any, *paths: str) -> list[Any]:
        found = self.service.RetrievePropertiesEx(
            self.content.propertyCollector, [self.filter_of(ref, *paths)], self.make("RetrieveOptions")
        )
        values = {p.name: p.val for p in found.objects[0].propSet}
        return [values.get(path) for path in paths]

    def first(self, ref: Any, path: str) -> Any:
        return self.read(ref, path)[0].ManagedObjectReference[0]

    def done(self, task: Any) -> Any:
        """The task's info once it has ended, seen by WaitForUpdates, as clients of its age wait."""
        filter_ref = self.service.CreateFilter(self.content.propertyCollector, self.filter_of(task, "info"), False)
        version, info = "", None
        while info is None or info.state not in ("success", "error"):
            found = self.service.WaitForUpdates(self.content.propertyCollector, version)
            version, info = found.version, found.filterSet[0].objectSet[0].changeSet[0].val
        self.service.DestroyPropertyFilter(filter_ref)
        return info


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Suds]:
    client = Suds(server)
    yield client
    client.service.Logout(client.content.sessionManager)


def test_a_machine_made_and_driven_with_nothing_but_the_served_wsdl(server: Server, client: Suds):
    make, service = client.make, client.service
    datacenter = client.first(client.content.rootFolder, "childEntity")
    folder, host_folder = client.read(datacenter, "vmFolder", "hostFolder")
    [pool] = client.read(client.first(host_folder, "childEntity"), "resourcePool")

    def add(device: Any, **more: Any) -> Any:
        return make("VirtualDeviceConfigSpec", operation="add", device=device, **more)

    backing = make("VirtualDiskFlatVer2BackingInfo", fileName="", diskMode="persistent", thinProvisioned=True)
    network = make("VirtualEthernetCardNetworkBackingInfo", deviceName="VM Network")
    spec = make(
        "VirtualMachineConfigSpec", name="suds", guestId="otherLinux64Guest", numCPUs=1, memoryMB=64,
        files=make("VirtualMachineFileInfo", vmPathName="[datastore1]"),
        deviceChange=[
            add(make("VirtualLsiLogicController", key=-1, busNumber=0, sharedBus="noSharing")),
            add(make("VirtualDisk", key=-2, controllerKey=-1, unitNumber=0, capacityInKB=8192, backing=backing), fileOperation="create"),
            add(make("VirtualE1000e", key=-3, backing=network)),
        ],
    )  # fmt: skip
    info = client.done(service.CreateVM_Task(folder, spec, pool))
    assert info.state == "success"
    vm = info.result
    assert vm._type == "VirtualMachine" and (server.datastore / "suds" / "suds-flat.vmdk").stat().st_size == 8 << 20

    hardware, identity, summary = client.read(vm, "config.hardware", "config.instanceUuid", "summary")
    assert {"VirtualLsiLogicController", "VirtualDisk", "VirtualE1000e"} <= {type(d).__name__ for d in hardware.device}
    assert summary.config.name == "suds"

    assert client.done(service.PowerOnVM_Task(vm)).state == "success"
    assert client.read(vm, "runtime.powerState") == ["poweredOn"] and len(server.qemus_of(identity)) == 1
    again = client.done(service.PowerOnVM_Task(vm))
    assert (type(again.error.fault).__name__, again.error.fault.existingState) == ("InvalidPowerState", "poweredOn")
    assert client.done(service.PowerOffVM_Task(vm)).state == "success"
    assert client.done(service.Destroy_Task(vm)).state == "success"
    assert not (server.datastore / "suds").exists() and server.qemus_of(identity) == []
    with pytest.raises(suds.WebFault) as caught:
        service.PowerOnVM_Task(vm)
    assert "has already been deleted" in caught.value.fault.faultstring
    assert caught.value.fault.detail.ManagedObjectNotFoundFault.obj.value == vm.value


@pytest.mark.parametrize("kind", ["HostSystem", "ComputeResource", "Datastore", "Network", "VirtualMachine"])
def test_everything_that_a_read_of_all_properties_brings_is_known_to_suds(client: Suds, machine, kind):
    if kind == "VirtualMachine":
        machine("all", network="VM Network")
    view = client.service.CreateContainerView(client.content.viewManager, client.content.rootFolder, [kind], True)
    walk = client.make("TraversalSpec", type="ContainerView", path="view", skip=False)
    spec = client.make(
        "PropertyFilterSpec",
        propSet=[client.make("PropertySpec", type=kind, all=True)],
        objectSet=[client.make("ObjectSpec", obj=view, skip=True, selectSet=[walk])],
    )
    found = client.service.RetrievePropertiesEx(client.content.propertyCollector, [spec], client.make("RetrieveOptions"))
    assert found.objects and all(o.obj._type == kind and len(o.propSet) > 3 for o in found.objects)
    client.service.DestroyView(view)
