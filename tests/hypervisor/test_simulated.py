"""The simulated host keeps the port's promises in all its ways to work, and what it offers beyond the port."""

from __future__ import annotations

import gc
import itertools
import time
import tracemalloc
from collections.abc import Coroutine, Iterator
from typing import Any

import msgspec
import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from vmsdk.hypervisor.errors import (
    FileInUse,
    HypervisorError,
    Lost,
    NoSpace,
    NotEnoughMemory,
    TimedOut,
    WrongPower,
)
from vmsdk.hypervisor.interface import Connection, GuestSeen, MachineSeen, Sampled
from vmsdk.hypervisor.records import Controller, Definition, Disk, Power
from vmsdk.hypervisor.simulated import (
    SHAPES,
    Conditions,
    Pace,
    SimulatedHypervisor,
    SimulatedMachine,
    build_simulated,
)
from vmsdk.hypervisor.worker import SteppedWorker, TimedWorker

from .bed import Bed, Ear
from .driving import ReactorThread, drive
from .storage_suite import StorageSuite
from .suite import MachinesSuite


class SimulatedBed(Bed):
    """On simulated time, or on the reactor of a thread."""

    hypervisor: SimulatedHypervisor

    def __init__(
        self,
        thread: ReactorThread | None = None,
        stepped: bool = False,
        machines: int = 0,
        shape: str = "small",
        pace: Pace | None = None,
        delays: dict[str, float] | None = None,
    ) -> None:
        super().__init__()
        self.thread = thread
        self.clock: Any = thread.reactor if thread else Clock()
        if thread is None:
            self.clock.advance(1_800_000_000.0)
        self.worker = SteppedWorker() if stepped else None
        self.hypervisor = build_simulated(
            self.clock, machines, shape, self.worker or TimedWorker(self.clock), Conditions(delays), pace
        )
        self.ear = Ear(self.hypervisor)
        self.run(self.hypervisor.open())
        self.datastore = self.run(self.hypervisor.storage.datastores())[0].id
        self.network = "VM Network"

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.thread.run(coroutine) if self.thread else drive(coroutine, self.clock, self.worker)

    async def guest_powers_off(self, uuid: str) -> None:
        self.hypervisor.guest_powers_off(uuid)

    async def someone_defines(self, name: str) -> str:
        definition = self.definition(name, devices=())
        self.hypervisor.someone_defines(definition)
        return definition.uuid

    async def someone_starts(self, uuid: str) -> None:
        self.hypervisor.someone_starts(uuid)

    async def machine_with_agent(self) -> Definition:
        definition = await self.machine()
        self.hypervisor.install_agent(definition.uuid)
        await self.hypervisor.start(definition.uuid)
        await self.ear.until_agent(definition.uuid)
        return definition


SLOW = dict.fromkeys(("define", "start", "stop", "suspend", "undefine", "storage.create_disk"), 0.5)
WAYS: dict[str, dict[str, Any]] = {
    "stepped": {"stepped": True},
    "by a clock": {},
    "slow, large": {"delays": SLOW, "pace": Pace(guest_boot=3.0, guest_stop=2.0), "shape": "large", "machines": 3},
}


class OnSimulatedTime:
    @pytest.fixture(params=WAYS)
    def bed(self, request: pytest.FixtureRequest) -> Iterator[SimulatedBed]:
        bed = SimulatedBed(**WAYS[request.param])
        before = bed.run(bed.hypervisor.storage.list(bed.place("")))
        yield bed
        bed.run(bed.clean())
        assert bed.run(bed.hypervisor.storage.list(bed.place(""))) == before
        bed.run(bed.hypervisor.close())


class OnAReactor:
    @pytest.fixture
    def bed(self, reactor_thread: ReactorThread) -> Iterator[SimulatedBed]:
        bed = SimulatedBed(thread=reactor_thread)
        yield bed
        bed.run(bed.clean())
        bed.run(bed.hypervisor.close())


class TestMachines(OnSimulatedTime, MachinesSuite):
    pass


class TestStorage(OnSimulatedTime, StorageSuite):
    pass


class TestMachinesOnAReactor(OnAReactor, MachinesSuite):
    pass


class TestStorageOnAReactor(OnAReactor, StorageSuite):
    pass


# -- beyond the port


@pytest.fixture
def bed() -> SimulatedBed:
    return SimulatedBed(stepped=True)


def begin(coroutine: Coroutine[Any, Any, Any]) -> list[Any]:
    """Starts it; the list holds the outcome once there is one."""
    outcome: list[Any] = []
    Deferred.fromCoroutine(coroutine).addBoth(outcome.append)
    return outcome


def settle(bed: SimulatedBed) -> None:
    assert bed.worker is not None
    bed.worker.step()


def test_nothing_happens_until_a_step(bed: SimulatedBed) -> None:
    made = bed.run(bed.machine())
    settle(bed)
    bed.ear.forget()
    started = begin(bed.hypervisor.start(made.uuid))
    bed.clock.advance(3.0)
    assert (started, bed.ear.story(made.uuid)) == ([], [])
    assert bed.worker is not None and bed.worker.waiting == (f"start {made.uuid}",)
    assert bed.worker.step(1) == 1
    assert (started, bed.ear.story(made.uuid)) == ([None], ["on"])


def test_a_delay_passes_before_the_effect() -> None:
    bed = SimulatedBed(delays={"start": 4.0})
    made = bed.run(bed.machine())
    started = begin(bed.hypervisor.start(made.uuid))
    bed.clock.advance(3.9)
    assert (started, bed.ear.story(made.uuid)) == ([], ["off"])
    bed.clock.advance(0.2)
    assert (started, bed.ear.story(made.uuid)) == ([None], ["off", "on"])


async def test_an_arranged_failure_is_raised_once_and_leaves_nothing(bed: SimulatedBed) -> None:
    made, other = await bed.machine(), await bed.machine()
    bed.hypervisor.conditions.fail("start", NotEnoughMemory(2, 1), only=made.uuid)
    await bed.hypervisor.start(other.uuid)
    await bed.refused(NotEnoughMemory, bed.hypervisor.start(made.uuid))
    assert bed.ear.story(made.uuid) == ["off"]
    await bed.hypervisor.start(made.uuid)
    place = bed.place(f"{made.name}/y.vmdk")
    bed.hypervisor.conditions.fail("storage.create_disk", NoSpace(place))
    await bed.refused(NoSpace, bed.hypervisor.storage.create_disk(place, 1 << 20))
    await bed.hypervisor.storage.create_disk(place, 1 << 20)


def test_a_misspelt_verb_is_not_fair_weather(bed: SimulatedBed) -> None:
    for arrange in (lambda: bed.hypervisor.conditions.hang("strat"), lambda: Conditions({"create_disk": 1.0})):
        with pytest.raises(ValueError, match="no verb"):
            arrange()


def test_a_hanging_verb_goes_on_when_it_is_released(bed: SimulatedBed) -> None:
    made = bed.run(bed.machine())
    hold = bed.hypervisor.conditions.hang("start")
    started = begin(bed.hypervisor.start(made.uuid))
    settle(bed)
    assert (started, hold.holds) == ([], True)
    bed.run(bed.hypervisor.read(made.uuid))  # others are not held up
    hold.release()
    settle(bed)
    assert (started, hold.holds, bed.ear.story(made.uuid)) == ([None], False, ["off", "on"])


def test_a_verb_past_its_deadline_still_announces_its_late_effect() -> None:
    bed = SimulatedBed(pace=Pace(deadline=5.0))
    made = bed.run(bed.machine())
    hold = bed.hypervisor.conditions.hang("start")
    [failure] = (outcome := begin(bed.hypervisor.start(made.uuid))) or bed.clock.advance(5.0) or outcome
    assert failure.check(TimedOut)
    assert bed.ear.story(made.uuid) == ["off"]
    hold.release()
    bed.clock.advance(0)
    assert bed.ear.story(made.uuid) == ["off", "on"]


def test_close_ends_at_once_where_a_verb_hangs_and_machines_run_on() -> None:
    bed = SimulatedBed(machines=2)
    uuid = bed.hypervisor.records()[0].uuid
    hold = bed.hypervisor.conditions.hang("stop")
    stopped = begin(bed.hypervisor.stop(uuid))
    [closed] = begin(bed.hypervisor.close())
    assert closed is None and stopped[0].check(Lost)
    hold.release()
    bed.clock.advance(60)
    with pytest.raises(Lost):
        bed.run(bed.hypervisor.machines())
    bed.run(bed.hypervisor.open())
    assert [each.power for each in bed.run(bed.hypervisor.machines())] == [Power.ON, Power.ON]


def test_what_changed_while_out_of_reach_is_announced_before_we_are_back(bed: SimulatedBed) -> None:
    made, gone = bed.run(bed.running()), bed.run(bed.machine())
    bed.hypervisor.lose_connection()
    settle(bed)
    bed.ear.forget()
    bed.hypervisor.guest_powers_off(made.uuid)
    bed.hypervisor.someone_undefines(gone.uuid)
    with pytest.raises(Lost):
        bed.run(bed.hypervisor.start(made.uuid))
    assert bed.ear.heard == []
    bed.hypervisor.regain_connection()
    back = bed.ear.heard.index(Connection(up=True))
    bed.ear.heard[back:] = []
    assert (bed.ear.story(made.uuid), bed.ear.story(gone.uuid)) == (["off"], ["gone"])


async def test_a_disk_has_one_running_machine(bed: SimulatedBed) -> None:
    made = await bed.running()
    disk = msgspec.structs.replace(made.devices[1], key=2000)
    twin = bed.definition(await bed.folder(), devices=(Controller(key=1000, model="pvscsi"), disk))
    bed.made.append(twin.uuid)
    await bed.hypervisor.define(twin)
    await bed.refused(FileInUse, bed.hypervisor.start(twin.uuid))
    await bed.hypervisor.stop(made.uuid)
    await bed.hypervisor.start(twin.uuid)
    assert isinstance(disk, Disk)
    await bed.refused(FileInUse, bed.hypervisor.storage.delete(disk.file))


def test_memory_is_lent_and_given_back() -> None:
    bed = SimulatedBed(machines=4)
    host = bed.run(bed.hypervisor.host())
    most = (host.memory >> 20) - 4 * 256
    made = bed.run(bed.running(memory_mib=most))
    more = bed.run(bed.machine(memory_mib=64))
    with pytest.raises(NotEnoughMemory) as caught:
        bed.run(bed.hypervisor.start(more.uuid))
    assert (caught.value.wanted, caught.value.available) == (64 << 20, 0)
    bed.run(bed.hypervisor.suspend(made.uuid))
    bed.run(bed.hypervisor.start(more.uuid))
    with pytest.raises(NotEnoughMemory):
        bed.run(bed.hypervisor.start(made.uuid))


async def test_space_is_reckoned_to_the_block(bed: SimulatedBed) -> None:
    storage, folder = bed.hypervisor.storage, await bed.folder()

    async def free() -> int:
        return (await storage.datastores())[0].free

    before = await free()
    place = bed.place(f"{folder}/x.vmdk")
    with pytest.raises(NoSpace):
        await storage.create_disk(place, before, thin=False)  # the descriptor takes a block too
    await storage.create_disk(place, before - 4096, thin=False)
    assert await free() == 0
    with pytest.raises(NoSpace):
        await storage.write(bed.place(f"{folder}/x.txt"), b"x")
    with pytest.raises(NoSpace):
        await storage.resize_disk(place, before)
    with pytest.raises(NoSpace):
        await storage.make_directory(bed.place(f"{folder}/a"))
    await storage.delete(place)
    assert await free() == before


def test_an_old_boot_says_nothing_of_a_new_run() -> None:
    bed = SimulatedBed(pace=Pace(guest_boot=10.0))
    made = bed.run(bed.machine())
    bed.hypervisor.install_agent(made.uuid)
    for verb in (bed.hypervisor.start, bed.hypervisor.stop, bed.hypervisor.start):
        bed.run(verb(made.uuid))
        bed.clock.advance(4.0)
    bed.clock.advance(5.9 - 4.0)  # 10 s after the first start, before those of the second
    assert bed.ear.guest(made.uuid) is None
    bed.clock.advance(4.2)
    assert bed.ear.guest(made.uuid) is not None


async def test_an_agent_answers_while_its_machine_runs(bed: SimulatedBed) -> None:
    made = await bed.machine_with_agent()
    await bed.hypervisor.pause(made.uuid)
    assert not (await bed.hypervisor.guest(made.uuid)).agent
    await bed.hypervisor.unpause(made.uuid)
    assert (await bed.hypervisor.guest(made.uuid)).hostname == made.name
    bed.hypervisor.install_agent(made.uuid, installed=False)
    assert bed.ear.guest(made.uuid) is not None and not bed.ear.guest(made.uuid).agent  # type: ignore[union-attr]


async def test_a_standby_suspends_and_a_reboot_brings_the_agent_back(bed: SimulatedBed) -> None:
    made = await bed.machine_with_agent()
    await bed.hypervisor.ask_reboot(made.uuid)
    bed.ear.forget()
    await bed.ear.until_agent(made.uuid, answers=False)
    await bed.ear.until_agent(made.uuid)
    await bed.hypervisor.ask_standby(made.uuid)
    await bed.ear.until_power(made.uuid, Power.SUSPENDED)
    bed.ear.forget()
    await bed.hypervisor.start(made.uuid)
    assert bed.ear.guest(made.uuid) is not None and bed.ear.guest(made.uuid).agent  # type: ignore[union-attr]


def test_a_crash_is_no_clean_stop(bed: SimulatedBed) -> None:
    made = bed.run(bed.running())
    bed.hypervisor.guest_crashes(made.uuid)
    seen = bed.ear.machine(made.uuid)
    assert seen is not None and (seen.power, seen.crashed, seen.clean_stop) == (Power.OFF, True, False)
    with pytest.raises(WrongPower):
        bed.hypervisor.guest_powers_off(made.uuid)


def test_a_listener_that_fails_or_acts_keeps_nobody_from_the_order(bed: SimulatedBed) -> None:
    made = bed.run(bed.machine())

    def stops_what_starts(each: object) -> None:
        if isinstance(each, MachineSeen) and each.machine.power is Power.ON:
            bed.hypervisor.someone_stops(each.machine.definition.uuid)

    bed.ear.end()
    bed.hypervisor.listen(lambda each: 1 / 0)
    bed.hypervisor.listen(stops_what_starts)
    bed.ear = Ear(bed.hypervisor)
    bed.run(bed.hypervisor.start(made.uuid))
    assert bed.ear.story(made.uuid) == ["on", "off"]


def test_figures_come_by_the_clock_and_counters_never_fall() -> None:
    bed = SimulatedBed(machines=1200, pace=Pace(sample=20.0))
    for _ in range(10):
        bed.clock.pump([0.0] * 4 + [20.0])
    rounds = [each for each in bed.ear.heard if isinstance(each, Sampled)]
    assert len(rounds) >= 10
    assert all(len(each.machines) == 1200 for each in rounds)
    host = bed.run(bed.hypervisor.host())
    for before, after in itertools.pairwise(rounds):
        assert after.host.at > before.host.at and 0 < after.host.cpu <= host.cpu_threads
        assert 0 < after.host.memory_used <= host.memory and after.host.uptime > before.host.uptime
        for uuid, old in before.machines.items():
            new = after.machines[uuid]
            assert 0 < new.cpu_seconds - old.cpu_seconds <= new.at - old.at
            assert new.disk_read >= old.disk_read and new.net_sent >= old.net_sent
            assert 0 < new.memory_resident <= 256 << 20


def test_agents_and_figures_are_reported_after_open() -> None:
    bed = SimulatedBed(machines=3)
    uuids = [each.uuid for each in bed.hypervisor.records()]
    bed.clock.advance(0)
    assert [each.uuid for each in bed.ear.heard if isinstance(each, GuestSeen)] == uuids
    addresses = {bed.ear.guest(uuid).nics[0].addresses[0].address for uuid in uuids}  # type: ignore[union-attr]
    assert addresses == {"10.0.0.1", "10.0.0.2", "10.0.0.3"}
    assert set(uuids) == set(next(each for each in bed.ear.heard if isinstance(each, Sampled)).machines)


@pytest.mark.parametrize("shape", SHAPES)
def test_built_machines_are_whole(shape: str) -> None:
    bed = SimulatedBed(machines=12, shape=shape)
    machines = bed.run(bed.hypervisor.machines())
    assert [each.definition.name for each in machines][::11] == ["vm-0001", "vm-0012"]
    for each in machines:
        definition = each.definition
        assert (each.power, definition.guest_id) == (Power.ON, "otherLinux64Guest")
        assert definition.devices[2].network == "VM Network"
        assert bed.run(bed.hypervisor.storage.disk(definition.devices[1].file)).capacity == 10 << 30
        assert definition.uuid.encode() in bed.run(bed.hypervisor.storage.read(definition.home))
    uuid = machines[0].definition.uuid
    bed.run(bed.hypervisor.stop(uuid))
    bed.run(bed.hypervisor.start(uuid))


def test_the_shapes_differ_in_all_that_a_client_sees() -> None:
    hosts = {name: build_simulated(Clock(), shape=name) for name in SHAPES}
    assert set(hosts) == {"small", "large"}
    small, large = SHAPES["small"], SHAPES["large"]
    assert small.host.cpu_packages != large.host.cpu_packages and small.host.nics != large.host.nics
    assert len(small.datastores) != len(large.datastores) and len(small.networks) != len(large.networks)
    for shape in (small, large):
        threads = [thread for package in shape.host.cpu_packages for thread in package.threads]
        assert len(threads) == shape.host.cpu_threads
        assert sum(node.memory for node in shape.host.numa) == shape.host.memory


def test_the_records_bring_the_machines_back() -> None:
    clock = Clock()
    first = build_simulated(clock, 5)
    text = msgspec.json.encode(first.records())
    second = build_simulated(clock)
    for each in msgspec.json.decode(text, type=tuple[SimulatedMachine, ...]):
        second.adopt(each)
    assert second.records() == first.records()


def test_a_thousand_machines_are_built_at_once_and_ten_thousand_are_small() -> None:
    began = time.process_time()
    build_simulated(Clock(), 1000)
    assert time.process_time() - began < 0.3
    began = time.process_time()
    many = build_simulated(Clock(), 10_000, shape="large")
    assert time.process_time() - began < 3.0
    del many
    gc.collect()
    tracemalloc.start()
    try:
        many = build_simulated(Clock(), 2000)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used / len(many.records()) < 20_000


async def test_an_error_without_a_type_of_its_own_still_says_what_is_wrong(bed: SimulatedBed) -> None:
    folder = await bed.folder()
    for name in ("x.txt", "x-flat.vmdk", ".vmdk"):
        error = await bed.refused(
            HypervisorError, bed.hypervisor.storage.create_disk(bed.place(f"{folder}/{name}"), 1)
        )
        assert name in str(error)
