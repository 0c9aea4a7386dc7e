"""zeep, from the WSDL that we serve and from nothing else: what is not in the documents, or not sent as they say, fails here.

zeep is strict about answers too: an element that its schema does not have is an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import zeep
from zeep.transports import Transport

from tests.e2e.server import Server

ENVELOPE = "{http://schemas.xmlsoap.org/soap/envelope/}"


class Zeep:
    """A login through zeep. `call(method, ref, …)` calls; `make(type, …)` makes values of the served schema."""

    def __init__(self, server: Server):
        session = requests.Session()
        session.trust_env = False  # an environment's CA bundle would win over ours
        session.verify = str(server.certificate)
        self.client = zeep.Client(f"{server.url}/vimService.wsdl", transport=Transport(session=session))
        self._types = self.client.type_factory("urn:vim25")
        self.content = self.call("RetrieveServiceContent", self.ref("ServiceInstance", "ServiceInstance"))
        self.call("Login", self.content.sessionManager, userName=server.user, password=server.password)

    def ref(self, kind: str, value: str) -> Any:
        return self._types.ManagedObjectReference(value, type=kind)

    def make(self, kind: str, **fields: Any) -> Any:
        return getattr(self._types, kind)(**fields)

    def call(self, method: str, ref: Any, **arguments: Any) -> Any:
        return getattr(self.client.service, method)(_this=ref, **arguments)

    def read(self, ref: Any, *paths: str) -> list[Any]:
        """The values of some properties, in order; None where unset."""
        spec = self.make(
            "PropertyFilterSpec",
            propSet=[self.make("PropertySpec", type=ref.type, pathSet=list(paths))],
            objectSet=[self.make("ObjectSpec", obj=ref)],
        )
        found = self.call(
            "RetrievePropertiesEx", self.content.propertyCollector, specSet=[spec], options=self.make("RetrieveOptions")
        )
        values = {p.name: p.val for p in found.objects[0].propSet}
        return [values.get(path) for path in paths]

    def first(self, ref: Any, path: str) -> Any:
        """The first reference of a list property."""
        return self.read(ref, path)[0].ManagedObjectReference[0]

    def done(self, task: Any) -> Any:
        """The task's TaskInfo once it has ended, seen by WaitForUpdatesEx."""
        collector = self.call("CreatePropertyCollector", self.content.propertyCollector)
        spec = self.make(
            "PropertyFilterSpec",
            propSet=[self.make("PropertySpec", type="Task", pathSet=["info.state"])],
            objectSet=[self.make("ObjectSpec", obj=task)],
        )
        self.call("CreateFilter", collector, spec=spec, partialUpdates=True)
        version, state = "", None
        while state not in ("success", "error"):
            options = self.make("WaitOptions", maxWaitSeconds=60)
            found = self.call("WaitForUpdatesEx", collector, version=version, options=options)
            assert found is not None, "nothing happened within 60 s"
            version = found.version
            state = found.filterSet[0].objectSet[0].changeSet[-1].val
        self.call("DestroyPropertyCollector", collector)
        [info] = self.read(task, "info")
        assert info.state == state
        return info


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Zeep]:
    client = Zeep(server)
    yield client
    client.call("Logout", client.content.sessionManager)


def test_a_machine_made_and_driven_with_nothing_but_the_served_wsdl(server: Server, client: Zeep):
    make, call = client.make, client.call
    datacenter = client.first(client.content.rootFolder, "childEntity")
    folder, host_folder = client.read(datacenter, "vmFolder", "hostFolder")
    [pool] = client.read(client.first(host_folder, "childEntity"), "resourcePool")

    def add(device: Any, **more: Any) -> Any:
        return make("VirtualDeviceConfigSpec", operation="add", device=device, **more)

    backing = make("VirtualDiskFlatVer2BackingInfo", fileName="", diskMode="persistent", thinProvisioned=True)
    network = make("VirtualEthernetCardNetworkBackingInfo", deviceName="VM Network")
    spec = make(
        "VirtualMachineConfigSpec", name="zeep", guestId="otherLinux64Guest", numCPUs=1, memoryMB=64,
        files=make("VirtualMachineFileInfo", vmPathName="[datastore1]"),
        deviceChange=[
            add(make("ParaVirtualSCSIController", key=-1, busNumber=0, sharedBus="noSharing")),
            add(make("VirtualDisk", key=-2, controllerKey=-1, unitNumber=0, capacityInKB=8192, backing=backing), fileOperation="create"),
            add(make("VirtualE1000", key=-3, backing=network)),
        ],
    )  # fmt: skip
    info = client.done(call("CreateVM_Task", folder, config=spec, pool=pool))
    assert (info.state, info.descriptionId) == ("success", "Folder.createVm")
    vm = info.result
    assert (server.datastore / "zeep" / "zeep-flat.vmdk").stat().st_size == 8 << 20

    hardware, summary, identity = client.read(vm, "config.hardware", "summary", "config.instanceUuid")
    kinds = {type(d).__name__ for d in hardware.device}
    assert {"VirtualIDEController", "ParaVirtualSCSIController", "VirtualDisk", "VirtualE1000", "VirtualKeyboard"} <= kinds
    assert (summary.config.name, summary.runtime.powerState) == ("zeep", "poweredOff")

    assert client.done(call("PowerOnVM_Task", vm)).state == "success"
    assert client.read(vm, "runtime.powerState") == ["poweredOn"] and len(server.qemus_of(identity)) == 1
    again = client.done(call("PowerOnVM_Task", vm))
    assert (again.state, type(again.error.fault).__name__) == ("error", "InvalidPowerState")
    assert again.error.fault.existingState == "poweredOn"

    assert client.done(call("PowerOffVM_Task", vm)).state == "success"
    assert client.done(call("Destroy_Task", vm)).state == "success"
    assert not (server.datastore / "zeep").exists() and server.qemus_of(identity) == []
    with pytest.raises(zeep.exceptions.Fault) as caught:
        call("PowerOnVM_Task", vm)
    detail = client.client.wsdl.types.deserialize(caught.value.detail[0])
    assert (type(detail).__name__, detail.obj["_value_1"]) == ("ManagedObjectNotFound", vm["_value_1"])


@pytest.mark.parametrize(
    "reference",
    [
        "rootFolder", "propertyCollector", "viewManager", "setting", "userDirectory", "sessionManager", "authorizationManager",
        "perfManager", "eventManager", "taskManager", "diagnosticManager", "licenseManager", "searchIndex", "fileManager",
        "virtualDiskManager", "guestOperationsManager",
    ],
)  # fmt: skip
def test_every_property_of_what_the_content_names_reads_as_the_schema_says(client: Zeep, reference):
    ref = client.content[reference]
    spec = client.make(
        "PropertyFilterSpec",
        propSet=[client.make("PropertySpec", type=ref.type, all=True)],
        objectSet=[client.make("ObjectSpec", obj=ref)],
    )
    found = client.call(
        "RetrievePropertiesEx", client.content.propertyCollector, specSet=[spec], options=client.make("RetrieveOptions")
    )
    assert [o.obj["_value_1"] for o in found.objects] == [ref["_value_1"]]


@pytest.mark.parametrize("kind", ["HostSystem", "ComputeResource", "ResourcePool", "Datastore", "Network", "Datacenter", "VirtualMachine"])
def test_every_property_of_the_inventory_reads_as_the_schema_says(client: Zeep, machine, kind):
    if kind == "VirtualMachine":
        machine("all", network="VM Network")
    view = client.call(
        "CreateContainerView", client.content.viewManager, container=client.content.rootFolder, type=[kind], recursive=True
    )
    walk = client.make("TraversalSpec", type="ContainerView", path="view", skip=False)
    spec = client.make(
        "PropertyFilterSpec",
        propSet=[client.make("PropertySpec", type=kind, all=True)],
        objectSet=[client.make("ObjectSpec", obj=view, skip=True, selectSet=[walk])],
    )
    found = client.call(
        "RetrievePropertiesEx", client.content.propertyCollector, specSet=[spec], options=client.make("RetrieveOptions")
    )
    assert found.objects and all(len(o.propSet) > 3 and not o.missingSet for o in found.objects)
    client.call("DestroyView", view)
