"""What machines may be here: what is offered can be made."""

from __future__ import annotations

import pytest

from tests.managed_objects.small_site import strict_encoder
from vmsdk.devices import options
from vmsdk.engine.guest_os import guests
from vmsdk.managed_objects.config_option import config_option
from vmsdk.wsdl import CONTRACT, MoRef, vim

BROWSER = MoRef("EnvironmentBrowser", "ha-compute-res-envmgr")


def test_it_can_be_sent_whole_in_every_version(lab):
    value = config_option(lab.daemon.site, None)
    for version in (0, CONTRACT.versions.index("5.5"), CONTRACT.default_version, len(CONTRACT.versions) - 1):
        strict_encoder(version).value("returnval", "VirtualMachineConfigOption", False, value)


def test_words_that_name_types_name_those_of_the_contract(lab):
    [disk] = [o for o in lab.call(BROWSER, "QueryConfigOption").hardwareOptions.virtualDeviceOption if o.type == "VirtualDisk"]
    [backing] = disk.backingOption
    store = lab.get(MoRef("HostDatastoreBrowser", "ha-host-datastorebrowser"), "datastore")[0]
    assert [f.datastoreType for f in backing.deltaDiskFormatsSupported] == [lab.get(store, "info")._type.name]
    for option in lab.call(BROWSER, "QueryConfigOption").hardwareOptions.virtualDeviceOption:
        named = {option.type, option.controllerType or option.type, *getattr(option, "supportedDevice", ())}
        assert all(name in CONTRACT for name in named), named
        assert all(backing.type in CONTRACT for backing in option.backingOption)


def test_every_guest_of_the_contract_is_described(lab):
    option = lab.call(BROWSER, "QueryConfigOption")
    assert [g.id for g in option.guestOSDescriptor] == list(guests())
    assert option.guestOSDescriptor[option.guestOSDefaultIndex].id == "otherGuest"
    for guest in option.guestOSDescriptor:
        assert guest.recommendedSCSIController in guest.supportedDiskControllerList
        assert guest.recommendedEthernetCard in guest.supportedEthernetCard
    linux = next(g for g in option.guestOSDescriptor if g.id == "otherLinux64Guest")
    host = lab.get(MoRef("HostSystem", "ha-host"), "capability")
    assert (linux.family, linux.supportedMaxCPUs) == ("linuxGuest", host.maxSupportedVcpus or linux.supportedMaxCPUs)
    old = {g.id: g.recommendedEthernetCard for g in option.guestOSDescriptor}
    assert (old["windows7Server64Guest"], old["windows8Server64Guest"]) == ("VirtualE1000", "VirtualE1000e")


def test_some_guests_of_a_hardware_version(lab):
    spec = vim.EnvironmentBrowserConfigOptionQuerySpec(key="vmx-13", guestId=["otherLinux64Guest", "nonsense"])
    option = lab.call(BROWSER, "QueryConfigOptionEx", spec=spec)
    assert (option.version, option.hardwareOptions.hwVersion) == ("vmx-13", 13)
    assert [g.id for g in option.guestOSDescriptor] == ["otherLinux64Guest"]
    for method, arguments in (
        ("QueryConfigOption", {"key": "vmx-99"}),
        ("QueryConfigOption", {"key": "../x"}),
        ("QueryConfigOptionEx", {"spec": vim.EnvironmentBrowserConfigOptionQuerySpec(guestId=["nonsense"])}),
    ):
        with pytest.raises(vim.InvalidArgument):
            lab.call(BROWSER, method, **arguments)


@pytest.mark.shows("QueryConfigOption", "QueryConfigOptionEx")
def test_what_is_offered_can_be_made(lab):
    option = lab.call(BROWSER, "QueryConfigOption", key="vmx-21")
    offered = {o.type for o in option.hardwareOptions.virtualDeviceOption}
    empty = lab.vm("empty")
    assert [d._type.name for d in option.defaultDevice] == [d._type.name for d in empty.config.hardware.device]
    add = vim.VirtualDeviceConfigSpec
    backing = vim.VirtualEthernetCardNetworkBackingInfo(deviceName="VM Network")
    changes = [add(operation="add", device=getattr(vim, kind)(key=-index, backing=backing)) for index, kind in enumerate(options.CARDS, 1)]
    more = [kind for kind in (*options.DISK_CONTROLLERS, *options.USB_CONTROLLERS) if kind != "VirtualIDEController"]
    for index, kind in enumerate(more, 10):
        facts = {"sharedBus": "noSharing"} if "SCSI" in kind or "Lsi" in kind else {}
        changes.append(add(operation="add", device=getattr(vim, kind)(key=-index, busNumber=0, **facts)))
    lab.run(empty, "ReconfigVM_Task", spec=vim.VirtualMachineConfigSpec(deviceChange=changes))
    made = {d._type.name for d in empty.config.hardware.device}
    assert made <= offered
    assert {*options.CARDS, *more} <= made


@pytest.mark.shows("QueryTargetCapabilities")
def test_the_targets_capabilities_are_the_hosts(lab):
    host = MoRef("HostSystem", "ha-host")
    assert lab.call(BROWSER, "QueryTargetCapabilities", host=host) == lab.get(host, "capability")


def test_a_machines_own_browser_answers_too(lab):
    option = lab.call(lab.vm("web").environmentBrowser, "QueryConfigOption")
    assert option.version == "vmx-21"
