"""A host in memory behind the port: each verb is its effect, carried out as one job of the worker.

Law: no state here but the connection's. What happens without a verb (`guest_…`, `someone_…`) happens at once
and is announced alike.
"""

from __future__ import annotations

from collections.abc import Callable

from ..interface import Announcement, Connection, GuestSeen, Listener, MachineGone, MachineSeen, StorageSeen
from ..records import DatastoreRecord, Definition, Guest, Host, Machine, NetworkRecord, Power
from ..worker import Delayed, ReactorTime, Worker
from .conditions import Conditions, Pace
from .effects import Effects
from .figures import Round
from .state import Machines, SimulatedMachine
from .storage import MemoryStorage
from .verbs import Announcer, Verbs

AT_ONCE = 500  # machines reported or sampled in one turn: a few milliseconds


class SimulatedHypervisor:
    """One simulated host. `conditions` may be changed at any time: delays, failures and hangs of verbs."""

    def __init__(
        self,
        clock: ReactorTime,
        worker: Worker,
        host: Host,
        datastores: tuple[DatastoreRecord, ...],
        networks: tuple[NetworkRecord, ...],
        conditions: Conditions | None = None,
        pace: Pace | None = None,
    ):
        self._clock, self._worker, self._host, self._networks = clock, worker, host, networks
        self._pace = Pace() if pace is None else pace
        self.conditions = Conditions() if conditions is None else conditions
        self._verbs = Verbs(clock, worker, self.conditions, self._pace.deadline)
        self._announcer = Announcer()
        self._machines = Machines()
        self._missed: set[str] = set()  # changed while out of reach
        self._timer: Delayed | None = None
        self.storage = MemoryStorage(
            clock,
            self._verbs,
            datastores,
            in_use=lambda place: self._machines.user_of(place) is not None,
            changed=lambda record: self._post(StorageSeen(datastore=record)),
        )
        self._effects = Effects(
            clock, worker, self._pace, host, self._machines, require_file=self.storage.require, tell=self._tell
        )

    # -- life
    async def open(self) -> None:
        """Afterwards every agent that answers is reported and a first round of figures comes, in later turns."""
        await self._verbs.do("open", "", self._open, always=True)

    def _open(self) -> None:
        if self._verbs.up:
            return
        self._verbs.up = True
        self._missed.clear()
        answering = [each.uuid for each in self._machines if each.told().agent]
        for begin in range(0, len(answering), AT_ONCE):
            some = answering[begin : begin + AT_ONCE]
            self._worker.submit("report of guests", lambda some=some: self._report(some))  # type: ignore[misc]
        self._worker.submit("first sample", self._sample_on)

    def _report(self, uuids: list[str]) -> None:
        for uuid in uuids:
            if uuid in self._machines:
                self._post(GuestSeen(uuid=uuid, guest=self._machines.get(uuid).told()))

    async def close(self) -> None:
        self._stop_sampling()
        self._verbs.cut()

    def listen(self, listener: Listener) -> Callable[[], None]:
        return self._announcer.listen(listener)

    # -- reading
    async def host(self) -> Host:
        return await self._verbs.do("host", "", lambda: self._host)

    async def networks(self) -> tuple[NetworkRecord, ...]:
        return await self._verbs.do("networks", "", lambda: self._networks)

    async def machines(self) -> tuple[Machine, ...]:
        return await self._verbs.do("machines", "", lambda: tuple(each.machine for each in self._machines))

    async def read(self, uuid: str) -> Machine:
        return await self._verbs.do("read", uuid, lambda: self._read(uuid))

    def _read(self, uuid: str) -> Machine:
        machine = self._machines.get(uuid).machine
        self._post(MachineSeen(machine=machine))
        return machine

    async def guest(self, uuid: str) -> Guest:
        return await self._verbs.do("guest", uuid, lambda: self._ask_facts(uuid))

    def _ask_facts(self, uuid: str) -> Guest:
        guest = self._machines.get(uuid).told()
        self._post(GuestSeen(uuid=uuid, guest=guest))
        return guest

    # -- definition
    async def define(self, definition: Definition) -> None:
        await self._verbs.do("define", definition.uuid, lambda: self._effects.define(definition))

    async def redefine(self, definition: Definition) -> None:
        await self._verbs.do("redefine", definition.uuid, lambda: self._effects.redefine(definition))

    async def undefine(self, uuid: str) -> None:
        await self._verbs.do("undefine", uuid, lambda: self._effects.undefine(uuid))

    # -- power
    async def start(self, uuid: str) -> None:
        await self._verbs.do("start", uuid, lambda: self._effects.start(uuid))

    async def stop(self, uuid: str) -> None:
        await self._verbs.do("stop", uuid, lambda: self._effects.stop(uuid))

    async def reset(self, uuid: str) -> None:
        await self._verbs.do("reset", uuid, lambda: self._effects.reset(uuid))

    async def suspend(self, uuid: str) -> None:
        await self._verbs.do("suspend", uuid, lambda: self._effects.suspend(uuid))

    async def pause(self, uuid: str) -> None:
        await self._verbs.do("pause", uuid, lambda: self._effects.pause(uuid))

    async def unpause(self, uuid: str) -> None:
        await self._verbs.do("unpause", uuid, lambda: self._effects.unpause(uuid))

    # -- through the guest
    async def ask_shutdown(self, uuid: str) -> None:
        await self._ask("ask_shutdown", uuid, Power.OFF, self._effects.guest_powers_off)

    async def ask_reboot(self, uuid: str) -> None:
        await self._ask("ask_reboot", uuid, Power.ON, self._effects.reset)

    async def ask_standby(self, uuid: str) -> None:
        """The guest goes to sleep and the host puts it away as suspended."""
        await self._ask("ask_standby", uuid, Power.SUSPENDED, self._effects.suspend)

    async def _ask(self, verb: str, uuid: str, wanted: Power, act: Callable[[str], None]) -> None:
        await self._verbs.do(verb, uuid, lambda: self._effects.ask(uuid, wanted, act))

    # -- what happens without a verb, at once; refused with the port's errors
    def guest_powers_off(self, uuid: str) -> None:
        """The guest shuts itself down."""
        self._effects.guest_powers_off(uuid)

    def guest_crashes(self, uuid: str) -> None:
        self._effects.guest_crashes(uuid)

    def install_agent(self, uuid: str, installed: bool = True, guest: Guest | None = None) -> None:
        """Whether the guest has an agent, and what it tells. One put into a running machine answers at once."""
        self._effects.install_agent(uuid, installed, guest)

    def someone_defines(self, definition: Definition) -> None:
        """By other means than ours: the machine is foreign."""
        self._effects.define(definition, foreign=True)

    def someone_redefines(self, definition: Definition) -> None:
        self._effects.redefine(definition)

    def someone_undefines(self, uuid: str) -> None:
        self._effects.undefine(uuid)

    def someone_starts(self, uuid: str) -> None:
        self._effects.start(uuid)

    def someone_stops(self, uuid: str) -> None:
        self._effects.stop(uuid)

    def lose_connection(self) -> None:
        """Out of reach until `regain_connection`: verbs under way and new ones raise Lost; machines run on."""
        if self._verbs.up:
            self._post(Connection(up=False))
            self._stop_sampling()
            self._verbs.cut()

    def regain_connection(self) -> None:
        """Everything that changed meanwhile is announced, then that we are back."""
        if self._verbs.up:
            return
        self._verbs.up = True
        missed, self._missed = sorted(self._missed), set()
        for uuid in missed:
            if uuid in self._machines:
                each = self._machines.get(uuid)
                self._post(MachineSeen(machine=each.machine))
                self._post(GuestSeen(uuid=uuid, guest=each.told()))
            else:
                self._post(MachineGone(uuid=uuid))
        self._post(Connection(up=True))
        self._sample_on()

    # -- figures
    def sample(self) -> None:
        """Take a round of figures now and announce it."""
        taken = self._round().some(len(self._machines))
        assert taken is not None
        self._post(taken)

    def _round(self) -> Round:
        running = [each for each in self._machines if each.power is Power.ON]
        return Round(self._host, running, self._machines.memory, self._clock.seconds())

    def _sample_on(self) -> None:
        self._stop_sampling()
        if self._pace.sample > 0 and self._verbs.up:
            self._sample_some(self._round())

    def _sample_some(self, taken: Round) -> None:
        """A slice of a round; the last one announces it."""
        done = taken.some(AT_ONCE)
        if done is not None:
            self._post(done)
            self._timer = self._clock.callLater(self._pace.sample, self._sample_on)
        else:
            self._timer = self._clock.callLater(0, self._sample_some, taken)

    def _stop_sampling(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()

    # -- the records
    def adopt(self, machine: SimulatedMachine) -> None:
        """Take a machine as it is, before `open`: nothing is checked or announced."""
        self._machines.put(machine)

    def records(self) -> tuple[SimulatedMachine, ...]:
        """All there is to know of the machines: `adopt` of each on a fresh host brings them back."""
        return tuple(self._machines)

    def _tell(self, uuid: str, announcement: Announcement) -> None:
        if not self._verbs.up:
            self._missed.add(uuid)
        self._post(announcement)

    def _post(self, announcement: Announcement) -> None:
        if self._verbs.up:
            self._announcer.post(announcement)
