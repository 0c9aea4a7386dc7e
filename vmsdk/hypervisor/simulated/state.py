"""What a simulated host knows of its machines: one record each, and the indexes that verbs ask.

Law: `Machines.put` and `remove` are the only ways to change anything, and they keep every index true.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import MachineExists, NoSuchMachine
from ..records import Definition, Disk, FilePlace, Guest, Machine, Power, Record

MIB = 1 << 20


class SimulatedMachine(Record, frozen=True):
    """A machine and what is behind it. `guest`: what its agent would tell; `agent`: whether one is installed."""

    machine: Machine
    guest: Guest = Guest()
    agent: bool = False
    agent_up: bool = False  # the agent runs
    run: int = 0  # counts boots, so that what an earlier boot had in mind is not done to a later one
    ran: float = 0.0  # seconds of this run before `since`
    since: float | None = None  # monotonic; None while no processor runs

    @property
    def uuid(self) -> str:
        return self.machine.definition.uuid

    @property
    def power(self) -> Power:
        return self.machine.power

    def told(self) -> Guest:
        """What one hears who asks the agent now."""
        answers = self.agent_up and self.machine.power is Power.ON and not self.machine.paused
        return self.guest if answers else NOBODY

    def seconds(self, now: float) -> float:
        """How long its processors ran since it was started."""
        return self.ran + (now - self.since if self.since is not None else 0.0)


NOBODY = Guest()


class Machines:
    """All machines of the host, by uuid."""

    def __init__(self) -> None:
        self._all: dict[str, SimulatedMachine] = {}
        self._names: dict[str, str] = {}
        self._open: dict[FilePlace, str] = {}  # disks of running machines
        self.memory = 0  # bytes of all that run

    def __iter__(self) -> Iterator[SimulatedMachine]:
        return iter(tuple(self._all.values()))

    def __len__(self) -> int:
        return len(self._all)

    def __contains__(self, uuid: str) -> bool:
        return uuid in self._all

    def get(self, uuid: str) -> SimulatedMachine:
        """NoSuchMachine."""
        try:
            return self._all[uuid]
        except KeyError:
            raise NoSuchMachine(uuid) from None

    def require_name(self, uuid: str, name: str) -> None:
        """MachineExists where another machine has the name."""
        owner = self._names.get(name, uuid)
        if owner != uuid:
            raise MachineExists(owner, name)

    def user_of(self, place: FilePlace) -> str | None:
        """The uuid of the running machine that has this disk open."""
        return self._open.get(place)

    def put(self, new: SimulatedMachine) -> None:
        old = self._all.get(new.uuid)
        if old is not None:
            self._forget(old)
        self._all[new.uuid] = new
        self._names[new.machine.definition.name] = new.uuid
        if new.power is Power.ON:
            self.memory += new.machine.definition.memory_mib * MIB
            for place in locked_disks(new.machine.definition):
                self._open[place] = new.uuid

    def remove(self, uuid: str) -> None:
        old = self._all.pop(uuid, None)
        if old is not None:
            self._forget(old)

    def _forget(self, old: SimulatedMachine) -> None:
        self._names.pop(old.machine.definition.name, None)
        if old.power is Power.ON:
            self.memory -= old.machine.definition.memory_mib * MIB
            for place in locked_disks(old.machine.definition):
                if self._open.get(place) == old.uuid:
                    del self._open[place]


def locked_disks(definition: Definition) -> list[FilePlace]:
    """The disks that a running machine keeps for itself."""
    return [each.file for each in definition.devices if isinstance(each, Disk) and each.sharing == "none"]
