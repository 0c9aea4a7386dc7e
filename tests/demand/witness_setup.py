"""What is set up on the host: network, adapters, services, clock; and the tree around it."""

from __future__ import annotations

import os
import re
import subprocess
import time
from typing import Any

import psutil

from vmsdk.wsdl import MoRef

from .real import DATASTORE, NETWORK, World
from .witness import UNSET, Is, witness
from .witness_host import addresses, cards, cores, cpus, pci_storage, read, short_name

GROUP = "Management Network"

# --- network -------------------------------------------------------------------------------------------------


def way_out() -> str:
    """The interface of the default route, or the first with an address."""
    text = subprocess.check_output(["ip", "route", "show", "default"], text=True).split()
    return text[text.index("dev") + 1] if "dev" in text else next(iter(addresses()), "")


def first_switch() -> dict[str, Any]:
    device = way_out()
    mtu = int(read(f"/sys/class/net/{device}/mtu") or 1500)
    return {"name": "vSwitch0", "mtu": mtu}


def network_info() -> dict[str, Any]:
    device = way_out()
    mine = [a.partition("/")[0] for a in addresses().get(device, []) if "." in a][:1]
    return {
        "pnic.mac": list(cards().values()) or UNSET,
        "vnic": Is(lambda told: len(told) == len(addresses()), "an adapter for each interface with addresses") if addresses() else UNSET,
        "vswitch": Is(lambda told: {"name": told[0].name, "mtu": told[0].mtu} == first_switch(), f"first of all {first_switch()}"),
        "portgroup": Is(lambda told: {NETWORK, GROUP} <= {one.spec.name for one in told}, f"{NETWORK} and {GROUP} among them"),
        "dnsConfig.hostName": short_name(),
        **({"vnic.spec.ip.ipAddress": Is(lambda told: told[0] == mine[0], f"vmk0 has {mine[0]}")} if mine else {}),
    }  # fmt: skip


@witness("HostNetworkSystem", "networkInfo")
def _network_info(world: World) -> Any:
    return network_info()


@witness("HostNetworkSystem", "networkConfig")
def _network_config(world: World) -> Any:
    return {
        "pnic.device": [f"vmnic{number}" for number in range(len(cards()))] or UNSET, "dnsConfig.hostName": short_name(),
        "vswitch.name": Is(lambda told: told[0] == "vSwitch0", "vSwitch0 first"),
    }  # fmt: skip


for _kind, _path, _part in (
    ("HostSystem", "config.network.pnic", "pnic"), ("HostSystem", "config.network.vnic", "vnic"),
    ("HostSystem", "config.network.vswitch", "vswitch"), ("HostSystem", "config.network.portgroup", "portgroup"),
    ("HostNetworkSystem", "networkInfo.vswitch", "vswitch"),
):  # fmt: skip

    @witness(_kind, _path)
    def _part_of_network(world: World, part: str = _part) -> Any:
        return {name.partition(".")[2]: told for name, told in network_info().items() if name.partition(".")[0] == part}


# --- storage, services, time ---------------------------------------------------------------------------------


@witness("HostSystem", "config.storageDevice.hostBusAdapter")
def _adapters(world: World) -> Any:
    return {"pci": pci_storage()}


@witness("HostStorageSystem", "storageDeviceInfo")
def _storage_device(world: World) -> Any:
    return {"hostBusAdapter.pci": pci_storage() or UNSET}


def volumes(world: World) -> dict[str, Any]:
    size = os.statvfs(world.root.datastore)
    return {"mountInfo.volume.name": [DATASTORE], "mountInfo.volume.capacity": [size.f_blocks * size.f_frsize]}


@witness("HostStorageSystem", "fileSystemVolumeInfo")
def _volumes(world: World) -> Any:
    return volumes(world)


def services() -> Any:
    running = {process.info["name"] for process in psutil.process_iter(["name"])}
    known = {"TSM-SSH": {"sshd", "dropbear"}, "ntpd": {"ntpd", "chronyd", "systemd-timesyncd"}, "snmpd": {"snmpd"}}

    def right(told: list[Any]) -> bool:
        seen = {one.key: one.running for one in told}
        return seen["vmctld"] and all(seen[key] == bool(names & running) for key, names in known.items())

    return Is(right, f"vmctld, and of {sorted(known)} what runs")


@witness("HostServiceSystem", "serviceInfo.service")
def _services(world: World) -> Any:
    return services()


@witness("HostServiceSystem", "serviceInfo")
def _service_info(world: World) -> Any:
    return {"service": services()}


@witness("HostDateTimeSystem", "dateTimeInfo")
def _time(world: World) -> Any:
    zone = os.path.realpath("/etc/localtime").partition("zoneinfo/")[2] or read("/etc/timezone") or "UTC"
    return {"timeZone.key": zone, "timeZone.gmtOffset": -time.timezone}


@witness("HostSystem", "config")
def _config(world: World) -> Any:
    found = {f"network.{name}": told for name, told in network_info().items()}
    found |= {f"fileSystemVolume.{name}": told for name, told in volumes(world).items()}
    return found | {
        "host": world.host, "service.service": services(), "storageDevice.hostBusAdapter.pci": pci_storage() or UNSET,
        "hyperThread.available": len(cpus()) > cores(),
    }  # fmt: skip


def spoken(world: World) -> str:
    """The newest version that the document of versions names."""
    connection = world.daemon.connection()
    connection.request("GET", "/sdk/vimServiceVersions.xml")
    found = re.search(r"<version>([\d.]+)</version>", connection.getresponse().read().decode())
    connection.close()
    assert found
    return found.group(1)


@witness("HostSystem", "config.product.version", "summary.config.product.version")
def _version(world: World) -> Any:
    return ".".join(spoken(world).split(".")[:3])


@witness("HostSystem", "config.product")
def _product(world: World) -> Any:
    return {"apiVersion": spoken(world), "apiType": "HostAgent"}


# --- the tree around it --------------------------------------------------------------------------------------


@witness("HostSystem", "parent")
def _parent(world: World) -> Any:
    return Is(lambda ref: world.host in world.client.get(ref, "host"), "the compute resource that has this host")


@witness("HostSystem", "vm")
def _machines(world: World) -> Any:
    return [world.vm.ref]


@witness("HostSystem", "datastore")
def _datastores(world: World) -> Any:
    return Is(lambda refs: [world.client.get(ref, "name") for ref in refs] == [DATASTORE], f"one that is called {DATASTORE}")


@witness("HostSystem", "network")
def _networks(world: World) -> Any:
    return Is(lambda refs: [world.client.get(ref, "name") for ref in refs] == [NETWORK], f"one that is called {NETWORK}")


@witness("HostSystem", "configManager")
def _managers(world: World) -> Any:
    def answer(told: Any) -> bool:
        refs = [value for field in told._type.fields if isinstance(value := getattr(told, field.name, None), MoRef)]
        return len(refs) > 20 and all(exists(world, ref) for ref in refs)

    return Is(answer, "references that lead to objects of their type")


@witness("HostSystem", "configManager.networkSystem", "configManager.serviceSystem")
def _manager(world: World) -> Any:
    return Is(lambda ref: exists(world, ref), "a reference that leads to an object of its type")


def exists(world: World, ref: MoRef) -> bool:
    """Whether the object answers; asking one that is not there raises ManagedObjectNotFound."""
    return world.everything(ref) is not None
