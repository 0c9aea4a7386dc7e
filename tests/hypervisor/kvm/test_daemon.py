"""Real machines through a libvirtd: what virsh does behind our back, and a daemon that goes away and comes back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from tests.hypervisor.driving import ReactorThread
from tests.hypervisor.kvm.daemon import PrivateDaemon
from tests.hypervisor.kvm.machinery import KvmBed, Root
from vmsdk.hypervisor.errors import Lost, MachineExists
from vmsdk.hypervisor.interface import Connection, MachineGone, MachineSeen
from vmsdk.hypervisor.kvm.backend import KvmHypervisor
from vmsdk.hypervisor.records import Machine, NetworkRecord, Nic, Power


@pytest.fixture(scope="module")
def place() -> Iterator[Root]:
    root = Root()
    yield root
    root.remove()


@pytest.fixture(scope="module")
def daemon(place: Root) -> Iterator[PrivateDaemon]:
    daemon = PrivateDaemon(place.path / "d")
    daemon.start()
    yield daemon
    daemon.kill()


@pytest.fixture
def bed(reactor_thread: ReactorThread, daemon: PrivateDaemon, place: Root) -> Iterator[KvmBed]:
    hypervisor = reactor_thread.call(
        lambda: KvmHypervisor(
            reactor_thread.reactor, daemon.uri, str(place.state), [("ds1", str(place.datastore))],
            networks=(NetworkRecord(name="VM Network"),), sample_seconds=0,
        )
    )  # fmt: skip
    reactor_thread.run(hypervisor.open(), 120)
    bed = KvmBed(reactor_thread, hypervisor, place)
    yield bed
    bed.run(bed.clean())
    reactor_thread.run(hypervisor.close())


def seen(uuid: str, wanted: Callable[[Machine], bool]) -> Callable[[Any], bool]:
    return lambda said: (
        isinstance(said, MachineSeen) and said.machine.definition.uuid == uuid and wanted(said.machine)
    )


async def test_what_virsh_does_to_a_machine_of_ours_is_announced(bed: KvmBed, daemon: PrivateDaemon) -> None:
    made = await bed.machine()
    name = made.name
    for words, wanted in (
        (("start", name), lambda m: m.power is Power.ON and m.started is not None),
        (("suspend", name), lambda m: m.paused),
        (("resume", name), lambda m: m.power is Power.ON and not m.paused),
        (("managedsave", name), lambda m: m.power is Power.SUSPENDED and m.suspended is not None),
        (("start", name), lambda m: m.power is Power.ON),
        (("destroy", name), lambda m: m.power is Power.OFF and not m.crashed),
        (("setmaxmem", name, "96M", "--config"), lambda m: m.definition.memory_mib == 96),
        (("domrename", name, name + "x"), lambda m: m.definition.name == name + "x"),
    ):  # fmt: skip
        bed.ear.forget()
        daemon.virsh(*words)
        machine = (await bed.ear.until(seen(made.uuid, wanted))).machine  # type: ignore[union-attr]
        assert not machine.foreign
    kept = msgspec.structs.replace(made, name=name + "x", memory_mib=96)
    assert (await bed.hypervisor.read(made.uuid)).definition == kept
    daemon.virsh("undefine", name + "x")
    await bed.ear.until(lambda said: said == MachineGone(uuid=made.uuid))


async def test_a_device_that_virsh_put_in_is_seen_and_one_that_it_took_is_gone(
    bed: KvmBed, daemon: PrivateDaemon
) -> None:
    made = await bed.machine()
    bed.ear.forget()
    folder = bed.root.path / "nic.xml"
    folder.write_text("<interface type='user'><mac address='00:50:56:00:77:77'/><model type='e1000e'/></interface>")
    daemon.virsh("attach-device", made.name, str(folder), "--config")
    daemon.virsh("detach-device-alias", made.name, "ua-4000", "--config")
    machine = await bed.hypervisor.read(made.uuid)
    [nic] = [device for device in machine.definition.devices if isinstance(device, Nic)]
    assert (nic.mac, nic.model, nic.network) == ("00:50:56:00:77:77", "e1000e", "VM Network")
    assert nic.key not in {device.key for device in made.devices if not isinstance(device, Nic)}
    await bed.hypervisor.redefine(machine.definition)
    assert (await bed.hypervisor.read(made.uuid)).definition == machine.definition


async def test_a_name_that_someone_else_took_is_refused(bed: KvmBed, daemon: PrivateDaemon) -> None:
    made = await bed.machine()
    uuid = "b0000000-0000-4000-8000-000000000001"
    xml = bed.root.path / "other.xml"
    xml.write_text(
        f"<domain type='qemu'><name>taken</name><uuid>{uuid}</uuid><memory>32768</memory>"
        "<os><type arch='x86_64' machine='pc'>hvm</type></os></domain>"
    )
    daemon.virsh("define", str(xml))
    await bed.ear.until(seen(uuid, lambda machine: machine.foreign))
    await bed.refused(MachineExists, bed.hypervisor.redefine(msgspec.structs.replace(made, name="taken")))
    await bed.hypervisor.undefine(uuid)


async def test_a_daemon_that_dies_is_announced_and_found_again(bed: KvmBed, daemon: PrivateDaemon) -> None:
    made = await bed.running()
    bed.ear.forget()
    daemon.kill()
    await bed.ear.until(lambda said: said == Connection(up=False))
    await bed.refused(Lost, bed.hypervisor.stop(made.uuid))

    daemon.start()
    daemon.virsh("suspend", made.name)
    await bed.ear.until(lambda said: said == Connection(up=True))

    await bed.ear.until(seen(made.uuid, lambda machine: machine.paused))
    await bed.hypervisor.unpause(made.uuid)
    await bed.hypervisor.stop(made.uuid)


async def test_a_daemon_that_hangs_counts_as_gone_until_it_answers_again(bed: KvmBed, daemon: PrivateDaemon) -> None:
    made = await bed.machine()
    daemon.hang()
    try:
        await bed.ear.until(lambda said: said == Connection(up=False))  # nothing answers the keepalive
        await bed.refused(Lost, bed.hypervisor.start(made.uuid))
    finally:
        daemon.hang(False)
    await bed.ear.until(lambda said: said == Connection(up=True))
    await bed.hypervisor.start(made.uuid)


def test_a_daemon_that_is_not_there_is_lost_in_words(reactor_thread: ReactorThread, place: Root) -> None:
    hypervisor = reactor_thread.call(
        lambda: KvmHypervisor(reactor_thread.reactor, "qemu+unix:///system?socket=/nonexistent", str(place.state), [])
    )
    with pytest.raises(Lost, match=re.compile("nonexistent")):
        reactor_thread.run(hypervisor.open())
    reactor_thread.run(hypervisor.close())
