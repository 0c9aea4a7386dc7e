"""What the host's properties say of its network: HostNetworkInfo and its parts. The mapping itself is `host_network_layout`.

Values that are ESXi's policy (teaming, failure criteria) are constants here; facts come from the records. Security says what a
plain Linux bridge does: it passes changed and forged addresses, and shows no foreign traffic.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from ..engine.site import Site
from ..hypervisor.records import GuestAddress, Host, HostInterface, PhysicalNic
from ..wsdl import vim
from .host_network_layout import Adapter, Group, Layout, Switch, card_names, layout

SWITCH_PORTS = 2560
STACK = "defaultTcpipStack"
FIRST_PORT = 33_554_433  # as hosts number the ports of their first switch


def of(site: Site) -> Layout:
    return layout(site.host.host.get(), site.host.networks.get())


def switch_key(name: str) -> str:
    return f"key-vim.host.VirtualSwitch-{name}"


def group_key(name: str) -> str:
    return f"key-vim.host.PortGroup-{name}"


def card_key(name: str) -> str:
    return f"key-vim.host.PhysicalNic-{name}"


def adapter_key(adapter: Adapter) -> str:
    return f"key-vim.host.VirtualNic-{adapter.device}"


def _port_key(adapter: Adapter) -> str:
    return f"key-vim.host.PortGroup.Port-{FIRST_PORT + int(adapter.device[3:])}"


# --- policies ------------------------------------------------------------------------------------------------

def offload() -> Any:
    return vim.HostNetOffloadCapabilities(csumOffload=True, tcpSegmentation=True, zeroCopyXmit=True)


def _policy(uplinks: tuple[str, ...]) -> Any:
    return vim.HostNetworkPolicy(
        security=vim.HostNetworkSecurityPolicy(allowPromiscuous=False, macChanges=True, forgedTransmits=True),
        nicTeaming=vim.HostNicTeamingPolicy(
            policy="loadbalance_srcid", reversePolicy=True, notifySwitches=True, rollingOrder=False,
            failureCriteria=vim.HostNicFailureCriteria(
                checkSpeed="minimum", speed=10, checkDuplex=False, fullDuplex=False, checkErrorPercent=False, percentage=0,
                checkBeacon=False,
            ),
            nicOrder=vim.HostNicOrderPolicy(activeNic=uplinks),
        ),
        offloadPolicy=offload(), shapingPolicy=vim.HostNetworkTrafficShapingPolicy(enabled=False),
    )  # fmt: skip


def _inherited() -> Any:
    return vim.HostNetworkPolicy(
        security=vim.HostNetworkSecurityPolicy(),
        nicTeaming=vim.HostNicTeamingPolicy(failureCriteria=vim.HostNicFailureCriteria()),
        offloadPolicy=vim.HostNetOffloadCapabilities(), shapingPolicy=vim.HostNetworkTrafficShapingPolicy(),
    )  # fmt: skip


# --- switches, port groups, cards, adapters ------------------------------------------------------------------

def _switch_spec(switch: Switch) -> Any:
    bridge = vim.HostVirtualSwitchBondBridge(nicDevice=switch.uplinks) if switch.uplinks else None
    return vim.HostVirtualSwitchSpec(numPorts=SWITCH_PORTS, bridge=bridge, policy=_policy(switch.uplinks), mtu=switch.mtu)


def _switch(switch: Switch, groups: tuple[Group, ...]) -> Any:
    mine = [group for group in groups if group.switch == switch.name]
    used = len(switch.uplinks) + sum(group.adapter is not None for group in mine)
    return vim.HostVirtualSwitch(
        name=switch.name, key=switch_key(switch.name), numPorts=SWITCH_PORTS, numPortsAvailable=SWITCH_PORTS - used, mtu=switch.mtu,
        portgroup=[group_key(group.name) for group in mine], pnic=[card_key(name) for name in switch.uplinks],
        spec=_switch_spec(switch),
    )  # fmt: skip


def _group_spec(group: Group) -> Any:
    return vim.HostPortGroupSpec(name=group.name, vlanId=group.vlan, vswitchName=group.switch, policy=_inherited())


def _group(group: Group, uplinks: tuple[str, ...]) -> Any:
    port: tuple[Any, ...] = ()
    if group.adapter is not None:
        port = (vim.HostPortGroupPort(key=_port_key(group.adapter), mac=[group.adapter.interface.mac], type="host"),)
    return vim.HostPortGroup(
        key=group_key(group.name), port=port, vswitch=switch_key(group.switch), computedPolicy=_policy(uplinks),
        spec=_group_spec(group),
    )  # fmt: skip


def _link(nic: PhysicalNic) -> Any:
    return vim.PhysicalNicLinkInfo(speedMb=nic.speed_mbit, duplex=nic.duplex) if nic.speed_mbit is not None else None


def _card_spec() -> Any:
    """No address of its own, and its speed is what the other end agrees to (linkSpeed unset)."""
    return vim.PhysicalNicSpec(ip=vim.HostIpConfig(dhcp=False, ipAddress="", subnetMask=""))


def physical_card(name: str, nic: PhysicalNic) -> Any:
    return vim.PhysicalNic(
        key=card_key(name), device=name, pci=nic.pci, driver=nic.driver or None, linkSpeed=_link(nic), spec=_card_spec(),
        wakeOnLanSupported=False, mac=nic.mac, vmDirectPathGen2Supported=False,
    )  # fmt: skip


def _mask(address: GuestAddress) -> str:
    return str(ipaddress.ip_network(f"0.0.0.0/{address.prefix}").netmask)


def ip_config(interface: HostInterface) -> Any:
    """The first IPv4 address and all IPv6 ones."""
    first = next((a for a in interface.addresses if a.kind == "ipv4"), None)
    six = [
        vim.HostIpConfigIpV6Address(
            ipAddress=a.address, prefixLength=a.prefix, origin="linklayer" if a.address.startswith("fe80") else "other"
        )
        for a in interface.addresses
        if a.kind == "ipv6"
    ]
    return vim.HostIpConfig(
        dhcp=interface.dhcp, ipAddress=first.address if first else "", subnetMask=_mask(first) if first else "",
        ipV6Config=vim.HostIpConfigIpV6AddressConfiguration(ipV6Address=six) if six else None,
    )  # fmt: skip


def _adapter_spec(adapter: Adapter) -> Any:
    return vim.HostVirtualNicSpec(
        ip=ip_config(adapter.interface), mac=adapter.interface.mac, portgroup=adapter.group, mtu=adapter.interface.mtu,
        netStackInstanceKey=STACK, systemOwned=False,
    )  # fmt: skip


def virtual_card(adapter: Adapter, purpose: str = "") -> Any:
    """HostVirtualNic. With `purpose` as a candidate for it: such ones have keys of their own and no port."""
    key, port = adapter_key(adapter), _port_key(adapter)
    return vim.HostVirtualNic(
        device=adapter.device, key=f"{purpose}.{key}" if purpose else key, portgroup=adapter.group, spec=_adapter_spec(adapter),
        port=None if purpose else port,
    )  # fmt: skip


# --- names and ways ------------------------------------------------------------------------------------------

def short_name(host: Host) -> str:
    return host.name.partition(".")[0]


def dns(host: Host, adapters: tuple[Adapter, ...]) -> Any:
    dhcp = bool(adapters) and adapters[0].interface.dhcp
    return vim.HostDnsConfig(
        dhcp=dhcp, virtualNicDevice=adapters[0].device if dhcp else None, hostName=short_name(host),
        domainName=host.dns_domain or host.name.partition(".")[2], address=host.dns_servers, searchDomain=host.dns_search,
    )  # fmt: skip


def ways_out(host: Host, adapters: tuple[Adapter, ...]) -> Any:
    """HostIpRouteConfig; all unset where the host has no gateway."""
    device = adapters[0].device if adapters and host.gateway else None
    if ":" in host.gateway:
        return vim.HostIpRouteConfig(ipV6DefaultGateway=host.gateway, ipV6GatewayDevice=device)
    return vim.HostIpRouteConfig(defaultGateway=host.gateway or None, gatewayDevice=device)


def routes(host: Host, adapters: tuple[Adapter, ...]) -> Any:
    """HostIpRouteTableInfo: the way out and the subnets that the host stands in."""
    tables: dict[str, list[Any]] = {"ipv4": [], "ipv6": []}
    if host.gateway and adapters:
        kind, everything = ("ipv6", "::") if ":" in host.gateway else ("ipv4", "0.0.0.0")
        tables[kind].append(
            vim.HostIpRouteEntry(network=everything, prefixLength=0, gateway=host.gateway, deviceName=adapters[0].device)
        )
    for adapter in adapters:
        for a in adapter.interface.addresses:
            network = ipaddress.ip_network(f"{a.address}/{a.prefix}", strict=False).network_address
            direct = "::" if a.kind == "ipv6" else "0.0.0.0"
            tables[a.kind].append(
                vim.HostIpRouteEntry(network=str(network), prefixLength=a.prefix, gateway=direct, deviceName=adapter.device)
            )
    return vim.HostIpRouteTableInfo(ipRoute=tables["ipv4"], ipv6Route=tables["ipv6"])


def _has_six(host: Host) -> bool:
    return any(a.kind == "ipv6" for interface in host.interfaces for a in interface.addresses)


# --- whole objects -------------------------------------------------------------------------------------------

def network_info(site: Site) -> Any:
    """HostNetworkInfo."""
    host, found = site.host.host.get(), of(site)
    uplinks = {switch.name: switch.uplinks for switch in found.switches}
    cards = card_names(host)
    stack = vim.HostNetStackInstance(
        key=STACK, name=STACK, dnsConfig=dns(host, found.adapters), ipRouteConfig=ways_out(host, found.adapters),
        ipV6Enabled=_has_six(host),
    )  # fmt: skip
    return vim.HostNetworkInfo(
        vswitch=[_switch(switch, found.groups) for switch in found.switches],
        portgroup=[_group(group, uplinks[group.switch]) for group in found.groups],
        pnic=[physical_card(cards[nic.name], nic) for nic in host.nics],
        vnic=[virtual_card(adapter) for adapter in found.adapters],
        dnsConfig=dns(host, found.adapters), ipRouteConfig=ways_out(host, found.adapters),
        routeTableInfo=routes(host, found.adapters), ipV6Enabled=_has_six(host), netStackInstance=[stack],
    )  # fmt: skip


def network_config(site: Site) -> Any:
    """HostNetworkConfig: the same as specs."""
    host, found = site.host.host.get(), of(site)
    return vim.HostNetworkConfig(
        vswitch=[vim.HostVirtualSwitchConfig(name=switch.name, spec=_switch_spec(switch)) for switch in found.switches],
        portgroup=[vim.HostPortGroupConfig(spec=_group_spec(group)) for group in found.groups],
        pnic=[vim.PhysicalNicConfig(device=name, spec=_card_spec()) for name in card_names(host).values()],
        vnic=[
            vim.HostVirtualNicConfig(device=adapter.device, portgroup=adapter.group, spec=_adapter_spec(adapter))
            for adapter in found.adapters
        ],
        dnsConfig=dns(host, found.adapters), ipRouteConfig=ways_out(host, found.adapters), ipV6Enabled=_has_six(host),
    )  # fmt: skip


def capabilities() -> Any:
    """What a client may change here: nothing of the network yet; VLANs are the networks' own."""
    return vim.HostNetCapabilities(
        canSetPhysicalNicLinkSpeed=False, supportsNicTeaming=False, supportsVlan=True, usesServiceConsoleNic=False,
        supportsNetworkHints=False, vswitchConfigSupported=False, vnicConfigSupported=False, ipRouteConfigSupported=False,
        dnsConfigSupported=False, dhcpOnVnicSupported=False, ipV6Supported=True,
    )  # fmt: skip


def stack_runtime(site: Site) -> Any:
    """HostRuntimeInfoNetworkRuntimeInfo."""
    return vim.HostRuntimeInfoNetworkRuntimeInfo(
        netStackInstanceRuntimeInfo=[
            vim.HostRuntimeInfoNetStackInstanceRuntimeInfo(
                netStackInstanceKey=STACK, state="active", vmknicKeys=[a.device for a in of(site).adapters],
                currentIpV6Enabled=_has_six(site.host.host.get()),
            )
        ]
    )


# --- what the host's adapters are for ------------------------------------------------------------------------

NIC_TYPES = (
    "faultToleranceLogging", "management", "nvmeRdma", "nvmeTcp", "ptp", "vSphereBackupNFC", "vSphereProvisioning",
    "vSphereReplication", "vSphereReplicationNFC", "vmotion", "vsan", "vsanWitness",
)  # fmt: skip


def net_config(site: Site, nic_type: str) -> Any:
    """VirtualNicManagerNetConfig: every adapter could, vmk0 is the one for management."""
    adapters = of(site).adapters
    chosen = [f"{nic_type}.{adapter_key(a)}" for a in adapters[:1]] if nic_type == "management" else ()
    return vim.VirtualNicManagerNetConfig(
        nicType=nic_type, multiSelectAllowed=nic_type != "ptp", candidateVnic=[virtual_card(a, nic_type) for a in adapters],
        selectedVnic=chosen,
    )  # fmt: skip


def nic_manager_info(site: Site) -> Any:
    return vim.HostVirtualNicManagerInfo(netConfig=[net_config(site, nic_type) for nic_type in NIC_TYPES])


def migration_config(site: Site) -> Any:
    """HostVMotionNetConfig: candidates, none chosen."""
    return vim.HostVMotionNetConfig(candidateVnic=[virtual_card(a, "VMotionConfig.vmotion") for a in of(site).adapters])
