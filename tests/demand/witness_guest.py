"""The system in the machine, as its own shell tells of it."""

from __future__ import annotations

import re
from typing import Any

from .real import CARD, MIB, NETWORK, World
from .witness import Is, witness

VM = "VirtualMachine"


def address(world: World) -> str:
    found = re.search(r"inet addr:(\S+)", world.guest("ifconfig eth0"))
    assert found
    return found.group(1)


@witness(VM, "guest.ipAddress", "summary.guest.ipAddress")
def _address(world: World) -> Any:
    return address(world)


@witness(VM, "guest.hostName")
def _host_name(world: World) -> Any:
    return world.guest("hostname")


@witness(VM, "guest.guestState")
def _state(world: World) -> Any:
    assert world.guest("echo yes") == "yes"
    return "running"


@witness(VM, "guest.toolsRunningStatus")
def _tools(world: World) -> Any:
    assert world.guest("pidof qemu-ga")
    return "guestToolsRunning"


def tools_version(world: World) -> str:
    """QEMU's a.b.c as one number."""
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", world.guest("qemu-ga --version"))
    assert found
    one, two, three = map(int, found.groups())
    return str(one * 1024 + two * 32 + three)


@witness(VM, "guest.toolsVersion")
def _tools_version(world: World) -> Any:
    return tools_version(world)


def mounted(world: World) -> dict[str, Any]:
    size = int(world.guest("cat /sys/block/sr0/size")) * 512
    return {"diskPath": ["/mnt"], "capacity": Is(lambda told: abs(told[0] - size) < MIB, f"about {size}")}


@witness(VM, "guest.disk")
def _disk(world: World) -> Any:
    return mounted(world)


def cards(world: World) -> dict[str, Any]:
    mac = world.guest("cat /sys/class/net/eth0/address")
    assert mac == CARD
    return {"macAddress": [mac], "network": [NETWORK], "ipAddress": Is(lambda told: address(world) in told[0], address(world))}


@witness(VM, "guest.net")
def _net(world: World) -> Any:
    return cards(world)


@witness(VM, "guest")
def _guest(world: World) -> Any:
    kernel, machine = world.guest("uname -r"), world.guest("uname -m")
    found = {f"net.{name}": told for name, told in cards(world).items()} | {
        f"disk.{name}": told for name, told in mounted(world).items()
    }
    return found | {
        "hostName": world.guest("hostname"), "ipAddress": address(world), "toolsVersion": tools_version(world),
        "guestDetailedData": Is(lambda told: f"kernelVersion='{kernel}'" in told and ("64" in machine) == ("bitness='64'" in told), kernel),
    }  # fmt: skip


def summary_guest(world: World) -> dict[str, Any]:
    return {"hostName": world.guest("hostname"), "ipAddress": address(world), "toolsRunningStatus": "guestToolsRunning"}


@witness(VM, "summary.guest")
def _summary_guest(world: World) -> Any:
    return summary_guest(world)
