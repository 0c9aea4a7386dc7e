"""Switches, port groups, cards and adapters stand for what the records say is there."""

from __future__ import annotations

import msgspec
import pytest

from vmsdk.hypervisor.records import GuestAddress, Host, HostInterface, NetworkRecord, PhysicalNic
from vmsdk.hypervisor.simulated import SHAPES
from vmsdk.managed_objects.host_faces import host_faces
from vmsdk.managed_objects.host_network_layout import layout, way_out
from vmsdk.wsdl import vim

from .small_site import CALL, put, small_site


def interface(name: str, address: str, prefix: int = 24, mac: str = "02:00:00:00:00:01", **more) -> HostInterface:
    return HostInterface(name=name, mac=mac, mtu=1500, addresses=(GuestAddress(address=address, prefix=prefix),), **more)


def network_system(site):
    put(site, host_faces(site))
    return site.inventory.get("networkSystem")


def test_the_small_host_stands_on_one_switch_with_its_card():
    info = network_system(small_site("small")).networkInfo()
    (switch,) = info.vswitch
    assert (switch.name, switch.spec.bridge.nicDevice) == ("vSwitch0", ("vmnic0",))
    assert switch.pnic == ["key-vim.host.PhysicalNic-vmnic0"]
    assert [(g.spec.name, g.vswitch) for g in info.portgroup] == [
        ("VM Network", "key-vim.host.VirtualSwitch-vSwitch0"),
        ("Management Network", "key-vim.host.VirtualSwitch-vSwitch0"),
    ]
    (adapter,) = info.vnic
    assert (adapter.device, adapter.portgroup, adapter.spec.ip.ipAddress) == ("vmk0", "Management Network", "192.0.2.10")
    assert (adapter.spec.ip.subnetMask, adapter.spec.ip.dhcp) == ("255.255.255.0", True)


def test_each_further_bridge_is_a_switch_of_its_own_name():
    info = network_system(small_site("large")).networkInfo()
    assert {s.name: s.spec.bridge.nicDevice if s.spec.bridge else () for s in info.vswitch} == {
        "vSwitch0": ("vmnic0",), "br1": ("vmnic1",), "ovs0": (),
    }  # fmt: skip
    assert {g.spec.name: (g.spec.vswitchName, g.spec.vlanId) for g in info.portgroup} == {
        "VM Network": ("vSwitch0", 0), "Storage": ("br1", 40), "Lab": ("ovs0", 120),
        "Management Network": ("vSwitch0", 0), "br1": ("br1", 0),
    }  # fmt: skip
    assert [(n.device, n.linkSpeed.speedMb if n.linkSpeed else None) for n in info.pnic] == [
        ("vmnic0", 25_000), ("vmnic1", 25_000), ("vmnic2", None),
    ]  # fmt: skip
    assert [v.spec.mtu for v in info.vnic] == [1500, 9000]
    assert [a.ipAddress for a in info.vnic[0].spec.ip.ipV6Config.ipV6Address] == ["2001:db8::20"]


def test_every_key_that_is_named_leads_to_something():
    info = network_system(small_site("large")).networkInfo()
    groups, cards = {g.key for g in info.portgroup}, {n.key for n in info.pnic}
    switches, ports = {s.key for s in info.vswitch}, {p.key for g in info.portgroup for p in g.port}
    for switch in info.vswitch:
        assert set(switch.portgroup) <= groups and set(switch.pnic) <= cards
    assert {g.vswitch for g in info.portgroup} <= switches
    assert {v.port for v in info.vnic} <= ports


def test_user_mode_networks_stand_where_the_host_does():
    networks = (NetworkRecord(name="VM Network", kind="user"), NetworkRecord(name="LAN", kind="bridge", bridge="br7"))
    found = layout(SHAPES["small"].host, networks)
    assert {g.name: g.switch for g in found.groups} == {"VM Network": "vSwitch0", "LAN": "br7", "Management Network": "vSwitch0"}


def test_a_host_without_interfaces_still_has_its_first_switch():
    found = layout(Host(uuid="", name="box"), (NetworkRecord(name="VM Network"),))
    assert [(s.name, s.uplinks) for s in found.switches] == [("vSwitch0", ())]
    assert [(g.name, g.switch) for g in found.groups] == [("VM Network", "vSwitch0")]
    assert found.adapters == ()


def test_vmk0_is_the_interface_that_reaches_the_gateway():
    host = Host(
        uuid="", name="box", gateway="10.2.0.1", interfaces=(interface("a", "10.1.0.5"), interface("b", "10.2.0.5")),
        nics=(PhysicalNic(name="b", mac="02:00:00:00:00:99"),),
    )  # fmt: skip
    assert way_out(host).name == "b"
    found = layout(host, ())
    adapters = [(a.device, a.interface.name, a.group) for a in found.adapters]
    assert adapters == [("vmk0", "b", "Management Network"), ("vmk1", "a", "a")]
    assert found.switches[0].uplinks == ("vmnic0",)


def test_a_network_that_is_called_like_our_own_keeps_its_name():
    found = layout(SHAPES["small"].host, (NetworkRecord(name="Management Network"),))
    assert [g.name for g in found.groups] == ["Management Network", "Management Network (host)"]
    assert found.adapters[0].group == "Management Network (host)"


def test_names_and_ways_are_the_hosts():
    system = network_system(small_site("large"))
    dns = system.dnsConfig()
    assert (dns.hostName, dns.domainName, dns.dhcp) == ("esx-large", "example.com", False)
    assert (dns.address, dns.searchDomain) == (("198.51.100.1", "198.51.100.2"), ("lab.example.com", "example.com"))
    assert (system.ipRouteConfig().defaultGateway, system.ipRouteConfig().gatewayDevice) == ("198.51.100.1", "vmk0")
    routes = system.networkInfo().routeTableInfo.ipRoute
    assert [(r.network, r.prefixLength, r.gateway, r.deviceName) for r in routes] == [
        ("0.0.0.0", 0, "198.51.100.1", "vmk0"), ("198.51.100.0", 24, "0.0.0.0", "vmk0"), ("203.0.113.0", 24, "0.0.0.0", "vmk1"),
    ]  # fmt: skip


def test_a_way_out_over_ipv6_is_said_as_such():
    host = msgspec.structs.replace(SHAPES["large"].host, gateway="2001:db8::1")
    config = network_system(small_site(host=host)).ipRouteConfig()
    assert (config.defaultGateway, config.ipV6DefaultGateway, config.ipV6GatewayDevice) == (None, "2001:db8::1", "vmk0")


def test_hints_are_asked_for_cards_that_are_there():
    system = network_system(small_site("large"))
    assert [h.device for h in system.QueryNetworkHint(CALL)] == ["vmnic0", "vmnic1", "vmnic2"]
    assert [h.device for h in system.QueryNetworkHint(CALL, device=["vmnic1"])] == ["vmnic1"]
    with pytest.raises(vim.NotFound):
        system.QueryNetworkHint(CALL, device=["vmnic9"])


def test_only_vmk0_is_chosen_and_only_for_management():
    site = small_site("large")
    network_system(site)
    manager = site.inventory.get("ha-vnic-mgr")
    chosen = {c.nicType: tuple(c.selectedVnic) for c in manager.info().netConfig}
    assert chosen.pop("management") == ("management.key-vim.host.VirtualNic-vmk0",)
    assert set(chosen.values()) == {()}
    candidates = manager.QueryNetConfig(CALL, nicType="vmotion").candidateVnic
    assert [c.key for c in candidates] == ["vmotion.key-vim.host.VirtualNic-vmk0", "vmotion.key-vim.host.VirtualNic-vmk1"]
    with pytest.raises(vim.InvalidArgument):
        manager.QueryNetConfig(CALL, nicType="nothing")


def test_a_refresh_takes_over_what_the_host_is_now():
    site = small_site("small")
    system = network_system(site)
    site.hypervisor.now_host = msgspec.structs.replace(site.host.host.get(), dns_servers=("192.0.2.53",))
    assert system.dnsConfig().address == ("192.0.2.1",)
    with pytest.raises(StopIteration):
        system.RefreshNetworkSystem(CALL).send(None)
    assert system.dnsConfig().address == ("192.0.2.53",)
