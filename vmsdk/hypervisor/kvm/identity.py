"""Which datastore a directory is: the id in the file at its root.

Law: an id is made once, for a directory that we have never seen. One that we have seen and that lacks its file now is
not mounted, and nothing is written into the empty mount point that is there in its place.
"""

from __future__ import annotations

import os
import uuid

from twisted.logger import Logger

from ..errors import HypervisorError
from . import files
from .paths import IDENTITY_FILE, SCRATCH_PREFIX

log = Logger()
SWEEP_DEPTH = 8


def identify(directory: str, remembered: str | None) -> str:
    """The datastore's id, made now where the directory is new to us."""
    path = os.path.join(directory, IDENTITY_FILE)
    found = _read(path)
    if found is None and remembered:
        log.warn("{path} is not there: the datastore is taken as not mounted", path=path)
    if found or remembered:
        return found or remembered or ""
    os.makedirs(directory, exist_ok=True)
    made = str(uuid.uuid4())
    files.replace(path, made.encode() + b"\n")
    return made


def is_mounted(directory: str, identity: str) -> bool:
    return _read(os.path.join(directory, IDENTITY_FILE)) == identity


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="ascii") as file:
            return str(uuid.UUID(file.read(100).strip()))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError:
        raise HypervisorError(f"{path} does not hold a datastore's id.") from None


def sweep(directory: str) -> None:
    """Remove what an interrupted call left behind."""
    depth = directory.count("/")
    for folder, folders, names in os.walk(directory):
        for name in names:
            if name.startswith(SCRATCH_PREFIX):
                os.unlink(os.path.join(folder, name))
        if folder.count("/") - depth >= SWEEP_DEPTH:
            folders.clear()
