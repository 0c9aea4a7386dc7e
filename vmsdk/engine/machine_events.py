"""What happens to machines, told as events: by clients' tasks, by guests, and by whoever uses the hypervisor beside us.

Law: that something begins is told by its task; that something *is* so is told by the hypervisor's record, whoever caused it. Events of
one task carry its user and the key of its first event. What happened before `live` (or while nobody listened) is no event.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..hypervisor.records import Definition, Machine, Power
from ..store.history import TaskRecord
from ..wsdl import MoRef, vim
from .machine import MachineCells
from .tasks import TaskHandle

if TYPE_CHECKING:
    from .site import Site

# Task -> the power states in which it begins something, and as what that is told.
BEGINS = {
    ("PowerOnVM_Task", Power.OFF): "VmStartingEvent",
    ("PowerOnVM_Task", Power.SUSPENDED): "VmResumingEvent",
    ("PowerOffVM_Task", Power.ON): "VmStoppingEvent",
    ("PowerOffVM_Task", Power.SUSPENDED): "VmStoppingEvent",
    ("SuspendVM_Task", Power.ON): "VmSuspendingEvent",
}
NOW = {Power.ON: "VmPoweredOnEvent", Power.OFF: "VmPoweredOffEvent", Power.SUSPENDED: "VmSuspendedEvent"}
# Fields of a definition -> the field of a spec, and where a client reads it.
SETTINGS = {
    "cpus": ("numCPUs", "config.hardware.numCPU"),
    "cores_per_socket": ("numCoresPerSocket", "config.hardware.numCoresPerSocket"),
    "memory_mib": ("memoryMB", "config.hardware.memoryMB"),
    "guest_id": ("guestId", "config.guestId"),
    "annotation": ("annotation", "config.annotation"),
    "firmware": ("firmware", "config.firmware"),
}
LONGEST = 200  # characters of a setting that an event repeats; events are kept by the thousand
NO_SETTING = frozenset({"uuid", "name", "created", "changed"})


class MachineEvents:
    """Listens to the mirror (`heard`, `gone`) and to the tasks (`task_told`)."""

    def __init__(self, site: Site):
        self.site = site
        self.live = False
        self._doing: dict[MoRef, list[str]] = {}  # machine -> keys of its tasks under way
        self._chains: dict[str, int] = {}  # task key -> key of its first event
        self._users: dict[str, str] = {}  # machine's uuid -> who does something without a task

    # -- from tasks -------------------------------------------------------------------------------------------

    def task_told(self, record: TaskRecord) -> None:
        """A task was queued or has ended."""
        cells = self._cells_of(record.entity)
        if record.state == "queued":
            if cells is not None and record.entity is not None:
                self._doing.setdefault(record.entity, []).append(record.key)
                begins = BEGINS.get((record.name, cells.power.get().power))
                if begins is not None:
                    self.say(cells, begins)
            return
        if cells is not None and record.name == "ResetVM_Task" and record.state == "success":
            self.say(cells, "VmResettingEvent")
        if cells is not None and record.name == "PowerOnVM_Task" and record.error is not None and record.key in self._chains:
            self.say(cells, "VmFailedToPowerOnEvent", reason=record.error)
        self._chains.pop(record.key, None)
        mine = self._doing.get(record.entity) if record.entity is not None else None
        if mine is not None and record.entity is not None:
            if record.key in mine:
                mine.remove(record.key)
            if not mine:
                del self._doing[record.entity]

    def _cells_of(self, ref: MoRef | None) -> MachineCells | None:
        face = self.site.inventory.get(ref.value) if ref is not None and ref.type == "VirtualMachine" else None
        return getattr(face, "machine", None)

    @contextmanager
    def by(self, cells: MachineCells, user: str) -> Iterator[None]:
        """What happens to a machine inside is done by this user, without a task."""
        self._users[cells.uuid] = user
        try:
            yield
        finally:
            self._users.pop(cells.uuid, None)

    # -- from the mirror --------------------------------------------------------------------------------------

    def heard(self, cells: MachineCells, machine: Machine | None) -> None:
        """Called before a machine's cells change; with None when it has appeared."""
        if not self.live:
            return
        if machine is None:
            self._appeared(cells)
            return
        old, new = cells.defined, machine.definition
        if old.name != new.name:
            self.say(cells, "VmRenamedEvent", name=new.name, oldName=old.name, newName=new.name)
        changed = [f for f in Definition.__struct_fields__ if f not in NO_SETTING and getattr(old, f) != getattr(new, f)]
        if changed:
            self.say(cells, "VmReconfiguredEvent", name=new.name, **_changes(old, new, changed))
        if cells.power.get().power is not machine.power:
            self.say(cells, NOW[machine.power], name=new.name)

    def _appeared(self, cells: MachineCells) -> None:
        task = self._maker(cells)
        if task is not None and task.record.name != "RegisterVM_Task":
            self.say(cells, "VmBeingCreatedEvent", task)
            self.say(cells, "VmCreatedEvent", task)
        else:
            self.say(cells, "VmRegisteredEvent", task)

    def gone(self, cells: MachineCells) -> None:
        """Called while the machine's face is still there."""
        if self.live:
            self.say(cells, "VmRemovedEvent")

    # -- saying it --------------------------------------------------------------------------------------------

    def say(
        self, cells: MachineCells, kind: str, task: TaskHandle | None = None, name: str = "", user: str = "", **facts: Any
    ) -> None:
        """Post an event of a machine. Task and user are those that are at it now where none is given."""
        ref = self.site.machine_refs.get(cells.uuid)
        if ref is None:
            return
        task = task or self._task(ref)
        chain = self._chains.get(task.ref.value) if task is not None else None
        user = user or (task.record.user if task is not None else self._users.get(cells.uuid, ""))
        about = vim.VmEventArgument(name=name or cells.defined.name, vm=ref)
        event = self.site.events.post(getattr(vim, kind)(vm=about, template=False, **facts), user, chain)
        if task is not None and chain is None:
            self._chains[task.ref.value] = event.key
            task.chained(event.key)

    def _task(self, ref: MoRef) -> TaskHandle | None:
        mine = self._doing.get(ref)
        return self.site.tasks.handles.get(mine[-1]) if mine else None

    def _maker(self, cells: MachineCells) -> TaskHandle | None:
        """The task that has taken the machine's name: the one that makes it."""
        holder = self.site.claims.holder(("name", cells.defined.name))
        return self.site.tasks.handles.get(holder.value) if holder is not None else None


def _changes(old: Definition, new: Definition, changed: list[str]) -> dict[str, Any]:
    """configSpec and configChanges of a reconfiguration, from what it changed."""
    known = [(f, *SETTINGS[f]) for f in changed if f in SETTINGS]
    modified = [f"{where}: {_short(getattr(old, f))} -> {_short(getattr(new, f))}" for f, _, where in known]
    modified += [f"config.{f}" for f in changed if f not in SETTINGS and f != "devices"]
    before, after = ({d.key: d for d in each.devices} for each in (old, new))
    modified += [_device(key) for key in before.keys() & after.keys() if before[key] != after[key]]
    told = vim.ChangesInfoEventArgument(
        modified="; ".join(modified), added="; ".join(_device(key) for key in sorted(after.keys() - before.keys())),
        deleted="; ".join(_device(key) for key in sorted(before.keys() - after.keys())),
    )  # fmt: skip
    spec = {name: getattr(new, f) for f, name, _ in known if len(str(getattr(new, f))) <= LONGEST}
    return {"configSpec": vim.VirtualMachineConfigSpec(**spec), "configChanges": told}


def _short(value: Any) -> str:
    return str(value)[:LONGEST]


def _device(key: int) -> str:
    return f"config.hardware.device({key})"
