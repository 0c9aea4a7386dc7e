"""Which datastore a directory is: the id in the file at its root.

Law: an id is made once, for a directory that we have never seen. One that we have seen and that lacks its file now is
not mounted, and nothing is written into the empty mount point that is there in its place.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Sequence

import msgspec
from twisted.logger import Logger

from ..errors import HypervisorError
from . import files
from .paths import IDENTITY_FILE, SCRATCH_PREFIX

log = Logger()
SWEEP_DEPTH = 8


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A datastore as it was found. `direct_io`: its files open with O_DIRECT."""

    identity: str
    name: str
    directory: str
    direct_io: bool


def open_datastores(state_dir: str, wanted: Sequence[tuple[str, str]]) -> list[Opened]:
    """Find or make the datastores, (name, directory) each; for a thread. `state_dir` remembers which we have seen."""
    try:
        os.makedirs(state_dir, exist_ok=True)
        register = os.path.join(state_dir, "datastores.json")
        known: dict[str, str] = {}  # directory -> id
        if os.path.exists(register):
            with open(register, encoding="utf-8") as file:
                known = json.load(file)
        found: dict[str, Opened] = {}
        for name, directory in wanted:
            directory = os.path.realpath(directory)
            identity = _identify(directory, known.get(directory))
            if identity in found:
                raise HypervisorError(f"{directory} and {found[identity].directory} are the same datastore.")
            known[directory] = identity
            mounted = is_mounted(directory, identity)
            if mounted:
                sweep(directory)
            direct = mounted and files.direct_io(directory)
            found[identity] = Opened(identity=identity, name=name, directory=directory, direct_io=direct)
        files.replace(register, json.dumps(known, indent=1, sort_keys=True).encode())
    except (OSError, ValueError) as error:
        raise HypervisorError(f"The datastores cannot be opened: {error}") from error
    return list(found.values())


def _identify(directory: str, remembered: str | None) -> str:
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
    """Whether the datastore of that id is what lies there now."""
    try:
        return _read(os.path.join(directory, IDENTITY_FILE)) == identity
    except (HypervisorError, OSError):
        return False


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
