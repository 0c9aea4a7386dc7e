"""Places of a datastore as paths of this host, and the refusal of those that leave it.

Law: no path is used that was not made here. A symbolic link may point anywhere inside its datastore; devices, sockets
and pipes are no files of a datastore.
"""

from __future__ import annotations

import fcntl
import os
import stat
import struct

from ..errors import FileInUse, FileMissing, NoSuchDatastore, UnsafePath
from ..places import check_place
from ..records import FilePlace

IDENTITY_FILE = ".vmsdk-datastore"
SCRATCH_PREFIX = ".vmsdk-new-"  # files on their way; swept at opening
F_OFD_GETLK = 36  # of Linux; Python's fcntl has no name for it before 3.14
_LOCK = struct.Struct("hhqqi4x")


def hidden(name: str) -> bool:
    """Ours, and nothing that a client sees."""
    return name == IDENTITY_FILE or name.startswith(SCRATCH_PREFIX)


class Paths:
    """`directories`: datastore id -> absolute directory, without symbolic links."""

    def __init__(self, directories: dict[str, str]):
        self._directories = directories

    def root(self, datastore: str) -> str:
        try:
            return self._directories[datastore]
        except KeyError:
            raise NoSuchDatastore(datastore) from None

    def path(self, place: FilePlace) -> str:
        """The absolute path. Raises UnsafePath, NoSuchDatastore; the file need not be there."""
        root, parts = self.root(place.datastore), check_place(place)
        if any(hidden(part) for part in parts):
            raise UnsafePath(f"{place.path!r} is the datastore's own.")
        path = os.path.join(root, *parts)
        real = os.path.realpath(path)
        if real != root and not real.startswith(root + "/"):
            raise UnsafePath(f"{place.path!r} leads out of its datastore.")
        return path

    def file(self, place: FilePlace) -> str:
        """The path of a file that must be there and must be a plain file or a folder."""
        path = self.path(place)
        try:
            mode = os.stat(path).st_mode
        except (FileNotFoundError, NotADirectoryError):
            raise FileMissing(place) from None
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise UnsafePath(f"{place.path!r} is a device, a socket or a pipe.")
        return path


def in_use(path: str) -> bool:
    """Whether a QEMU holds its image lock on the file. (It locks single bytes from 100 and from 200 on.)"""

    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        answer = fcntl.fcntl(descriptor, F_OFD_GETLK, _LOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 100, 200, 0))
        return _LOCK.unpack(answer)[0] != fcntl.F_UNLCK
    finally:
        os.close(descriptor)


def refuse_if_in_use(path: str, place: FilePlace) -> None:
    if in_use(path):
        raise FileInUse(place)
