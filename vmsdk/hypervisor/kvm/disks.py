"""Disks made and grown: a descriptor and its extent, both or neither.

Law: runs in a thread, on paths that `paths` has checked. The extent gets its name first, the descriptor last: what
has a descriptor is a whole disk.
"""

from __future__ import annotations

import os
import secrets

from ..errors import FileError, FileExists
from ..records import DiskImage, FilePlace
from . import files, layout
from .paths import refuse_if_in_use


def whole_sectors(capacity: int) -> int:
    return -(-capacity // layout.SECTOR) * layout.SECTOR


def create_disk(path: str, place: FilePlace, capacity: int, thin: bool, owner: files.Owner) -> None:
    """A disk full of zeros at the descriptor's `path`. OSError as the system has it; nothing is left then."""
    if capacity <= 0:
        raise FileError(place, "A disk needs a size above zero.")
    capacity, flat = whole_sectors(capacity), layout.flat_of(path)
    for taken in (path, flat):
        if os.path.lexists(taken):
            raise FileExists(place)
    scratch = files.scratch_beside(path)
    try:
        descriptor = os.open(scratch, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(descriptor, capacity)
            if not thin:
                files.reserve(descriptor, 0, capacity)
            if owner is not None:
                os.fchown(descriptor, *owner)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        files.publish(scratch, flat)
        try:
            text = layout.descriptor(os.path.basename(flat), capacity, thin, secrets.randbits(32))
            files.write_new(scratch, text, owner)
            files.publish(scratch, path)
        except BaseException:
            os.unlink(flat)
            raise
    finally:
        if os.path.lexists(scratch):
            os.unlink(scratch)
    files.sync_folder(path)


def resize_disk(path: str, place: FilePlace, image: DiskImage, capacity: int, owner: files.Owner) -> None:
    """Grow the disk at the descriptor's `path`, which is now as `image` says."""
    capacity, flat = whole_sectors(capacity), layout.flat_of(path)
    if capacity < image.capacity:
        raise FileError(place, f"A disk only grows: it has {image.capacity} bytes, {capacity} are asked for.")
    refuse_if_in_use(flat, place)
    descriptor = os.open(flat, os.O_RDWR | os.O_CLOEXEC)
    try:
        if not image.thin:
            files.reserve(descriptor, image.capacity, capacity - image.capacity)
        os.ftruncate(descriptor, capacity)
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, image.capacity)
        raise
    finally:
        os.close(descriptor)
    text = layout.descriptor(os.path.basename(flat), capacity, image.thin, secrets.randbits(32))
    files.replace(path, text, owner)
