"""The `.vmx` written and read: faithful to the definition, readable to others, suspicious of strangers."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmsdk.datastores import names
from vmsdk.datastores.vmx import render
from vmsdk.datastores.vmx_read import parse
from vmsdk.devices.keys import with_channels
from vmsdk.hypervisor.records import BootEntry, Controller, DatastoreRecord, Definition, Disk, FilePlace, Nic, Optical
from vmsdk.wsdl import vim

STORE = DatastoreRecord(id="id-1", name="datastore1", directory="/x")
HOME = FilePlace(datastore="id-1", path="web/web.vmx")


def place_of(text):
    return names.parse(text, lambda name: STORE if name == "datastore1" else None)


def back(definition):
    return parse(render(definition, lambda key: "datastore1"), HOME, place_of)


def place(path):
    return FilePlace(datastore="id-1", path=path)


DEVICES = tuple(with_channels([
    Controller(key=1000, model="pvscsi", bus=0),
    Controller(key=15000, model="ahci", bus=0),
    Disk(key=2000, controller=1000, unit=0, file=place("web/web.vmdk"), capacity=1 << 30, uuid="6000C290-0000-0000-0000-000000000001"),
    Disk(key=2001, controller=1000, unit=1, file=place("other/data.vmdk"), capacity=1 << 20, mode="independent_persistent", thin=False),
    Optical(key=16000, controller=15000, unit=0, backing="iso", file=place("iso/debian.iso"), connected=True, start_connected=True),
    Nic(key=4000, model="vmxnet3", network="VM Network", mac="00:0c:29:01:02:03"),
    Nic(key=4001, model="e1000e", network="LAN", mac="00:50:56:00:00:01", mac_kind="manual", unit=8, start_connected=False),
]))  # fmt: skip
FULL = Definition(
    uuid="52aa0000-0000-4000-8000-000000000001", bios_uuid="564d0000-0000-4000-8000-000000000002", name="web", home=HOME,
    guest_id="debian12_64Guest", cpus=4, cores_per_socket=2, memory_mib=512, firmware="efi", secure_boot=True,
    boot_order=(BootEntry(kind="disk", key=2000), BootEntry(kind="optical")), annotation='of "two"\nlines | and a bar',
    extra=(("guestinfo.x", "ä € 1"),), devices=DEVICES, remembered=(("tools", '{"$type":"ToolsConfigInfo"}'),),
    created=1.5, changed=2.25,
)  # fmt: skip


def same(one, other):
    def by_key(d):
        return msgspec.structs.replace(d, devices=tuple(sorted(d.devices, key=lambda device: device.key)))

    assert by_key(one) == by_key(other)


def test_writing_and_reading_gives_the_same_definition():
    same(back(FULL), FULL)


words = st.text(st.characters(blacklist_categories=("Cs",)), max_size=40)


@given(
    name=words.filter(str.strip),
    notes=words,
    key=st.from_regex(r"[a-z][a-zA-Z0-9]{0,8}\.[a-z]{1,8}", fullmatch=True),
    value=words.filter(bool),
)
def test_no_text_of_a_client_breaks_the_form(name, notes, key, value):
    changed = msgspec.structs.replace(FULL, name=name, annotation=notes, extra=((f"guestinfo.{key}", value),))
    same(back(changed), changed)


def test_it_is_the_form_that_others_write():
    text = render(FULL, lambda key: "datastore1")
    for line in ('displayName = "web"', 'scsi0.virtualDev = "pvscsi"', 'scsi0:0.fileName = "web.vmdk"', 'firmware = "efi"',
                 'scsi0:1.fileName = "/vmfs/volumes/datastore1/other/data.vmdk"', 'ethernet1.address = "00:50:56:00:00:01"'):  # fmt: skip
        assert line in text.splitlines()


def test_a_file_of_another_product_is_read():
    text = """#!/usr/bin/vmware
.encoding = "UTF-8"
config.version = "8"
virtualHW.version = "13"
displayName = "old"
guestOS = "debian8-64"
memsize = "1024"
numvcpus = "2"
scsi0.present = "TRUE"
scsi0.virtualDev = "lsilogic"
scsi0:0.present = "TRUE"
scsi0:0.fileName = "old.vmdk"
ide1:0.present = "TRUE"
ide1:0.deviceType = "cdrom-image"
ide1:0.fileName = "/vmfs/volumes/datastore1/iso/a.iso"
ethernet0.present = "TRUE"
ethernet0.networkName = "VM Network"
ethernet0.addressType = "generated"
ethernet0.generatedAddress = "00:0C:29:AA:BB:CC"
uuid.bios = "56 4d 00 00 00 00 40 00-80 00 00 00 00 00 00 02"
tools.syncTime = "FALSE"
"""
    read = parse(text, HOME, place_of)
    assert (read.name, read.guest_id, read.memory_mib, read.cpus, read.hardware_version) == (
        "old",
        "debian8_64Guest",
        1024,
        2,
        "vmx-13",
    )
    assert read.bios_uuid == "564d0000-0000-4000-8000-000000000002"
    assert [type(d).__name__ for d in read.devices if d.key >= 1000] == ["Controller", "Disk", "Optical", "Nic"]
    assert read.extra == (("tools.syncTime", "FALSE"),)


@pytest.mark.parametrize(
    "text",
    ["", "hello", 'displayName = "x', 'memsize = "lots"\ndisplayName = "x"', 'displayName = "x"\nscsi0.present = "TRUE"\nscsi0.virtualDev = "odd"',
     'displayName="x"\nscsi0.present="TRUE"\nscsi0:0.present="TRUE"\nscsi0:0.fileName="../../etc/passwd"', "x" * 100 + "\n" * 30_000],
)  # fmt: skip
def test_what_cannot_be_read_says_so(text):
    with pytest.raises((vim.InvalidVmConfig, vim.InvalidDatastorePath)):
        parse(text, HOME, place_of)
