"""The port: what the house asks of any hypervisor, and what each verb promises.

Law: asynchronous and typed. A verb is a coroutine on the reactor's thread; it returns when its effect is real and
*after* the new state has been announced to every listener (by reading the machine again). It raises an error of
`errors`, never another. What happens without a verb (a guest powers off, someone uses virsh) is announced too.
Announcements of one machine come in the order in which it was read. `tests/hypervisor/` holds every backend to this.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, Union

from .records import (
    DatastoreRecord,
    Definition,
    DiskImage,
    FileEntry,
    FilePlace,
    Guest,
    Host,
    HostLoad,
    Machine,
    NetworkRecord,
    Record,
    Statistics,
)


class MachineSeen(Record, frozen=True):
    """The machine is as the record says, from now on."""

    machine: Machine


class MachineGone(Record, frozen=True):
    uuid: str


class GuestSeen(Record, frozen=True):
    """What the agent told anew; `guest.agent` False when it went away."""

    uuid: str
    guest: Guest


class Sampled(Record, frozen=True):
    """A round of figures: the host's, and one for each running machine (by uuid)."""

    host: HostLoad
    machines: dict[str, Statistics]


class StorageSeen(Record, frozen=True):
    """A datastore's figures (free, accessible ...) as they are now."""

    datastore: DatastoreRecord


class Connection(Record, frozen=True):
    """`up` False: the hypervisor is out of reach, verbs raise Lost; True: it is back, and everything was read again."""

    up: bool


Announcement = Union[MachineSeen, MachineGone, GuestSeen, Sampled, StorageSeen, Connection]
Listener = Callable[[Announcement], None]


class Storage(Protocol):
    """Files of datastores. Paths are FilePlace; a place that leaves its datastore raises UnsafePath.

    A disk is named by its descriptor (`dir/x.vmdk`); its extent is `dir/x-flat.vmdk`. What lies on disk behind both is
    the backend's secret and the same for all its verbs.
    """

    async def datastores(self) -> tuple[DatastoreRecord, ...]: ...

    async def list(self, place: FilePlace) -> tuple[FileEntry, ...]:
        """The entries of a folder, by name. FileMissing."""

    async def stat(self, place: FilePlace) -> FileEntry:
        """FileMissing."""

    async def make_directory(self, place: FilePlace, parents: bool = False) -> None:
        """FileExists, FileMissing (no parent), NoSpace."""

    async def create_disk(self, place: FilePlace, capacity: int, thin: bool = True) -> None:
        """A disk full of zeros. FileExists, NoSpace. On failure nothing is left."""

    async def disk(self, place: FilePlace) -> DiskImage:
        """FileMissing; HypervisorError where it is no disk."""

    async def resize_disk(self, place: FilePlace, capacity: int) -> None:
        """Grows only; offline."""

    async def delete(self, place: FilePlace) -> None:
        """A file, a disk with all its parts (named by its descriptor), or an empty folder; gone already is success."""

    async def read(self, place: FilePlace, limit: int = 1 << 20) -> bytes:
        """The bytes of a small file. FileMissing; HypervisorError past `limit`."""

    async def write(self, place: FilePlace, data: bytes) -> None:
        """Replaces the file as one step: readers see the old or the new."""


class Hypervisor(Protocol):
    """One host. `storage` is its file side."""

    storage: Storage

    async def open(self) -> None:
        """Connect and read everything: `host()`, `machines()` and so on answer afterwards. Idempotent."""

    async def close(self) -> None:
        """Let go; machines run on. Ends within 4 s even where a verb hangs."""

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Be told of every announcement from now on, on the reactor's thread; the returned call ends it."""

    async def host(self) -> Host: ...

    async def networks(self) -> tuple[NetworkRecord, ...]: ...

    async def machines(self) -> tuple[Machine, ...]:
        """All machines, running or not, foreign ones too."""

    async def read(self, uuid: str) -> Machine:
        """Read one machine afresh (and announce it). NoSuchMachine."""

    # -- definition
    async def define(self, definition: Definition) -> None:
        """A new machine, off. Its files exist already. MachineExists (uuid or name)."""

    async def redefine(self, definition: Definition) -> None:
        """Replace the definition (same uuid; the name may change). What a running machine cannot take at once holds from
        its next start. NoSuchMachine, Unsupported."""

    async def undefine(self, uuid: str) -> None:
        """Forget an off or suspended machine and its saved memory; its files stay, NVRAM too. Gone already is success.
        WrongPower when on."""

    # -- power
    async def start(self, uuid: str) -> None:
        """From off: boot. From suspended: go on where it stopped. WrongPower when on; FileMissing, NotEnoughMemory."""

    async def stop(self, uuid: str) -> None:
        """Pull the plug; a suspended machine loses its saved memory. WrongPower when off."""

    async def reset(self, uuid: str) -> None:
        """WrongPower unless on."""

    async def suspend(self, uuid: str) -> None:
        """Memory to a file, process ends. WrongPower unless on. On failure the machine runs on."""

    async def pause(self, uuid: str) -> None:
        """Stop the virtual processors. WrongPower unless on."""

    async def unpause(self, uuid: str) -> None: ...

    # -- through the guest
    async def ask_shutdown(self, uuid: str) -> None:
        """Ask the agent; returns when it accepted. AgentUnavailable, WrongPower."""

    async def ask_reboot(self, uuid: str) -> None: ...

    async def ask_standby(self, uuid: str) -> None: ...

    async def guest(self, uuid: str) -> Guest:
        """Ask the agent now (and announce). An absent agent is an answer, not an error."""
