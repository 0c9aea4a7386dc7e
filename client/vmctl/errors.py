"""What can go wrong, in words that say what to do next.

Law: whatever the server or the network does reaches the caller as a `Problem`, never as an exception of zeep or requests.
`hint` is for a person at the command line and may be empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from zeep import exceptions as zeep_errors

_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_HINTS = {
    "InvalidLogin": "check VMCTL_USER and VMCTL_PASSWORD; after three failures the account is locked for a while",
    "NotAuthenticated": "the session has ended: connect again",
    "NoPermission": "log in as a user who has that right on this object",
    "InvalidPowerState": "see its state with `vmctl vm list`; on, off or suspend it first",
    "DuplicateName": "choose another name; `vmctl vm list` shows those taken",
    "TaskInProgress": "see what is under way with `vmctl task ls` and try again when it has ended",
    "ToolsUnavailable": "no tools run in the guest; `vmctl vm off` switches the power off instead",
    "ManagedObjectNotFound": "it is gone or never was; list again",
    "InvalidDatastorePath": "write it as `[datastore] folder/file`",
    "FileNotFound": "write the path as `[datastore] folder/file` and see that the file is there",
    "FileAlreadyExists": "a file of that name lies there already; choose another name or remove it",
    "NotSupported": "this server or this object cannot do that",
    "NotImplemented": "this server cannot do that yet",
}


class Problem(Exception):
    """`str()` says what happened, `hint` what to do next."""

    def __init__(self, words: str, hint: str = ""):
        super().__init__(words)
        self.hint = hint


class Fault(Problem):
    """A fault of the contract. `kind` is its type (`InvalidPowerState`), `message` the server's words, `detail` its members:
    an XML element where a call failed, a value of the contract where a task did, None where there are none."""

    def __init__(self, kind: str, message: str, detail: Any = None):
        super().__init__(f"{kind}: {message}" if message else kind, _HINTS.get(kind, ""))
        self.kind, self.message, self.detail = kind, message, detail


def soap_fault(error: zeep_errors.Fault) -> Fault:
    """The fault that stands in a SOAP fault's detail; its bare code where there is none."""
    inner = error.detail[0] if error.detail is not None and len(error.detail) else None
    if inner is None:
        return Fault(str(error.code or "Fault").rpartition(":")[2], error.message or "")
    named = inner.get(_TYPE, "").rpartition(":")[2]
    return Fault(named or inner.tag.rpartition("}")[2].removesuffix("Fault"), error.message or "", inner)


def task_fault(error: Any) -> Fault:
    """The fault of a task from its LocalizedMethodFault."""
    kind = type(error.fault).__name__ if error.fault is not None else "Fault"
    return Fault(kind, error.localizedMessage or "", error.fault)


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Turn what zeep and requests raise while talking to `url` into a Problem."""
    try:
        yield
    except zeep_errors.Fault as error:
        raise soap_fault(error) from error
    except zeep_errors.TransportError as error:
        raise Problem(f"{url} answers {error.status_code}", "is that the address of the server, path /sdk?") from error
    except (zeep_errors.Error, TypeError) as error:  # zeep raises TypeError for an argument that the contract does not have
        raise Problem(f"this does not fit the contract: {error}", "see the operation's arguments in the API reference") from error
    except requests.exceptions.SSLError as error:
        raise Problem(
            f"{url}: the certificate is not trusted: {_cause(error)}",
            "give the SHA-256 fingerprint of the right one with --fingerprint, or trust any with VMCTL_INSECURE=1",
        ) from error
    except requests.exceptions.Timeout as error:
        raise Problem(f"{url} does not answer in time", "is the server busy or the network down? try again") from error
    except requests.exceptions.RequestException as error:
        raise Problem(f"{url} cannot be reached: {_cause(error)}", "is the address right (VMCTL_URL) and the server up?") from error


def _cause(error: BaseException) -> str:
    """The words of the innermost reason, where urllib3 wraps several."""
    inner: Any = error.args[0] if error.args else error
    while (deeper := getattr(inner, "reason", None)) is not None and isinstance(deeper, BaseException):
        inner = deeper
    return str(inner)
