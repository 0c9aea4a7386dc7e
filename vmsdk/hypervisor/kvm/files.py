"""Steps on files that are whole or not at all, and what a file system can do.

Law: a name appears when its bytes are on the disk, and never twice.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable
from typing import TypeVar

from ..errors import FileError, FileExists, FileMissing, HypervisorError, NoSpace
from ..records import FilePlace
from .paths import SCRATCH_PREFIX

T = TypeVar("T")
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
Owner = tuple[int, int] | None


def told(work: Callable[[FilePlace], T], place: FilePlace) -> T:
    """Do `work` and say what the operating system says in the port's words."""
    try:
        return work(place)
    except HypervisorError:
        raise
    except OSError as error:
        if error.errno in FULL:
            raise NoSpace(place) from error
        if isinstance(error, FileExistsError):
            raise FileExists(place) from error
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            raise FileMissing(place) from error
        if error.errno == errno.ENOTEMPTY:
            raise FileError(place, f"The folder {place.path} is not empty.") from error
        raise FileError(place, f"{place.path}: {error.strerror or error}") from error


def scratch_beside(path: str) -> str:
    return os.path.join(os.path.dirname(path), SCRATCH_PREFIX + secrets.token_hex(8))


def write_new(path: str, data: bytes, owner: Owner = None, mode: int = 0o600) -> None:
    """A new file, on the disk when this returns."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(data)
        if owner is not None:
            os.chown(path, *owner)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace(path: str, data: bytes, owner: Owner = None) -> None:
    """Put `data` where `path` is, in one step."""
    scratch = scratch_beside(path)
    try:
        write_new(scratch, data, owner, 0o644)
        os.replace(scratch, path)
    except BaseException:
        if os.path.lexists(scratch):
            os.unlink(scratch)
        raise
    sync_folder(path)


def publish(scratch: str, path: str) -> None:
    """Give a finished file its name; FileExistsError where the name is taken."""
    try:
        os.link(scratch, path)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS):
            raise
        if os.path.lexists(path):  # no hard links here (FAT, some network file systems): not one step any more
            raise FileExistsError(errno.EEXIST, "exists", path) from error
        os.rename(scratch, path)
        return
    os.unlink(scratch)


def sync_folder(path: str) -> None:
    """Make the names beside `path` survive a power cut."""
    descriptor = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # some file systems have no such thing
    finally:
        os.close(descriptor)


def reserve(descriptor: int, offset: int, length: int) -> None:
    """Take the space now; it reads as zeros. NoSpace (as OSError) before anything is written where that is plain to
    see.
    """
    if length <= 0:
        return
    figures = os.fstatvfs(descriptor)
    if length > figures.f_bavail * figures.f_frsize:
        raise OSError(errno.ENOSPC, "No space left on device")
    os.posix_fallocate(descriptor, offset, length)


def head(path: str, length: int = 1 << 16) -> bytes:
    with open(path, "rb") as file:
        return file.read(length)


def direct_io(directory: str) -> bool:
    """Whether files there open with O_DIRECT (not on tmpfs)."""
    scratch = scratch_beside(os.path.join(directory, "x"))
    try:
        os.close(os.open(scratch, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_DIRECT | os.O_CLOEXEC, 0o600))
        return True
    except OSError:
        return False
    finally:
        if os.path.lexists(scratch):
            os.unlink(scratch)


def filesystem(directory: str, mounts: str = "/proc/self/mountinfo") -> str:
    """The file system's kind (ext4, xfs, nfs4 …), empty where unknown."""
    try:
        with open(mounts, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except OSError:
        return ""
    best, kind = -1, ""
    for line in lines:
        before, _, after = line.partition(" - ")
        words = before.split()
        point = (
            words[4].encode(errors="surrogateescape").decode("unicode_escape", errors="replace")
            if len(words) > 4
            else "?"
        )
        if (directory + "/").startswith(point.rstrip("/") + "/") and len(point) >= best:
            best, kind = len(point), after.split()[0] if after.split() else ""
    return kind
