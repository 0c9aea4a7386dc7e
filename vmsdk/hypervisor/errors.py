"""How a hypervisor says no: a few kinds with their facts. The engine's fault table makes vim25 faults of them."""

from __future__ import annotations

from .records import FilePlace, Power


class HypervisorError(Exception):
    """Anything that went wrong below; `str()` is a sentence for a person."""


class NoSuchMachine(HypervisorError):
    def __init__(self, uuid: str):
        super().__init__(f"There is no machine {uuid}.")
        self.uuid = uuid


class MachineExists(HypervisorError):
    def __init__(self, uuid: str, name: str = ""):
        super().__init__(f"A machine {name or uuid} is defined already.")
        self.uuid, self.name = uuid, name


class WrongPower(HypervisorError):
    def __init__(self, existing: Power, wanted: Power | None = None):
        super().__init__(f"The machine is {existing.value}.")
        self.existing, self.wanted = existing, wanted


class AgentUnavailable(HypervisorError):
    """No agent answers in the guest."""


class Unsupported(HypervisorError):
    """This hypervisor, or this version of it, cannot do that; the text names the thing."""


class NotEnoughMemory(HypervisorError):
    def __init__(self, wanted: int, available: int):
        super().__init__(f"{wanted} bytes of memory are wanted, {available} are left.")
        self.wanted, self.available = wanted, available


class TimedOut(HypervisorError):
    """The verb did not answer by its deadline. Its effect may still come, and will be announced if it does."""


class Lost(HypervisorError):
    """The connection to the hypervisor is gone; it is being made again."""


class FileError(HypervisorError):
    def __init__(self, place: FilePlace, text: str):
        super().__init__(text)
        self.place = place


class FileMissing(FileError):
    def __init__(self, place: FilePlace):
        super().__init__(place, f"{place.path} was not found.")


class FileExists(FileError):
    def __init__(self, place: FilePlace):
        super().__init__(place, f"{place.path} exists already.")


class FileInUse(FileError):
    def __init__(self, place: FilePlace):
        super().__init__(place, f"{place.path} is in use.")


class NoSpace(FileError):
    def __init__(self, place: FilePlace):
        super().__init__(place, f"There is no space left for {place.path}.")


class NoSuchDatastore(HypervisorError):
    def __init__(self, name: str):
        super().__init__(f"There is no datastore {name}.")
        self.name = name


class UnsafePath(HypervisorError):
    """A path that leaves its datastore: `..`, absolute, through a symbolic link, or a device file."""
