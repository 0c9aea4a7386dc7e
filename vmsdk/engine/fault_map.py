"""Hypervisor errors as faults of the contract: one table, used by dispatch alone.

Law: what is not in the table is a SystemError with the sentence from below; nothing is swallowed, no trace goes to a client.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..hypervisor import errors
from ..hypervisor.records import FilePlace, Power
from ..wsdl import MethodFault, vim

POWER_STATES = {Power.OFF: "poweredOff", Power.ON: "poweredOn", Power.SUSPENDED: "suspended"}
Spell = Callable[[FilePlace], str]


def fault_of(error: BaseException, spell: Spell) -> MethodFault:
    """The fault a client sees for an error. `spell` writes a place as `[datastore] path`."""
    if isinstance(error, MethodFault):
        return error
    if isinstance(error, errors.WrongPower):
        return vim.InvalidPowerState(
            existingState=POWER_STATES[error.existing], requestedState=POWER_STATES[error.wanted] if error.wanted else None
        )
    if isinstance(error, errors.FileError):
        return _file_fault(error, spell(error.place))
    if isinstance(error, errors.AgentUnavailable):
        return vim.ToolsUnavailable()
    if isinstance(error, errors.NotEnoughMemory):
        return vim.InsufficientMemoryResourcesFault(unreserved=error.available, requested=error.wanted)
    if isinstance(error, errors.UnsafePath):
        return vim.InvalidDatastorePath(datastorePath="", msg=str(error))
    if isinstance(error, errors.NoSuchDatastore):
        return vim.InvalidDatastore(name=error.name)
    if isinstance(error, errors.MachineExists):
        return vim.AlreadyExists(name=error.name or error.uuid)
    if isinstance(error, errors.Unsupported):
        return vim.NotSupported(msg=str(error))
    if isinstance(error, errors.TimedOut):
        return vim.Timedout(msg=str(error))
    if isinstance(error, errors.Lost):
        return vim.HostNotConnected(msg=str(error))
    reason = str(error) if isinstance(error, errors.HypervisorError) else "internal error"
    return vim.SystemError(reason=reason)


def _file_fault(error: errors.FileError, path: str) -> Any:
    if isinstance(error, errors.FileMissing):
        return vim.FileNotFound(file=path)
    if isinstance(error, errors.FileExists):
        return vim.FileAlreadyExists(file=path)
    if isinstance(error, errors.FileInUse):
        return vim.FileLocked(file=path)
    if isinstance(error, errors.NoSpace):
        return vim.NoDiskSpace(file=path, datastore=path[1:].partition("]")[0])
    return vim.FileFault(file=path, msg=str(error))
