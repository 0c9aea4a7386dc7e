"""The promises of the port's machines, held against a backend: `class TestX(MachinesSuite)` with a fixture `bed`.

Law: nothing here knows a backend. A test asks only what `interface.py` promises, and finds the host as others
left it.
"""

from __future__ import annotations

import uuid as uuids

import msgspec
import pytest
from twisted.internet.defer import Deferred, DeferredList

from vmsdk.hypervisor.errors import (
    AgentUnavailable,
    FileMissing,
    MachineExists,
    NoSuchMachine,
    NotEnoughMemory,
    WrongPower,
)
from vmsdk.hypervisor.interface import GuestSeen, MachineGone, MachineSeen
from vmsdk.hypervisor.records import BootEntry, Controller, Disk, Nic, Optical, Power

from .bed import Bed

UNKNOWN = str(uuids.UUID(int=7))
ON_ONLY = ("reset", "suspend", "pause", "unpause", "ask_shutdown", "ask_reboot", "ask_standby")


class MachinesSuite:
    # -- reading
    async def test_the_host_tells_its_hardware(self, bed: Bed) -> None:
        host = await bed.hypervisor.host()
        assert host.name and host.uuid and host.cpu_model and host.memory > 0
        assert host.cpu_threads >= host.cpu_cores >= 1
        assert host.accelerator in ("kvm", "tcg", "simulated")
        assert host == await bed.hypervisor.host()

    async def test_networks_have_names_of_their_own(self, bed: Bed) -> None:
        names = [each.name for each in await bed.hypervisor.networks()]
        assert bed.network in names
        assert len(set(names)) == len(names)

    async def test_opening_again_changes_nothing(self, bed: Bed) -> None:
        made = await bed.machine()
        before = await bed.hypervisor.machines()
        await bed.hypervisor.open()
        assert await bed.hypervisor.machines() == before
        assert made.uuid in [each.definition.uuid for each in before]

    async def test_reading_a_machine_announces_it(self, bed: Bed) -> None:
        made = await bed.machine()
        bed.ear.forget()
        assert await bed.hypervisor.read(made.uuid) == bed.ear.machine(made.uuid)

    @pytest.mark.parametrize("verb", ["read", "guest", "start", "stop", *ON_ONLY])
    async def test_a_machine_that_is_not_there_is_named(self, bed: Bed, verb: str) -> None:
        error = await bed.refused(NoSuchMachine, getattr(bed.hypervisor, verb)(UNKNOWN))
        assert error.uuid == UNKNOWN

    async def test_who_ended_listening_hears_no_more(self, bed: Bed) -> None:
        heard: list[object] = []
        end = bed.hypervisor.listen(heard.append)
        made = await bed.machine()
        end()
        count = len(heard)
        assert count > 0
        await bed.hypervisor.read(made.uuid)
        end()
        assert len(heard) == count

    # -- definition
    async def test_what_was_defined_is_what_is_read(self, bed: Bed) -> None:
        folder = await bed.folder()
        disk, second = bed.place(f"{folder}/{folder}.vmdk"), bed.place(f"{folder}/{folder}_1.vmdk")
        iso = bed.place(f"{folder}/boot.iso")
        await bed.hypervisor.storage.write(iso, bytes(4096))
        for place in (disk, second):
            await bed.hypervisor.storage.create_disk(place, bed.disk)
        definition = bed.definition(
            folder,
            cpus=2,
            cores_per_socket=2,
            annotation='two lines\nwith <marks> & "quotes", äöü 漢字',
            extra=(("guestinfo.a", "1"), ("svga.present", "TRUE"), ("empty", "")),
            remembered=(("tools", '{"a": [1, 2]}'),),
            boot_order=(BootEntry(kind="nic", key=4000), BootEntry(kind="disk", key=2001), BootEntry(kind="optical")),
            devices=(
                Controller(key=200, model="ide"),
                Controller(key=1000, model="pvscsi"),
                Disk(key=2000, controller=1000, unit=0, file=disk, capacity=bed.disk, uuid=str(uuids.uuid4())),
                Disk(
                    key=2001, controller=1000, unit=1, file=second, capacity=bed.disk, uuid=str(uuids.uuid4()),
                    mode="independent_persistent",
                ),
                Optical(
                    key=3000, controller=200, unit=0, backing="iso", file=iso, connected=False, start_connected=True
                ),
                Nic(key=4000, model="vmxnet3", network=bed.network, mac="00:50:56:01:02:03", mac_kind="manual"),
                Nic(key=4001, model="e1000", network=bed.network, mac="00:50:56:01:02:04", unit=8),
            ),
        )  # fmt: skip
        bed.made.append(definition.uuid)

        await bed.hypervisor.define(definition)

        assert (await bed.hypervisor.read(definition.uuid)).definition == definition
        [listed] = [each for each in await bed.hypervisor.machines() if each.definition.uuid == definition.uuid]
        assert (listed.definition, listed.power, listed.foreign, listed.trouble) == (definition, Power.OFF, False, "")

    async def test_a_defined_machine_is_announced_off(self, bed: Bed) -> None:
        made = await bed.machine()
        seen = bed.ear.machine(made.uuid)
        assert seen is not None
        assert (seen.definition, seen.power, seen.started, seen.foreign) == (made, Power.OFF, None, False)

    async def test_one_identity_and_one_name_for_one_machine(self, bed: Bed) -> None:
        made = await bed.machine()
        other_name = msgspec.structs.replace(made, name=bed.name())
        other_uuid = msgspec.structs.replace(made, uuid=str(uuids.uuid4()))
        await bed.refused(MachineExists, bed.hypervisor.define(other_name))
        await bed.refused(MachineExists, bed.hypervisor.define(other_uuid))
        assert (await bed.hypervisor.read(made.uuid)).definition == made
        assert other_uuid.uuid not in [each.definition.uuid for each in await bed.hypervisor.machines()]

    async def test_a_new_definition_is_announced_with_its_new_name(self, bed: Bed) -> None:
        made = await bed.machine()
        new = msgspec.structs.replace(made, name=bed.name(), annotation="new", cpus=2, changed=made.changed + 1)
        await bed.hypervisor.redefine(new)
        seen = bed.ear.machine(made.uuid)
        assert seen is not None and seen.definition == new
        assert (await bed.hypervisor.read(made.uuid)).definition == new

    async def test_the_old_name_is_free_after_a_rename(self, bed: Bed) -> None:
        made = await bed.machine()
        await bed.hypervisor.redefine(msgspec.structs.replace(made, name=bed.name()))
        heir = msgspec.structs.replace(made, uuid=str(uuids.uuid4()), bios_uuid=str(uuids.uuid4()), devices=())
        bed.made.append(heir.uuid)
        await bed.hypervisor.define(heir)
        assert (await bed.hypervisor.read(heir.uuid)).definition == heir

    async def test_a_refused_definition_changes_nothing(self, bed: Bed) -> None:
        made, other = await bed.machine(), await bed.machine()
        await bed.refused(NoSuchMachine, bed.hypervisor.redefine(msgspec.structs.replace(made, uuid=UNKNOWN)))
        await bed.refused(MachineExists, bed.hypervisor.redefine(msgspec.structs.replace(made, name=other.name)))
        assert (await bed.hypervisor.read(made.uuid)).definition == made
        assert (await bed.hypervisor.read(other.uuid)).definition == other

    async def test_a_running_machine_keeps_running_when_it_is_redefined(self, bed: Bed) -> None:
        made = await bed.running()
        new = msgspec.structs.replace(made, annotation="while it runs", changed=made.changed + 1)
        await bed.hypervisor.redefine(new)
        seen = await bed.hypervisor.read(made.uuid)
        assert (seen.power, seen.definition) == (Power.ON, new)
        await bed.hypervisor.stop(made.uuid)
        await bed.hypervisor.start(made.uuid)
        assert (await bed.hypervisor.read(made.uuid)).definition == new

    async def test_an_undefined_machine_is_gone_and_its_disks_stay(self, bed: Bed) -> None:
        made = await bed.machine()
        await bed.hypervisor.undefine(made.uuid)
        assert bed.ear.story(made.uuid) == ["off", "gone"]
        await bed.refused(NoSuchMachine, bed.hypervisor.read(made.uuid))
        assert (await bed.hypervisor.storage.disk(made.devices[1].file)).capacity == bed.disk  # type: ignore[union-attr]

    async def test_undefining_what_is_gone_succeeds(self, bed: Bed) -> None:
        made = await bed.machine()
        await bed.hypervisor.undefine(made.uuid)
        await bed.hypervisor.undefine(made.uuid)
        await bed.hypervisor.undefine(UNKNOWN)

    async def test_a_running_machine_is_not_forgotten(self, bed: Bed) -> None:
        made = await bed.running()
        error = await bed.refused(WrongPower, bed.hypervisor.undefine(made.uuid))
        assert error.existing is Power.ON
        assert (await bed.hypervisor.read(made.uuid)).power is Power.ON

    async def test_a_suspended_machine_is_forgotten_with_its_memory(self, bed: Bed) -> None:
        made = await bed.bring(Power.SUSPENDED)
        await bed.hypervisor.undefine(made.uuid)
        assert bed.ear.story(made.uuid)[-1] == "gone"
        await bed.hypervisor.define(made)
        assert (await bed.hypervisor.read(made.uuid)).power is Power.OFF

    # -- power
    async def test_a_started_machine_is_announced_on_before_start_returns(self, bed: Bed) -> None:
        made = await bed.machine()
        bed.ear.forget()
        await bed.hypervisor.start(made.uuid)
        seen = bed.ear.machine(made.uuid)
        assert seen is not None
        assert (seen.power, seen.paused, seen.definition) == (Power.ON, False, made)
        assert seen.started is not None and seen.suspended is None

    async def test_a_stopped_machine_is_announced_off_before_stop_returns(self, bed: Bed) -> None:
        made = await bed.running()
        await bed.hypervisor.stop(made.uuid)
        seen = bed.ear.machine(made.uuid)
        assert seen is not None
        assert (seen.power, seen.started, seen.paused) == (Power.OFF, None, False)

    async def test_a_life_is_announced_in_order(self, bed: Bed) -> None:
        made = await bed.running()
        await bed.hypervisor.suspend(made.uuid)
        await bed.hypervisor.start(made.uuid)
        await bed.hypervisor.stop(made.uuid)
        await bed.hypervisor.undefine(made.uuid)
        assert bed.ear.story(made.uuid) == ["off", "on", "suspended", "on", "off", "gone"]

    @pytest.mark.parametrize("power", [Power.OFF, Power.SUSPENDED])
    async def test_what_needs_a_running_machine_is_refused_without_one(self, bed: Bed, power: Power) -> None:
        made = await bed.bring(power)
        for verb in ON_ONLY:
            error = await bed.refused(WrongPower, getattr(bed.hypervisor, verb)(made.uuid))
            assert error.existing is power, verb
        assert (await bed.hypervisor.read(made.uuid)).power is power

    async def test_on_is_not_started_and_off_is_not_stopped(self, bed: Bed) -> None:
        made = await bed.machine()
        assert (await bed.refused(WrongPower, bed.hypervisor.stop(made.uuid))).existing is Power.OFF
        await bed.hypervisor.start(made.uuid)
        assert (await bed.refused(WrongPower, bed.hypervisor.start(made.uuid))).existing is Power.ON
        assert (await bed.hypervisor.read(made.uuid)).power is Power.ON

    async def test_of_two_starts_at_once_one_wins(self, bed: Bed) -> None:
        made = await bed.machine()
        both = [Deferred.fromCoroutine(bed.hypervisor.start(made.uuid)) for _ in range(2)]
        outcomes = await DeferredList(both, consumeErrors=True)
        assert sorted(good for good, _ in outcomes) == [False, True]
        [failure] = [what for good, what in outcomes if not good]
        assert failure.check(WrongPower), failure
        assert bed.ear.story(made.uuid) == ["off", "on"]

    async def test_a_machine_without_its_disk_does_not_start(self, bed: Bed) -> None:
        made = await bed.machine()
        place = made.devices[1].file  # type: ignore[union-attr]
        await bed.hypervisor.storage.delete(place)
        error = await bed.refused(FileMissing, bed.hypervisor.start(made.uuid))
        assert error.place == place
        assert (await bed.hypervisor.read(made.uuid)).power is Power.OFF
        await bed.hypervisor.storage.create_disk(place, bed.disk)
        await bed.hypervisor.start(made.uuid)
        assert bed.ear.story(made.uuid) == ["off", "on"]

    async def test_more_memory_than_there_is_refuses_the_start(self, bed: Bed) -> None:
        memory = (await bed.hypervisor.host()).memory
        made = await bed.machine(memory_mib=2 * memory // (1 << 20))
        error = await bed.refused(NotEnoughMemory, bed.hypervisor.start(made.uuid))
        assert error.wanted > error.available
        assert (await bed.hypervisor.read(made.uuid)).power is Power.OFF

    async def test_a_reset_machine_stays_on(self, bed: Bed) -> None:
        made = await bed.running()
        bed.ear.forget()
        await bed.hypervisor.reset(made.uuid)
        assert bed.ear.story(made.uuid) == ["on"]

    async def test_a_suspended_machine_goes_on_or_loses_its_memory(self, bed: Bed) -> None:
        made = await bed.running()
        await bed.hypervisor.suspend(made.uuid)
        seen = bed.ear.machine(made.uuid)
        assert seen is not None and seen.power is Power.SUSPENDED
        await bed.hypervisor.start(made.uuid)
        await bed.hypervisor.suspend(made.uuid)
        await bed.hypervisor.stop(made.uuid)
        assert (await bed.hypervisor.read(made.uuid)).power is Power.OFF
        await bed.refused(WrongPower, bed.hypervisor.stop(made.uuid))
        await bed.hypervisor.start(made.uuid)
        assert (await bed.hypervisor.read(made.uuid)).power is Power.ON

    async def test_a_paused_machine_is_on_and_paused(self, bed: Bed) -> None:
        made = await bed.running()
        seen = []
        for verb in (bed.hypervisor.pause, bed.hypervisor.unpause):
            await verb(made.uuid)
            machine = bed.ear.machine(made.uuid)
            assert machine is not None
            seen.append((machine.power, machine.paused))
        assert seen == [(Power.ON, True), (Power.ON, False)]

    # -- what happens without a verb
    async def test_a_guest_that_powers_off_is_announced(self, bed: Bed) -> None:
        made = await bed.running()
        bed.ear.forget()
        await bed.guest_powers_off(made.uuid)
        seen = await bed.ear.until_power(made.uuid, Power.OFF)
        assert (seen.started, seen.crashed) == (None, False)
        await bed.hypervisor.start(made.uuid)
        assert bed.ear.story(made.uuid) == ["off", "on"]

    async def test_what_someone_else_does_is_announced(self, bed: Bed) -> None:
        uuid = await bed.someone_defines(bed.name())
        bed.made.append(uuid)
        assert (await bed.ear.until_power(uuid, Power.OFF)).foreign
        await bed.someone_starts(uuid)
        assert (await bed.ear.until_power(uuid, Power.ON)).foreign
        await bed.hypervisor.stop(uuid)
        await bed.hypervisor.undefine(uuid)
        await bed.ear.until(lambda each: each == MachineGone(uuid=uuid))

    # -- through the guest
    async def test_a_guest_without_agent_answers_that_there_is_none(self, bed: Bed) -> None:
        made = await bed.running()
        guest = await bed.hypervisor.guest(made.uuid)
        assert not guest.agent and not guest.hostname
        assert bed.ear.guest(made.uuid) == guest
        for verb in ("ask_shutdown", "ask_reboot", "ask_standby"):
            await bed.refused(AgentUnavailable, getattr(bed.hypervisor, verb)(made.uuid))
        assert (await bed.hypervisor.read(made.uuid)).power is Power.ON

    async def test_an_agent_tells_of_its_guest_and_shuts_it_down(self, bed: Bed) -> None:
        made = await bed.machine_with_agent()
        bed.ear.forget()
        guest = await bed.hypervisor.guest(made.uuid)
        assert guest.agent and guest.os_id
        assert GuestSeen(uuid=made.uuid, guest=guest) in bed.ear.heard

        await bed.hypervisor.ask_shutdown(made.uuid)

        seen = await bed.ear.until_power(made.uuid, Power.OFF)
        assert seen.clean_stop and not seen.crashed
        await bed.ear.until_agent(made.uuid, answers=False)
        assert bed.ear.story(made.uuid)[-1] == "off"

    async def test_announcements_carry_whole_records(self, bed: Bed) -> None:
        made = await bed.running()
        for each in bed.ear.heard:
            if isinstance(each, MachineSeen) and each.machine.definition.uuid == made.uuid:
                text = msgspec.json.encode(each)
                assert msgspec.json.decode(text, type=MachineSeen) == each
