"""A definition as a domain and back, without libvirt."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some
from lxml import etree

from vmsdk.hypervisor.errors import NoSuchDatastore, Unsupported
from vmsdk.hypervisor.kvm.domain_read import read_domain
from vmsdk.hypervisor.kvm.domain_xml import domain_name, domain_xml, kept_of
from vmsdk.hypervisor.kvm.site import Firmware, Site
from vmsdk.hypervisor.records import (
    BootEntry,
    Controller,
    Definition,
    Disk,
    FilePlace,
    NetworkRecord,
    Nic,
    Optical,
)

PLAIN = Firmware(code="/fw/code", variables="/fw/vars", machines=("pc-i440fx-*", "pc-q35-*"))
SECURE = Firmware(code="/fw/secure", variables="/fw/ms", machines=("pc-q35-*",), secure=True, enrolled=True)
SITE = Site(
    accelerator="tcg",
    consoles="/run/c",
    datastores=(("store", "/data/store"), ("other", "/data/other")),
    direct_io=("store",),
    networks=(
        NetworkRecord(name="VM Network"),
        NetworkRecord(name="lan", kind="bridge", bridge="br0"),
        NetworkRecord(name="v10", kind="openvswitch", bridge="ovs0", vlan=10),
        NetworkRecord(name="v20", kind="openvswitch", bridge="ovs0", vlan=20),
        NetworkRecord(name="bad", kind="bridge", bridge="br0", vlan=5),
    ),
    newest=(("pc", "pc-i440fx-7.2"), ("q35", "pc-q35-7.2")),
    cpu=(
        ("pc", "<cpu mode='custom'><model>Westmere</model><feature policy='require' name='aes'/></cpu>"),
        ("q35", "<cpu/>"),
    ),
    firmware=(SECURE, PLAIN),
)
UUID = "11111111-2222-4333-8444-555555555555"
DISK = Disk(key=2000, controller=1000, unit=0, file=FilePlace(datastore="store", path="a/a.vmdk"), capacity=1 << 30)
WHOLE = Definition(
    uuid=UUID,
    bios_uuid="99999999-2222-4333-8444-555555555555",
    name="web",
    home=FilePlace(datastore="store", path="a/a.vmx"),
    cpus=4,
    cores_per_socket=2,
    memory_mib=300,
    boot_order=(BootEntry(kind="nic", key=4001),),
    devices=(
        Controller(key=200, model="ide"),
        Controller(key=201, model="ide", bus=1),
        Controller(key=1000, model="pvscsi"),
        Controller(key=1001, model="lsilogic", bus=1),
        Controller(key=15000, model="ahci"),
        Controller(key=14000, model="xhci"),
        DISK,
        Disk(
            key=2001,
            controller=1001,
            unit=6,
            file=FilePlace(datastore="other", path="b.vmdk"),
            capacity=1 << 20,
            thin=False,
        ),
        Optical(
            key=3002,
            controller=201,
            unit=0,
            backing="iso",
            file=FilePlace(datastore="store", path="i.iso"),
            start_connected=True,
        ),
        Optical(key=16000, controller=15000, unit=0),
        Nic(key=4000, model="vmxnet3", network="lan", mac="00:50:56:00:00:01", start_connected=False),
        Nic(key=4001, model="e1000", network="v20", mac="00:50:56:00:00:02"),
    ),
)


def changed(**facts: object) -> Definition:
    return msgspec.structs.replace(WHOLE, **facts)


def xml(definition: Definition = WHOLE, name: str = "web", site: Site = SITE) -> str:
    return domain_xml(definition, site, name)


def back(text: str, site: Site = SITE) -> Definition:
    found = read_domain(text, None, site)
    assert (found.foreign, found.trouble) == (False, "")
    return found.definition


def test_a_definition_comes_back_exactly_and_its_domain_is_always_the_same() -> None:
    assert back(xml()) == WHOLE
    assert xml() == xml(msgspec.json.decode(msgspec.json.encode(WHOLE), type=Definition))


text = some.text(some.characters(exclude_categories=["Cs"]), max_size=40)


@given(text, text, some.lists(some.tuples(text, text), max_size=3))
def test_no_text_of_a_client_breaks_the_domain(name: str, annotation: str, extra: list[tuple[str, str]]) -> None:
    definition = changed(name=name or "x", annotation=annotation, extra=tuple(extra))
    assert back(xml(definition, domain_name(definition))) == definition


@given(text)
def test_libvirt_gets_a_name_that_it_can_make_a_file_of(name: str) -> None:
    made = domain_name(changed(name=name))
    assert made and made not in (".", "..") and len(made.encode()) <= 200
    assert not any(mark in made for mark in "/\0\n")


def test_a_taken_name_is_made_another() -> None:
    assert domain_name(WHOLE) == "web"
    assert domain_name(WHOLE, frozenset(["web"])) == "web-11111111"


def test_disks_are_the_raw_extent_with_the_host_cache_only_where_direct_io_is_impossible() -> None:
    root = etree.fromstring(xml())
    found = {
        one.find("source").get("file"): dict(one.find("driver").attrib)
        for one in root.iterfind("devices/disk[@device='disk']")
    }
    assert found == {
        "/data/store/a/a-flat.vmdk": {"name": "qemu", "type": "raw", "cache": "none", "discard": "unmap"},
        "/data/other/b-flat.vmdk": {"name": "qemu", "type": "raw", "cache": "writeback"},
    }


def test_processors_memory_and_networks_are_as_asked() -> None:
    root = etree.fromstring(xml())
    assert (root.findtext("memory"), root.find("memory").get("unit"), root.findtext("vcpu")) == ("300", "MiB", "4")
    assert dict(root.find("cpu/topology").attrib) == {"sockets": "2", "cores": "2", "threads": "1"}
    assert root.find("devices/memballoon").get("model") == "none"
    bridge, ovs = root.iterfind("devices/interface")
    assert (bridge.find("source").get("bridge"), bridge.find("link").get("state")) == ("br0", "down")
    assert (ovs.find("virtualport").get("type"), ovs.find("vlan/tag").get("id"), ovs.find("link")) == (
        "openvswitch",
        "20",
        None,
    )


def test_the_boot_order_begins_with_what_was_asked_for() -> None:
    orders = {
        int(one.getparent().find("alias").get("name")[3:]): int(one.get("order"))
        for one in etree.fromstring(xml()).iter("boot")
    }
    assert sorted(orders, key=orders.get) == [4001, 2000, 2001, 3002, 16000, 4000]


def test_secure_boot_takes_the_board_and_the_firmware_that_have_it() -> None:
    for definition, machine, code in (
        (changed(firmware="efi"), "pc-i440fx-7.2", "/fw/code"),
        (changed(firmware="efi", secure_boot=True), "pc-q35-7.2", "/fw/secure"),
    ):
        root = etree.fromstring(xml(definition))
        assert (root.find("os/type").get("machine"), root.findtext("os/loader")) == (machine, code)
        assert root.findtext("os/nvram") == "/data/store/a/a.nvram"
        assert back(xml(definition)) == definition
    with pytest.raises(Unsupported, match="secure boot"):
        domain_xml(changed(firmware="efi", secure_boot=True), msgspec.structs.replace(SITE, firmware=(PLAIN,)), "x")


@pytest.mark.parametrize(
    ("device", "word"),
    [
        (Nic(key=1, model="vmxnet2", network="lan", mac="x"), "vmxnet2"),
        (Nic(key=1, model="e1000", network="nowhere", mac="x"), "nowhere"),
        (Nic(key=1, model="e1000", network="bad", mac="x"), "Open vSwitch"),
        (msgspec.structs.replace(DISK, controller=77), "77"),
        (Controller(key=1, model="buslogic"), "buslogic"),
    ],
)
def test_what_cannot_be_is_unsupported_by_name(device: object, word: str) -> None:
    with pytest.raises(Unsupported, match=word):
        xml(changed(devices=(device,)))


def test_a_file_of_an_unknown_datastore_is_refused() -> None:
    with pytest.raises(NoSuchDatastore):
        xml(
            msgspec.structs.replace(
                WHOLE,
                devices=(
                    WHOLE.devices[2],
                    msgspec.structs.replace(DISK, file=FilePlace(datastore="?", path="x.vmdk")),
                ),
            )
        )


def test_machine_type_and_processor_of_a_machine_stay_when_the_host_is_renewed() -> None:
    renewed = msgspec.structs.replace(
        SITE, newest=(("pc", "pc-i440fx-9.9"),), cpu=(("pc", "<cpu><model>Later</model></cpu>"),)
    )
    root = etree.fromstring(domain_xml(changed(memory_mib=1), renewed, "web", kept_of(xml())))
    assert (root.find("os/type").get("machine"), root.findtext("cpu/model")) == ("pc-i440fx-7.2", "Westmere")
    assert len(root.findall("cpu/topology")) == 1


def test_what_someone_else_changed_in_the_domain_is_believed() -> None:
    root = etree.fromstring(xml())
    root.find("name").text = "renamed"
    root.find("memory").text = "512"
    root.find("vcpu").text = "8"
    for alias in ("ua-2001", "ua-4000"):
        element = root.find(f"devices/*/alias[@name='{alias}']").getparent()
        element.getparent().remove(element)
    root.find("devices/interface/mac").set("address", "00:50:56:00:00:ff")
    cd = root.find("devices/disk/alias[@name='ua-3002']").getparent()
    cd.find("source").set("file", "/elsewhere/x.iso")
    definition = back(etree.tostring(root).decode())
    assert (definition.name, definition.memory_mib, definition.cpus) == ("renamed", 512, 8)
    devices = {device.key: device for device in definition.devices}
    assert set(devices) == {device.key for device in WHOLE.devices} - {2001, 4000}
    assert devices[4001].mac == "00:50:56:00:00:ff"
    assert devices[3002].file == FilePlace(datastore="", path="elsewhere/x.iso")


FOREIGN = f"""
<domain type='kvm'><name>old/box</name><uuid>{UUID}</uuid><memory unit='GiB'>2</memory><vcpu current='2'>4</vcpu>
<description>by hand</description>
<os firmware='efi'><type machine='pc-q35-5.0'>hvm</type></os>
<devices>
<controller type='scsi' index='0' model='lsilogic'/>
<disk type='file' device='disk'><source file='/data/store/box/one-flat.vmdk'/><target dev='sda' bus='scsi'/>
<address type='drive' controller='0' bus='0' target='0' unit='2'/></disk>
<disk type='file' device='disk'><source file='/var/lib/libvirt/images/two.qcow2'/><target dev='vda'
bus='virtio'/></disk> <disk type='file' device='cdrom'><target dev='sdb' bus='sata'/></disk>
<interface type='bridge'><mac address='52:54:00:11:22:33'/><source bridge='br0'/><model type='virtio'/></interface>
</devices></domain>"""


def test_a_domain_of_someone_else_is_a_machine_all_the_same() -> None:
    found = read_domain(FOREIGN, None, SITE)
    definition = found.definition
    assert found.foreign and not found.trouble
    assert (definition.uuid, definition.name, definition.cpus, definition.memory_mib) == (UUID, "old/box", 2, 2048)
    assert (definition.firmware, definition.annotation, definition.home.datastore) == ("efi", "by hand", "store")
    disks = [device for device in definition.devices if isinstance(device, Disk)]
    assert [(disk.file.datastore, disk.file.path, disk.unit) for disk in disks] == [
        ("store", "box/one.vmdk", 2), ("", "var/lib/libvirt/images/two.qcow2", 0),
    ]  # fmt: skip
    [nic] = [device for device in definition.devices if isinstance(device, Nic)]
    assert (nic.network, nic.mac, nic.model) == ("lan", "52:54:00:11:22:33", "virtio")
    keys = [device.key for device in definition.devices]
    assert len(set(keys)) == len(keys) == 7
    assert {disk.controller for disk in disks} <= set(keys)


def test_metadata_that_cannot_be_read_leaves_a_machine_in_trouble() -> None:
    broken = xml().replace('"memory_mib":300', '"memory_mib":"much"')
    found = read_domain(broken, None, SITE)
    assert "cannot be read" in found.trouble and not found.foreign
    assert (found.definition.uuid, found.definition.name, found.definition.memory_mib) == (UUID, "web", 300)
