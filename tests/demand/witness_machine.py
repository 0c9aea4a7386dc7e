"""The machine, as its process and its files tell of it."""

from __future__ import annotations

import datetime
import hashlib
import os
import re
import time
import uuid
from typing import Any

import psutil

from vmsdk.wsdl import vim

from .real import DATASTORE, MIB, NAME, NETWORK, NOTES, World
from .witness import Between, Is, Near, witness
from .witness_guest import summary_guest
from .witness_host import megahertz

VM = "VirtualMachine"


def smp(world: World, word: str) -> int:
    """A part of QEMU's -smp; `cpus` is the first, without its name."""
    [told] = world.option("-smp")
    found = re.search(r"^(\d+)" if word == "cpus" else rf"{word}=(\d+)", told)
    assert found
    return int(found.group(1))


def memory(world: World) -> int:
    [told] = world.option("-m")
    found = re.search(r"(\d+)(k|M|G)?", told)
    assert found
    return int(found.group(1)) >> {"k": 10, "G": -10}.get(found.group(2) or "M", 0)


def board(world: World) -> str:
    """The UUID that the guest's firmware shows."""
    return world.guest("cat /sys/class/dmi/id/product_uuid").lower()


def instance(world: World) -> str:
    return world.option("-uuid")[0]


def since(world: World) -> Any:
    """When the process began."""
    began = psutil.Process(world.pid).create_time()
    return Is(lambda at: abs(at.timestamp() - began) < 5, f"about {datetime.datetime.fromtimestamp(began, datetime.UTC)}")


def path() -> str:
    return f"[{DATASTORE}] {NAME}/{NAME}.vmx"


@witness(VM, "name", "config.name", "summary.config.name")
@witness("ManagedEntity", "name")
def _name(world: World) -> Any:
    [told] = world.option("-name")
    return told.partition("guest=")[2].partition(",")[0]


@witness(VM, "config.files.vmPathName", "summary.config.vmPathName")
def _path(world: World) -> Any:
    assert world.file(f"{NAME}.vmx").is_file()
    return path()


@witness(VM, "config.annotation", "summary.config.annotation")
def _notes(world: World) -> Any:
    assert NOTES in world.file(f"{NAME}.vmx").read_text()
    return NOTES


@witness(VM, "config.hardware.numCPU", "summary.config.numCpu")
def _cpus(world: World) -> Any:
    assert world.guest("grep -c ^processor /proc/cpuinfo") == str(smp(world, "cpus"))
    return smp(world, "cpus")


@witness(VM, "config.hardware.numCoresPerSocket")
def _cores(world: World) -> Any:
    return smp(world, "cores")


@witness(VM, "config.hardware.memoryMB", "summary.config.memorySizeMB", "runtime.maxMemoryUsage")
def _memory(world: World) -> Any:
    return memory(world)


@witness(VM, "config.uuid")
def _board(world: World) -> Any:
    return board(world)


@witness(VM, "config.instanceUuid", "summary.config.instanceUuid")
def _instance(world: World) -> Any:
    assert uuid.UUID(instance(world))
    return instance(world)


@witness(VM, "config.guestId", "guest.guestId")
def _guest_id(world: World) -> Any:
    """The vmx names a guest without its `Guest`, and with a hyphen before the bits."""
    found = re.search(r'^guestOS = "(.*)"$', world.file(f"{NAME}.vmx").read_text(), re.MULTILINE)
    assert found
    return f"{found.group(1).replace('-', '_')}Guest"


@witness(VM, "config.version")
def _version(world: World) -> Any:
    found = re.search(r'^virtualHW.version = "(\d+)"$', world.file(f"{NAME}.vmx").read_text(), re.MULTILINE)
    assert found
    return f"vmx-{found.group(1)}"


@witness(VM, "config.firmware")
def _firmware(world: World) -> Any:
    return "efi" if any("pflash" in word for word in world.qemu) else "bios"


@witness(VM, "config.bootOptions.bootOrder")
def _boot(world: World) -> Any:
    assert world.device("ide-cd")["bootindex"] == 1
    return Is(lambda told: [type(one).__name__ for one in told] == ["VirtualMachineBootOptionsBootableCdromDevice"], "the CD first")


# --- devices and files ---------------------------------------------------------------------------------------


def devices(world: World) -> Any:
    """Disk, card and drive are what QEMU was given; the rest of the list are things that every machine has."""
    disk, card = world.device("ide-hd"), world.device("e1000")
    size = world.image()["virtual-size"]
    iso = str(world.root.datastore / "guest.iso")

    def right(told: list[Any]) -> bool:
        of = {
            kind: [one for one in told if isinstance(one, getattr(vim, kind))]
            for kind in ("VirtualDisk", "VirtualE1000", "VirtualCdrom")
        }
        return (
            [one.capacityInBytes for one in of["VirtualDisk"]] == [size]
            and disk["serial"].lower() in of["VirtualDisk"][0].backing.uuid.lower().replace("-", "")
            and of["VirtualDisk"][0].backing.fileName == f"[{DATASTORE}] {NAME}/{NAME}.vmdk"
            and [one.macAddress for one in of["VirtualE1000"]] == [card["mac"]]
            and of["VirtualE1000"][0].backing.deviceName == NETWORK
            and [one.backing.fileName for one in of["VirtualCdrom"]] == [f"[{DATASTORE}] guest.iso"]
            and any(iso in word for word in world.qemu)
            and len(told) == 13
        )

    return Is(right, f"a disk of {size} bytes, a card {card['mac']}, a drive with {iso}")


@witness(VM, "config.hardware.device")
def _devices(world: World) -> Any:
    return devices(world)


@witness(VM, "config.hardware")
def _hardware(world: World) -> Any:
    return {
        "numCPU": smp(world, "cpus"),
        "numCoresPerSocket": smp(world, "cores"),
        "memoryMB": memory(world),
        "device": devices(world),
    }


def taken(world: World) -> int:
    """Bytes that the machine's folder takes up."""
    return sum(entry.stat().st_blocks * 512 for entry in os.scandir(world.file("")))


@witness(VM, "summary.storage.committed")
def _committed(world: World) -> Any:
    return Near(taken(world), MIB)


def all_files(world: World) -> list[str]:
    return [f"[{DATASTORE}] {NAME}/{entry.name}" for entry in os.scandir(world.file(""))]


@witness(VM, "layoutEx")
def _layout_ex(world: World) -> Any:
    extent = world.image()["format-specific"]["data"]["extents"][0]["filename"]
    assert extent == str(world.file(f"{NAME}-flat.vmdk"))
    return {"file.name": all_files(world), "disk.key": [16000]}


@witness(VM, "layout")
def _layout(world: World) -> Any:
    return {"disk.diskFile": [[name for name in sorted(all_files(world), key=len) if name.endswith(".vmdk")]]}


@witness(VM, "config")
def _config(world: World) -> Any:
    written = world.file(f"{NAME}.vmx").read_bytes()
    return {
        "name": NAME, "uuid": board(world), "instanceUuid": instance(world), "files.vmPathName": path(), "annotation": NOTES,
        "hardware.numCPU": smp(world, "cpus"), "hardware.memoryMB": memory(world), "hardware.device": devices(world),
        "vmxConfigChecksum": hashlib.sha256(written).digest(), "firmware": "bios", "numaInfo.coresPerNumaNode": smp(world, "cores"),
        "createDate": Is(lambda at: 0 < time.time() - at.timestamp() < 300, "a moment ago"),
        "datastoreUrl.url": [f"/vmfs/volumes/{(world.root.datastore / '.vmsdk-datastore').read_text().strip()}/"],
    }  # fmt: skip


# --- now -----------------------------------------------------------------------------------------------------


@witness(VM, "runtime.powerState", "summary.runtime.powerState")
def _power(world: World) -> Any:
    return "poweredOn" if psutil.pid_exists(world.pid) else "poweredOff"


@witness(VM, "runtime.bootTime", "summary.runtime.bootTime")
def _since(world: World) -> Any:
    return since(world)


def most(world: World) -> Any:
    told = megahertz()
    return Is(lambda mhz: told.holds(mhz / smp(world, "cpus")), f"{smp(world, 'cpus')} times {told.words}")


@witness(VM, "runtime.maxCpuUsage")
def _most(world: World) -> Any:
    return most(world)


@witness(VM, "runtime")
def _runtime(world: World) -> Any:
    return {
        "powerState": "poweredOn", "bootTime": since(world), "host": world.host, "maxMemoryUsage": memory(world),
        "maxCpuUsage": most(world), "device.key": [4000], "connectionState": "connected",
    }  # fmt: skip


def quick_stats(world: World) -> dict[str, Any]:
    process = psutil.Process(world.pid)
    held, age = process.memory_info().rss / MIB, time.time() - process.create_time()
    return {
        "hostMemoryUsage": Near(held, held / 2), "grantedMemory": Between(1, memory(world)), "uptimeSeconds": Between(0, age + 2),
        "overallCpuUsage": Between(0, 100_000), "guestHeartbeatStatus": "green",
    }  # fmt: skip


@witness(VM, "summary.quickStats")
def _quick_stats(world: World) -> Any:
    return quick_stats(world)


@witness(VM, "summary.config")
def _summary_config(world: World) -> Any:
    return summary_config(world)


def summary_config(world: World) -> dict[str, Any]:
    return {
        "name": NAME, "memorySizeMB": memory(world), "numCpu": smp(world, "cpus"), "uuid": board(world), "vmPathName": path(),
        "instanceUuid": instance(world), "annotation": NOTES, "numVirtualDisks": 1, "numEthernetCards": 1,
    }  # fmt: skip


@witness(VM, "summary")
def _summary(world: World) -> Any:
    parts = {
        "config": summary_config(world), "quickStats": quick_stats(world), "guest": summary_guest(world),
        "runtime": {"bootTime": since(world)}, "storage": {"committed": Near(taken(world), MIB)},
    }  # fmt: skip
    return {"vm": world.vm.ref} | {f"{part}.{name}": told for part, all_of in parts.items() for name, told in all_of.items()}


# --- the tree around it --------------------------------------------------------------------------------------


@witness(VM, "parent")
@witness("ManagedEntity", "parent")
def _parent(world: World) -> Any:
    return Is(lambda ref: world.vm.ref in world.client.get(ref, "childEntity"), "the folder that has it")


@witness(VM, "resourcePool")
def _pool(world: World) -> Any:
    return Is(lambda ref: world.vm.ref in world.client.get(ref, "vm"), "the pool that has it")


@witness(VM, "runtime.host", "summary.runtime.host")
def _host(world: World) -> Any:
    return world.host


@witness(VM, "datastore")
def _datastore(world: World) -> Any:
    return Is(lambda refs: [world.client.get(ref, "name") for ref in refs] == [DATASTORE], DATASTORE)


@witness(VM, "network")
def _network(world: World) -> Any:
    return Is(lambda refs: [world.client.get(ref, "name") for ref in refs] == [NETWORK], NETWORK)


@witness(VM, "recentTask")
def _tasks(world: World) -> Any:
    return Is(lambda refs: world.failed in refs, "the task that failed among them")
