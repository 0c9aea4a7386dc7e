"""A device is what it says: asked of a Linux in the guest, which has the real drivers."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from twisted.internet.threads import deferToThread

from tests.hypervisor.bed import MIB
from tests.hypervisor.kvm.machinery import KvmBed, processes_of
from vmsdk.hypervisor.errors import AgentUnavailable, FileInUse, Unsupported, WrongPower
from vmsdk.hypervisor.interface import GuestSeen
from vmsdk.hypervisor.records import AnyDevice, BootEntry, Controller, Disk, Nic, Power

SCSI = ("pvscsi", "lsilogic", "lsisas1068")
CARDS = ("vmxnet3", "e1000", "e1000e", "pcnet", "virtio")


def disk(bed: KvmBed, number: int, controller: int, unit: int, **facts: object) -> Disk:
    place = bed.place(f"d{number}.vmdk")
    return Disk(key=2000 + number, controller=controller, unit=unit, file=place, capacity=(8 + number) * MIB, **facts)


def command_of(pid: int) -> list[bytes]:
    return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")


async def said_by(bed: KvmBed, uuid: str, *words: bytes) -> list[str]:
    """What the guest says on its serial line up to READY and until it has said all the words."""
    line = bed.serial(uuid)
    try:
        text = await deferToThread(line.until, b"GUEST READY", *words)
    finally:
        line.close()
    return [found.strip() for found in re.findall(r"GUEST (.*)", text.decode(errors="replace"))]


async def test_every_disk_controller_and_every_card_is_found_by_the_guest(bed: KvmBed) -> None:
    controllers = [Controller(key=1000 + bus, model=model, bus=bus) for bus, model in enumerate(SCSI)]
    devices: list[AnyDevice] = [
        Controller(key=201, model="ide", bus=1),
        *controllers,
        Controller(key=15000, model="ahci"),
        Controller(key=7000, model="ehci"),
        Controller(key=14000, model="xhci"),
        disk(bed, 1, 201, 1),
        disk(bed, 2, 1000, 3),
        disk(bed, 3, 1001, 2),
        disk(bed, 4, 1002, 1),
        disk(bed, 5, 15000, 1),
        *(
            Nic(key=4000 + n, model=model, network=bed.network, mac=f"00:50:56:00:01:0{n}")
            for n, model in enumerate(CARDS)
        ),
    ]
    made = await bed.guest_machine(tuple(devices), cpus=2)
    await bed.hypervisor.start(made.uuid)
    assert (await bed.hypervisor.read(made.uuid)).definition == made

    await said_by(bed, made.uuid, *(b" %d BOOTS" % ((8 + number) * MIB) for number in range(1, 6)))

    await bed.ear.until_agent(made.uuid)
    guest = await bed.hypervisor.guest(made.uuid)
    assert {nic.mac for nic in guest.nics} >= {f"00:50:56:00:01:0{n}" for n in range(len(CARDS))}
    assert any(address.address.startswith("10.0.2.") for nic in guest.nics for address in nic.addresses)
    assert (guest.os_id, guest.hostname) == ("vmsdk-guest", "vmsdk-guest") and guest.agent_version and guest.kernel


async def test_disks_on_nvme_are_found_by_the_guest_and_such_a_machine_is_not_suspended(bed: KvmBed) -> None:
    controller = Controller(key=31000, model="nvme")
    made = await bed.guest_machine((controller, disk(bed, 1, 31000, 0), disk(bed, 2, 31000, 3)))
    await bed.hypervisor.start(made.uuid)
    assert (await bed.hypervisor.read(made.uuid)).definition == made
    await said_by(bed, made.uuid, b" %d BOOTS 1" % (9 * MIB), b" %d BOOTS 1" % (10 * MIB))
    await bed.refused(FileInUse, bed.hypervisor.storage.delete(made.devices[2].file))  # type: ignore[union-attr]
    await bed.refused(Unsupported, bed.hypervisor.suspend(made.uuid))
    assert (await bed.hypervisor.read(made.uuid)).power is Power.ON


async def test_a_guest_of_the_uefi_writes_its_disk_and_its_nvram_lies_beside_the_vmx(bed: KvmBed) -> None:
    made = await bed.guest_machine(
        (Controller(key=1000, model="pvscsi"), disk(bed, 1, 1000, 0)), firmware="efi", memory_mib=384
    )
    await bed.hypervisor.start(made.uuid)
    said = await said_by(bed, made.uuid)
    assert any(re.match(rf"DISK sda {9 * MIB} BOOTS 1", line) for line in said), said
    folder = made.home.path.partition("/")[0]
    names = [entry.path for entry in await bed.hypervisor.storage.list(bed.place(folder))]
    assert f"{folder}/{folder}.nvram" in names
    await bed.hypervisor.suspend(made.uuid)
    await bed.hypervisor.start(made.uuid)
    await bed.hypervisor.stop(made.uuid)
    assert b"vmsdk test guest 1" in bed.file(f"{folder}/d1-flat.vmdk").read_bytes()[:512]
    await bed.hypervisor.undefine(made.uuid)
    assert bed.file(f"{folder}/{folder}.nvram").exists(), "a machine that is registered again boots what it booted"


async def test_secure_boot_starts_on_the_board_that_can(bed: KvmBed) -> None:
    made = await bed.guest_machine(
        (Controller(key=1000, model="pvscsi"), disk(bed, 1, 1000, 0)), firmware="efi", secure_boot=True
    )
    await bed.hypervisor.start(made.uuid)
    assert (await bed.hypervisor.read(made.uuid)).power is Power.ON


async def test_what_a_nonpersistent_disk_is_given_is_gone_at_power_off(bed: KvmBed) -> None:
    nonpersistent = disk(bed, 1, 1000, 0, mode="independent_nonpersistent")
    made = await bed.guest_machine((Controller(key=1000, model="pvscsi"), nonpersistent))
    for _ in range(2):
        await bed.hypervisor.start(made.uuid)
        assert any("BOOTS 1" in line for line in await said_by(bed, made.uuid))
        await bed.hypervisor.stop(made.uuid)
    folder = made.home.path.partition("/")[0]
    assert bed.file(f"{folder}/d1-flat.vmdk").read_bytes() == bytes(9 * MIB)


async def test_the_guest_is_asked_to_reboot_and_its_agent_comes_back(bed: KvmBed) -> None:
    made = await bed.machine_with_agent()
    bed.ear.forget()
    await bed.hypervisor.ask_reboot(made.uuid)
    await bed.ear.until(lambda said: isinstance(said, GuestSeen) and said.uuid == made.uuid and not said.guest.agent)
    await bed.ear.until_agent(made.uuid)
    assert bed.ear.story(made.uuid) in ([], ["on"])
    await bed.hypervisor.stop(made.uuid)
    await bed.ear.until_agent(made.uuid, answers=False)
    await bed.refused(WrongPower, bed.hypervisor.ask_shutdown(made.uuid))


async def test_a_guest_reads_its_own_bios_uuid(bed: KvmBed) -> None:
    made = await bed.running()
    [pid] = processes_of(made.uuid)
    words = command_of(pid)
    assert words[words.index(b"-uuid") + 1].decode() == made.uuid
    assert f"type=1,uuid={made.bios_uuid}".encode() in words


@pytest.mark.parametrize(
    ("model", "unit"), [("buslogic", 0), ("lsilogic", 7), ("lsisas1068", 8), ("ahci", 6), ("ide", 2)]
)
async def test_what_qemu_has_not_is_unsupported_by_name(bed: KvmBed, model: str, unit: int) -> None:
    folder = await bed.folder()
    place = bed.place(f"{folder}/x.vmdk")
    await bed.hypervisor.storage.create_disk(place, bed.disk)
    devices = (
        Controller(key=1000, model=model),
        Disk(key=2000, controller=1000, unit=unit, file=place, capacity=bed.disk),
    )
    error = await bed.refused(Unsupported, bed.hypervisor.define(bed.definition(folder, devices=devices)))
    assert model in str(error)


async def test_cards_keep_their_slots_when_one_before_them_goes(bed: KvmBed) -> None:
    cards = tuple(Nic(key=4000 + n, model="e1000", network=bed.network, mac=f"00:50:56:00:02:0{n}") for n in range(3))
    made = await bed.machine(devices=cards)

    def slots() -> dict[str, str]:
        xml = bed.past_us().lookupByUUIDString(made.uuid).XMLDesc()
        return dict(re.findall(r"alias name='ua-(40\d\d)'/>\s*<address type='pci'.*?slot='(\w+)'", xml))

    before = slots()
    fewer = msgspec.structs.replace(made, devices=(*cards[1:], msgspec.structs.replace(cards[0], key=4009)))
    await bed.hypervisor.redefine(fewer)
    after = slots()
    assert len(before) == 3 and after["4001"] == before["4001"] and after["4002"] == before["4002"]
    assert len(set(after.values())) == 3


async def test_a_running_disk_is_in_use_by_every_name_that_it_has(bed: KvmBed) -> None:
    storage, made = bed.hypervisor.storage, await bed.running()
    folder = made.home.path.partition("/")[0]
    for name in (f"{folder}/{folder}.vmdk", f"{folder}/{folder}-flat.vmdk"):
        await bed.refused(FileInUse, storage.delete(bed.place(name)))
        await bed.refused(FileInUse, storage.write(bed.place(name), b"x"))
    await bed.refused(AgentUnavailable, bed.hypervisor.ask_shutdown(made.uuid))


async def test_the_boot_order_is_what_the_machine_boots(bed: KvmBed) -> None:
    made = await bed.machine(boot_order=(BootEntry(kind="nic", key=4000), BootEntry(kind="disk", key=2000)))
    xml = bed.past_us().lookupByUUIDString(made.uuid).XMLDesc()
    assert re.search(r"<interface.*?<boot order='1'/>", xml, re.DOTALL)
    assert re.search(r"<disk.*?<boot order='2'/>", xml, re.DOTALL)
