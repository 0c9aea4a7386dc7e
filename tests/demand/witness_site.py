"""Datastores, networks, folders, tasks, sessions and the server itself, as files, the clock and the order that was given tell of them."""

from __future__ import annotations

import os
import time
from typing import Any

from vmsdk.wsdl import MoRef

from .real import DATASTORE, MIB, NAME, NETWORK, World
from .witness import Is, Near, witness
from .witness_host import cores, cpus, full_name, memory
from .witness_machine import taken
from .witness_setup import spoken

# --- datastore -----------------------------------------------------------------------------------------------


def identity(world: World) -> str:
    """It stands in a file at the datastore's root."""
    return (world.root.datastore / ".vmsdk-datastore").read_text().strip()


def sizes(world: World) -> dict[str, Any]:
    now = os.statvfs(world.root.datastore)
    return {"capacity": now.f_blocks * now.f_frsize, "freeSpace": Near(now.f_bavail * now.f_frsize, 2048 * MIB)}


def uncommitted(world: World) -> Any:
    """What the thin disk may still grow by."""
    image = world.image()
    return Near(image["virtual-size"] - image["actual-size"] - taken(world), MIB)


@witness("Datastore", "name", "summary.name")
def _name(world: World) -> Any:
    return DATASTORE


@witness("Datastore", "summary.capacity")
def _capacity(world: World) -> Any:
    return sizes(world)["capacity"]


@witness("Datastore", "summary.freeSpace")
def _free(world: World) -> Any:
    return sizes(world)["freeSpace"]


@witness("Datastore", "summary.uncommitted")
def _uncommitted(world: World) -> Any:
    return uncommitted(world)


@witness("Datastore", "summary.accessible")
def _accessible(world: World) -> Any:
    return os.access(world.root.datastore, os.R_OK | os.W_OK)


@witness("Datastore", "summary.url")
def _url(world: World) -> Any:
    return f"/vmfs/volumes/{identity(world)}"


@witness("Datastore", "summary")
def _summary(world: World) -> Any:
    return sizes(world) | {"name": DATASTORE, "url": f"/vmfs/volumes/{identity(world)}", "uncommitted": uncommitted(world)}


@witness("Datastore", "info")
def _info(world: World) -> Any:
    return {
        "name": DATASTORE,
        "path": str(world.root.datastore),
        "containerId": identity(world),
        "freeSpace": sizes(world)["freeSpace"],
    }


@witness("Datastore", "browser")
def _browser(world: World) -> Any:
    return Is(lambda ref: len(world.client.get(ref, "datastore")) == 1, "a browser of one datastore")


@witness("Datastore", "host")
def _mounted(world: World) -> Any:
    return {"key": [world.host], "mountInfo.path": [f"/vmfs/volumes/{identity(world)}"]}


@witness("Datastore", "vm")
def _machines(world: World) -> Any:
    assert world.file("").is_dir()
    return [world.vm.ref]


@witness("Datastore", "parent")
def _folder(world: World) -> Any:
    return Is(lambda ref: world.objects("Datastore")[0] in world.client.get(ref, "childEntity"), "the folder that has it")


# --- network -------------------------------------------------------------------------------------------------


@witness("Network", "name")
def _network(world: World) -> Any:
    return NETWORK


@witness("Network", "summary")
def _network_summary(world: World) -> Any:
    return {"name": NETWORK, "accessible": True, "network": world.objects("Network")[0]}


@witness("Network", "host")
def _network_host(world: World) -> Any:
    return [world.host]


@witness("Network", "vm")
def _network_machines(world: World) -> Any:
    assert any('"type":"user"' in word for word in world.option("-netdev"))
    return [world.vm.ref]


# --- the tree ------------------------------------------------------------------------------------------------


for _path in ("vmFolder", "hostFolder", "datastoreFolder", "networkFolder"):

    @witness("Datacenter", _path)
    def _below(world: World) -> Any:
        return Is(lambda ref: world.client.get(ref, "parent") == world.objects("Datacenter")[0], "a folder of it")


@witness("Datacenter", "parent")
def _root(world: World) -> Any:
    return world.content.rootFolder


@witness("Datacenter", "datastore")
def _all_datastores(world: World) -> Any:
    return Is(lambda refs: [world.client.get(ref, "name") for ref in refs] == [DATASTORE], DATASTORE)


@witness("Folder", "childEntity")
def _children(world: World) -> Any:
    return Is(lambda refs: all(exists_below(world, ref) for ref in refs), "children that know their parent")


def exists_below(world: World, ref: MoRef) -> bool:
    return world.client.get(ref, "parent") in world.objects("Folder")


@witness("Folder", "parent")
def _folder_parent(world: World) -> Any:
    return Is(lambda ref: world.client.get(ref, "name") is not None, "an object that has a name")


@witness("ComputeResource", "name")
def _compute(world: World) -> Any:
    return full_name()


@witness("ComputeResource", "host")
def _compute_host(world: World) -> Any:
    return [world.host]


@witness("ComputeResource", "resourcePool")
def _compute_pool(world: World) -> Any:
    return Is(lambda ref: world.client.get(ref, "owner") == world.objects("ComputeResource")[0], "the pool that it owns")


@witness("ComputeResource", "parent")
def _compute_folder(world: World) -> Any:
    return Is(lambda ref: world.client.get(ref, "childType") == ["ComputeResource"], "the folder of hosts")


@witness("ResourcePool", "owner")
def _owner(world: World) -> Any:
    return Is(lambda ref: world.client.get(ref, "resourcePool") == world.objects("ResourcePool")[0], "who has it for its pool")


@witness("ComputeResource", "<all>")
def _all_compute(world: World) -> Any:
    return Is(
        lambda told: told["summary"].totalMemory == memory() and (told["summary"].numCpuCores, told["summary"].numCpuThreads)
        == (cores(), len(cpus())), f"{cores()} cores, {len(cpus())} threads, {memory()} bytes",
    )  # fmt: skip


# --- tasks, sessions, the server -----------------------------------------------------------------------------


@witness("Task", "info")
def _task(world: World) -> Any:
    now = time.time()
    return {
        "state": "success", "entityName": "vm", "result": world.vm.ref, "reason.userName": "root",
        "completeTime": Is(lambda at: 0 <= now - at.timestamp() < 300, "a moment ago"),
    }  # fmt: skip


@witness("Task", "info.state")
def _task_state(world: World) -> Any:
    assert world.file(f"{NAME}.vmx").is_file(), "the machine that the task made is there"
    return "success"


@witness("Task", "info.result")
def _task_result(world: World) -> Any:
    return world.vm.ref


@witness("Task", "info.error")
def _task_error(world: World) -> Any:
    """Of the second order to start a machine that runs."""
    return Is(lambda error: type(error).__name__ == "InvalidPowerState" and error.existingState == "poweredOn", "InvalidPowerState")


@witness("TaskManager", "recentTask")
def _recent(world: World) -> Any:
    return Is(lambda refs: {world.failed, world.created.task} <= set(refs), "what was ordered among them")


@witness("TaskHistoryCollector", "latestPage")
def _tasks(world: World) -> Any:
    return Is(lambda told: {world.failed, world.created.task} <= {one.task for one in told}, "what was ordered among them")


@witness("EventHistoryCollector", "latestPage")
def _events(world: World) -> Any:
    def right(told: list[Any]) -> bool:
        kinds = {type(one).__name__ for one in told if one.vm is None or one.vm.vm == world.vm.ref}
        return {"UserLoginSessionEvent", "VmCreatedEvent", "VmPoweredOnEvent"} <= kinds and all(
            one.userName is not None for one in told
        )

    return Is(right, "who came in, what was made and what was started")


def session(world: World) -> dict[str, Any]:
    now = time.time()
    return {
        "userName": "root", "key": Is(lambda key: bool(key), "a key"), "ipAddress": "127.0.0.1",
        "loginTime": Is(lambda at: 0 <= now - at.timestamp() < 300, "a moment ago"),
    }  # fmt: skip


@witness("SessionManager", "currentSession")
def _session(world: World) -> Any:
    return session(world)


@witness("SessionManager", "sessionList")
def _sessions(world: World) -> Any:
    return {"userName": ["root"]}


@witness("ContainerView", "view")
def _view(world: World) -> Any:
    return [world.vm.ref]


@witness("ServiceInstance", "content")
def _content(world: World) -> Any:
    return {"about.apiVersion": spoken(world), "about.apiType": "HostAgent", "rootFolder.type": "Folder"}


@witness("ServiceInstance", "serverClock")
def _clock(world: World) -> Any:
    now = time.time()
    return Is(lambda at: abs(at.timestamp() - now) < 5, "now")


@witness("EnvironmentBrowser", "<all>")
def _environment(world: World) -> Any:
    return Is(lambda told: told == {}, "nothing: a machine's own has no browser")
