"""A port group as machines see it."""

from __future__ import annotations

import pytest

from tests.lab import Lab
from vmsdk.wsdl import MoRef, vim


def networks(lab):
    [datacenter] = lab.get(MoRef(*lab.daemon.personality.manager("rootFolder")), "childEntity")
    return {lab.get(ref, "name"): ref for ref in lab.get(lab.get(datacenter, "networkFolder"), "childEntity")}


@pytest.mark.parametrize("personality", ["HostAgent", "VirtualCenter"])
def test_every_port_group_of_the_host_is_one(tmp_path, personality):
    lab = Lab(tmp_path, shape="large", personality=personality)
    found = networks(lab)
    assert list(found) == [each.name for each in lab.daemon.site.host.networks.get()]
    for name, ref in found.items():
        summary = lab.get(ref, "summary")
        assert (summary.name, summary.network, summary.accessible, summary.ipPoolName) == (name, ref, True, "")
        assert lab.get(ref, "host") == [MoRef("HostSystem", lab.daemon.personality.fixed["host"])]


def test_its_machines_are_those_with_a_card_on_it(tmp_path):
    lab = Lab(tmp_path, shape="large")
    found = networks(lab)
    seen = {name: lab.watch(ref, "vm") for name, ref in found.items()}
    vm = lab.vm("web", network="VM Network")
    [card] = [d for d in vm.config.hardware.device if isinstance(d, vim.VirtualEthernetCard)]
    card.backing = vim.VirtualEthernetCardNetworkBackingInfo(deviceName="Lab")
    moved = vim.VirtualDeviceConfigSpec(operation="edit", device=card)
    lab.run(vm, "ReconfigVM_Task", spec=vim.VirtualMachineConfigSpec(deviceChange=[moved]))
    told = {name: [list(refs.items) for refs in values] for name, values in seen.items()}
    assert (told["VM Network"], told["Lab"]) == ([[], [vm.ref], []], [[], [vm.ref]])
    assert vm.network == [found["Lab"]]
    lab.run(vm, "Destroy_Task")
    assert not list(seen["Lab"][-1].items)
