"""The host's network as a vSphere client knows it: which switches, port groups and kernel adapters stand for what is really there.

Law: pure functions of the Host and NetworkRecord records. `vSwitch0` is where the host itself stands: its interface with the way
out, and user-mode networks, which go out through it. Every other bridge is a switch of its own name, so names do not move when
networks come and go. A physical card is an uplink of the switch whose bridge carries its MAC (a bridge has its card's).
"""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

from ..hypervisor.records import Host, HostInterface, NetworkRecord

MAIN_SWITCH = "vSwitch0"
MANAGEMENT = "Management Network"


class Adapter(NamedTuple):
    """An interface with addresses of the host: vmk0 has the way out."""

    device: str
    interface: HostInterface
    group: str


class Group(NamedTuple):
    """A port group; `adapter` is the host's own where it stands in it."""

    name: str
    vlan: int
    switch: str
    adapter: Adapter | None = None


class Switch(NamedTuple):
    """`device` is the bridge or interface behind it, empty where there is none; `uplinks` are vmnicN."""

    name: str
    device: str
    mtu: int
    uplinks: tuple[str, ...]


class Layout(NamedTuple):
    switches: tuple[Switch, ...]
    groups: tuple[Group, ...]
    adapters: tuple[Adapter, ...]


def card_names(host: Host) -> dict[str, str]:
    """Name of the operating system -> vmnicN, in the order of the record."""
    return {nic.name: f"vmnic{number}" for number, nic in enumerate(host.nics)}


def way_out(host: Host) -> HostInterface | None:
    """The interface whose subnet holds the gateway; else the first that has an address."""
    try:
        gateway = ipaddress.ip_address(host.gateway)
    except ValueError:
        gateway = None
    for interface in host.interfaces if gateway is not None else ():
        for address in interface.addresses:
            if gateway in ipaddress.ip_network(f"{address.address}/{address.prefix}", strict=False):
                return interface
    return host.interfaces[0] if host.interfaces else None


def layout(host: Host, networks: tuple[NetworkRecord, ...]) -> Layout:
    """All of it, in a fixed order: vSwitch0, bridges of networks, then interfaces that stand alone."""
    out = way_out(host)
    interfaces = tuple(i for i in (out, *host.interfaces) if i is not None)
    interfaces = tuple(dict.fromkeys(interfaces))
    bridges = [network.bridge for network in networks if network.kind != "user"]
    main = out.name if out is not None else next(iter(bridges), "")
    devices = dict.fromkeys([main, *bridges, *(interface.name for interface in interfaces)])
    names = {device: MAIN_SWITCH if device == main else device for device in devices}
    groups = [
        Group(network.name, network.vlan, MAIN_SWITCH if network.kind == "user" else names[network.bridge]) for network in networks
    ]
    taken = {group.name for group in groups}
    adapters = []
    for number, interface in enumerate(interfaces):
        name = MANAGEMENT if number == 0 else interface.name
        while name in taken:
            name += " (host)"
        taken.add(name)
        adapter = Adapter(f"vmk{number}", interface, name)
        adapters.append(adapter)
        groups.append(Group(name, 0, names[interface.name], adapter))
    by_name = {interface.name: interface for interface in interfaces}
    switches = tuple(
        Switch(
            name=names[device],
            device=device,
            mtu=by_name[device].mtu if device in by_name else 1500,
            uplinks=_uplinks(host, device, by_name.get(device)),
        )
        for device in devices
    )
    return Layout(switches, tuple(groups), tuple(adapters))


def _uplinks(host: Host, device: str, interface: HostInterface | None) -> tuple[str, ...]:
    cards = card_names(host)
    return tuple(
        cards[nic.name]
        for nic in host.nics
        if nic.name == device or (interface is not None and interface.mac and nic.mac.lower() == interface.mac.lower())
    )
