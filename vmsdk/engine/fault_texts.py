"""The sentence that goes with each fault, in the form that clients match on. A fault's own `msg` comes first."""

from __future__ import annotations

from typing import Any

from ..wsdl import MethodFault

_POWER_WORDS = {"poweredOn": "Powered on", "poweredOff": "Powered off", "suspended": "Suspended"}
_TEXTS: dict[str, str] = {
    "InvalidLogin": "Cannot complete login due to an incorrect user name or password.",
    "NotAuthenticated": "The session is not authenticated.",
    "NoPermission": "Permission to perform this operation was denied.",
    "ManagedObjectNotFound": "The object has already been deleted or has not been completely created",
    "InvalidPowerState": "The attempted operation cannot be performed in the current state ({existingState}).",
    "InvalidState": "The operation is not allowed in the current state.",
    "InvalidArgument": "A specified parameter was not correct: {invalidProperty}",
    "InvalidName": "The name '{name}' is invalid.",
    "DuplicateName": "The name '{name}' already exists.",
    "AlreadyExists": "The specified key, name, or identifier '{name}' already exists.",
    "NotFound": "The object or item referred to could not be found.",
    "NotSupported": "The operation is not supported on the object.",
    "NotImplemented": "This operation is not implemented on this server.",
    "FileNotFound": "File {file} was not found",
    "FileAlreadyExists": "Cannot complete the operation because the file or folder {file} already exists",
    "FileLocked": "Unable to access file {file} since it is locked",
    "CannotDeleteFile": "Cannot delete file {file}",
    "CannotCreateFile": "Cannot create file {file}",
    "NoDiskSpace": "Insufficient disk space on datastore '{datastore}'.",
    "InvalidDatastorePath": "Invalid datastore path '{datastorePath}'.",
    "InvalidDatastore": "Invalid datastore: {name}",
    "TaskInProgress": "Another task is already in progress.",
    "ToolsUnavailable": "Cannot complete operation because VMware Tools is not running in this virtual machine.",
    "ResourceInUse": "The resource '{name}' is in use.",
    "RequestCanceled": "The task was canceled by a user.",
    "SystemError": "A general system error occurred: {reason}",
    "InvalidDeviceSpec": "Invalid configuration for device '{deviceIndex}'.",
    "InvalidProperty": "",
    "InvalidCollectorVersion": "",
    "ConcurrentAccess": "The object was changed by someone else.",
    "InsufficientMemoryResourcesFault": "The host does not have enough memory.",
    "LimitExceeded": "A limit was exceeded: {property} ({limit})",
    "MethodNotFound": "The method {method} is not known on {receiver}.",
    "InvalidLocale": "The locale is not known.",
}


def fault_text(fault: MethodFault) -> str:
    """The sentence for people, with the fault's own fields in it."""
    if fault.msg:
        return fault.msg
    for step in fault._type.lineage():
        form = _TEXTS.get(step.name)
        if form is not None:
            return form.format_map(_Fields(fault)).strip()
    return ""


class _Fields(dict):
    def __init__(self, fault: MethodFault):
        super().__init__()
        self._fault = fault

    def __missing__(self, name: str) -> Any:
        value = getattr(self._fault, name, None)
        if value is None:
            return ""
        return _POWER_WORDS.get(value, value) if isinstance(value, str) else value
