"""The one grammar of datastore paths, and how the parts of a disk are named. No I/O here.

Law: what passes `check_place` cannot leave its datastore by its spelling; links and device files are the
business of the backend that walks the path. Every backend and every verb asks this function first.
"""

from __future__ import annotations

from .errors import UnsafePath
from .records import FilePlace

LONGEST_NAME = 255  # bytes of one component, as on every Linux file system
LONGEST_PATH = 2048  # bytes of the whole; leaves room for the datastore's own directory below PATH_MAX
DESCRIPTOR, EXTENT = ".vmdk", "-flat.vmdk"


def check_place(place: FilePlace) -> tuple[str, ...]:
    """The components of the path; () is the datastore's root. UnsafePath."""
    path = place.path
    if path == "":
        return ()
    try:
        encoded = path.encode()
    except UnicodeEncodeError:
        raise UnsafePath(f"{path!r} cannot be written as UTF-8.") from None
    if len(encoded) > LONGEST_PATH:
        raise UnsafePath(f"A path of {len(encoded)} bytes is too long.")
    if path.startswith("/"):
        raise UnsafePath(f"{path!r} is absolute.")
    parts = tuple(path.split("/"))
    for part in parts:
        if part in ("", ".", ".."):
            raise UnsafePath(f"{path!r} has a component {part!r}.")
        if len(part) > LONGEST_NAME // 4 and len(part.encode()) > LONGEST_NAME:
            raise UnsafePath(f"A name of {len(part.encode())} bytes is too long.")
    # A backslash separates for some clients; control characters (C0, DEL, C1) forge lines of logs and of descriptors.
    if any(mark == "\\" or mark < " " or "\x7f" <= mark <= "\x9f" for mark in path):
        raise UnsafePath(f"{path!r} holds a backslash or a control character.")
    return parts


def parent_of(place: FilePlace) -> FilePlace:
    return FilePlace(datastore=place.datastore, path=place.path.rpartition("/")[0])


def is_disk_name(path: str) -> bool:
    """Whether a path can name a disk: the descriptor's, not the extent's, and not the bare suffix."""
    return path.endswith(DESCRIPTOR) and not path.endswith(EXTENT) and path.rpartition("/")[2] != DESCRIPTOR


def extent_of(path: str) -> str:
    """`dir/x.vmdk` -> `dir/x-flat.vmdk`."""
    return path.removesuffix(DESCRIPTOR) + EXTENT


def descriptor_of(path: str) -> str:
    """`dir/x-flat.vmdk` -> `dir/x.vmdk`; "" where the path names no extent."""
    return path.removesuffix(EXTENT) + DESCRIPTOR if path.endswith(EXTENT) else ""
