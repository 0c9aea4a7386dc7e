"""What can happen to a machine of a simulated host: each effect whole, at once, and announced in the same breath.

Law: the record in `Machines` is the only state. Everything that can refuse is asked before anything is changed.
Power is refused exactly as the port says, at the moment of the effect and not of the call. Verbs and foreign
hands use the same effects.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from ..errors import AgentUnavailable, FileInUse, MachineExists, NotEnoughMemory, WrongPower
from ..interface import Announcement, GuestSeen, MachineGone, MachineSeen
from ..records import Definition, Disk, FilePlace, Guest, Host, Machine, Nic, Optical, Power
from ..worker import ReactorTime, Worker
from .conditions import Pace
from .figures import guest_facts
from .state import MIB, Machines, SimulatedMachine, locked_disks


class Effects:
    """Changes `machines` and tells of it through `tell(uuid, announcement)`."""

    def __init__(
        self,
        clock: ReactorTime,
        worker: Worker,
        pace: Pace,
        host: Host,
        machines: Machines,
        require_file: Callable[[FilePlace], None],
        tell: Callable[[str, Announcement], None],
    ):
        self._clock, self._worker, self._pace, self._host = clock, worker, pace, host
        self._machines, self._require_file, self._tell = machines, require_file, tell

    # -- definition
    def define(self, definition: Definition, foreign: bool = False) -> None:
        if definition.uuid in self._machines:
            raise MachineExists(definition.uuid, definition.name)
        self._machines.require_name(definition.uuid, definition.name)
        self._set(None, SimulatedMachine(machine=Machine(definition=definition, foreign=foreign)))

    def redefine(self, definition: Definition) -> None:
        old = self._machines.get(definition.uuid)
        self._machines.require_name(definition.uuid, definition.name)
        if old.power is Power.ON:
            self._require_unlocked(definition)
        guest = old.guest
        if guest.agent and _cards(definition) != _cards(old.machine.definition):
            guest = msgspec.structs.replace(guest, nics=guest_facts(definition).nics)
        self._change(old, {"guest": guest}, definition=definition)

    def undefine(self, uuid: str) -> None:
        if uuid not in self._machines:
            return
        if self._machines.get(uuid).power is Power.ON:
            raise WrongPower(Power.ON, Power.OFF)
        self._machines.remove(uuid)
        self._tell(uuid, MachineGone(uuid=uuid))

    # -- power
    def start(self, uuid: str) -> None:
        old = self._machines.get(uuid)
        if old.power is Power.ON:
            raise WrongPower(Power.ON, Power.ON)
        definition = old.machine.definition
        for device in definition.devices:
            if isinstance(device, Disk) or (isinstance(device, Optical) and device.start_connected):
                if device.file is not None:
                    self._require_file(device.file)
        self._require_unlocked(definition)
        wanted, left = definition.memory_mib * MIB, self._host.memory - self._machines.memory
        if wanted > left:
            raise NotEnoughMemory(wanted, left)
        woken, now = old.power is Power.SUSPENDED, self._clock.seconds()
        self._change(
            old,
            {"run": old.run + 1, "ran": 0.0, "since": now, "agent_up": woken and old.agent},
            power=Power.ON, paused=False, started=now, suspended=None, crashed=False, clean_stop=True,
        )  # fmt: skip
        if not woken:
            self._boot(uuid)

    def stop(self, uuid: str) -> None:
        old = self._machines.get(uuid)
        if old.power is Power.OFF:
            raise WrongPower(Power.OFF, Power.OFF)
        self._end(old, Power.OFF, clean_stop=False)

    def reset(self, uuid: str) -> None:
        old = self._running(uuid, Power.ON)
        since = self._clock.seconds() if old.since is None else old.since
        self._change(old, {"run": old.run + 1, "agent_up": False, "since": since}, paused=False)
        self._boot(uuid)

    def suspend(self, uuid: str) -> None:
        self._end(self._running(uuid, Power.SUSPENDED), Power.SUSPENDED, suspended=self._clock.seconds())

    def pause(self, uuid: str) -> None:
        old = self._running(uuid, Power.ON)
        self._change(old, {"ran": old.seconds(self._clock.seconds()), "since": None}, paused=True)

    def unpause(self, uuid: str) -> None:
        old = self._running(uuid, Power.ON)
        since = self._clock.seconds() if old.since is None else old.since
        self._change(old, {"since": since}, paused=False)

    # -- in the guest
    def guest_powers_off(self, uuid: str) -> None:
        self._end(self._running(uuid, Power.OFF), Power.OFF, clean_stop=True)

    def guest_crashes(self, uuid: str) -> None:
        self._end(self._running(uuid, Power.OFF), Power.OFF, clean_stop=False, crashed=True)

    def ask(self, uuid: str, wanted: Power, act: Callable[[str], None]) -> None:
        """The guest accepts now and does it later, unless its run ended before. WrongPower, AgentUnavailable."""
        asked = self._running(uuid, wanted)
        if not asked.told().agent:
            raise AgentUnavailable("No agent answers in the guest.")
        self._later(f"guest of {uuid}", asked, lambda each: act(uuid), self._pace.guest_stop)

    def install_agent(self, uuid: str, installed: bool, guest: Guest | None) -> None:
        old = self._machines.get(uuid)
        facts = guest or guest_facts(old.machine.definition)
        up = installed and old.power is Power.ON
        self._change(old, {"agent": installed, "agent_up": up, "guest": facts if installed else Guest()})

    def _boot(self, uuid: str) -> None:
        def up(each: SimulatedMachine) -> None:
            if each.agent:
                self._change(each, {"agent_up": True})

        self._later(f"boot of {uuid}", self._machines.get(uuid), up, self._pace.guest_boot)

    def _later(
        self, name: str, then: SimulatedMachine, act: Callable[[SimulatedMachine], None], delay: float
    ) -> None:
        """`act` on what the machine is after `delay`, if it still is in the same run."""

        def job() -> None:
            each = self._machines.get(then.uuid) if then.uuid in self._machines else None
            if each is not None and each.run == then.run and each.power is Power.ON:
                act(each)

        self._worker.submit(name, job, delay)

    # -- the one way of a change
    def _running(self, uuid: str, wanted: Power) -> SimulatedMachine:
        each = self._machines.get(uuid)
        if each.power is not Power.ON:
            raise WrongPower(each.power, wanted)
        return each

    def _require_unlocked(self, definition: Definition) -> None:
        for place in locked_disks(definition):
            if self._machines.user_of(place) not in (None, definition.uuid):
                raise FileInUse(place)

    def _end(self, old: SimulatedMachine, power: Power, **changes: Any) -> None:
        """The run ends; nothing of it is left."""
        changes = {"power": power, "paused": False, "started": None, "suspended": None, **changes}
        self._change(old, {"run": old.run + 1, "ran": 0.0, "since": None, "agent_up": False}, **changes)

    def _change(self, old: SimulatedMachine, behind: dict[str, Any], **changes: Any) -> None:
        """`changes` are of the machine, `behind` of what is behind it."""
        machine = msgspec.structs.replace(old.machine, **changes)
        self._set(old, msgspec.structs.replace(old, machine=machine, **behind))

    def _set(self, old: SimulatedMachine | None, new: SimulatedMachine) -> None:
        self._machines.put(new)
        self._tell(new.uuid, MachineSeen(machine=new.machine))
        if old is not None and old.told() != new.told():
            self._tell(new.uuid, GuestSeen(uuid=new.uuid, guest=new.told()))


def _cards(definition: Definition) -> list[Nic]:
    return [each for each in definition.devices if isinstance(each, Nic)]
