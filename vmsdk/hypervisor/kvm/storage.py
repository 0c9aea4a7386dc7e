"""Files of datastores: directories of this host.

Law: every call runs in a thread with a deadline (a file system can hang). What is replaced or made appears whole or
not at all. A file that a running machine holds is not touched. A place is checked by `paths` before it is used,
always.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Sequence
from typing import TypeVar

from ..errors import FileError, FileExists, FileMissing, HypervisorError, UnsafePath
from ..interface import Announcement, StorageSeen
from ..records import DatastoreRecord, DiskImage, FileEntry, FilePlace
from . import files, layout
from .disks import create_disk, resize_disk
from .identity import is_mounted, open_datastores
from .lanes import Lane
from .paths import Paths, hidden, refuse_if_in_use

T = TypeVar("T")
DEADLINE = 30.0
LONG_DEADLINE = 3600.0  # writing zeros where a file system cannot reserve space


class DirectoryStorage:
    """`datastores`: (name, directory) pairs, the directories made where missing. `state_dir` remembers which is
    which.

    `owner`: (uid, gid) that disks are given to where QEMU runs as another user; None: ours.
    """

    def __init__(
        self,
        lane: Lane,
        slow: Lane,
        datastores: Sequence[tuple[str, str]],
        state_dir: str,
        announce: Callable[[Announcement], None],
        owner: tuple[int, int] | None = None,
    ):
        self._lane, self._slow, self._announce = lane, slow, announce
        self._wanted, self._state_dir, self._owner = tuple(datastores), state_dir, owner
        self._ids: dict[str, tuple[str, str]] = {}  # id -> name, directory
        self._shown: dict[str, DatastoreRecord] = {}
        self._paths = Paths({})
        self.direct_io: tuple[str, ...] = ()

    @property
    def directories(self) -> tuple[tuple[str, str], ...]:
        """(id, directory) pairs, after `open`."""
        return tuple((identity, directory) for identity, (_, directory) in self._ids.items())

    # -- opening

    async def open(self) -> None:
        found = await self._lane.run(
            lambda: open_datastores(self._state_dir, self._wanted), DEADLINE, "opening the datastores"
        )
        self._ids = {one.identity: (one.name, one.directory) for one in found}
        self.direct_io = tuple(one.identity for one in found if one.direct_io)
        self._paths = Paths(dict(self.directories))

    # -- figures

    async def datastores(self) -> tuple[DatastoreRecord, ...]:
        return await self._tell()

    async def _tell(self, always: str = "") -> tuple[DatastoreRecord, ...]:
        """Read the figures, and announce those that changed and those of the datastore `always`."""
        records = await self._lane.run(self._figures, DEADLINE, "reading the datastores")
        for record in records:
            if self._shown.get(record.id) != record or record.id == always:
                self._shown[record.id] = record
                self._announce(StorageSeen(datastore=record))
        return records

    def _figures(self) -> tuple[DatastoreRecord, ...]:
        records = []
        for identity, (name, directory) in self._ids.items():
            record = DatastoreRecord(id=identity, name=name, directory=directory, accessible=False)
            try:
                if is_mounted(directory, identity):
                    figures = os.statvfs(directory)
                    record = DatastoreRecord(
                        id=identity,
                        name=name,
                        directory=directory,
                        capacity=figures.f_blocks * figures.f_frsize,
                        free=figures.f_bavail * figures.f_frsize,
                        filesystem=files.filesystem(directory),
                    )
            except OSError:
                pass  # not accessible is what the record says
            records.append(record)
        return tuple(records)

    # -- the verbs of the port

    async def list(self, place: FilePlace) -> tuple[FileEntry, ...]:
        return await self._call(place, self._list, "listing")

    def _list(self, place: FilePlace) -> tuple[FileEntry, ...]:
        folder = self._paths.file(place)
        if not os.path.isdir(folder):
            raise FileMissing(place)
        entries = []
        for name in sorted(os.listdir(folder)):
            if hidden(name):
                continue
            inside = FilePlace(datastore=place.datastore, path=f"{place.path}/{name}" if place.path else name)
            try:
                entries.append(self._stat(inside))
            except (FileMissing, UnsafePath):
                continue  # gone meanwhile, or nothing of a datastore
        return tuple(entries)

    async def stat(self, place: FilePlace) -> FileEntry:
        return await self._call(place, self._stat, "reading")

    def _stat(self, place: FilePlace) -> FileEntry:
        facts = os.stat(self._paths.file(place))
        directory = stat.S_ISDIR(facts.st_mode)
        return FileEntry(
            path=place.path,
            directory=directory,
            size=0 if directory else facts.st_size,
            allocated=facts.st_blocks * 512,
            modified=facts.st_mtime,
        )

    async def make_directory(self, place: FilePlace, parents: bool = False) -> None:
        await self._call(place, lambda one: self._make_directory(one, parents), "making")

    def _make_directory(self, place: FilePlace, parents: bool) -> None:
        path = self._paths.path(place)
        if os.path.lexists(path):
            raise FileExists(place)
        if parents:
            os.makedirs(path)
        else:
            os.mkdir(path)

    async def create_disk(self, place: FilePlace, capacity: int, thin: bool = True) -> None:
        def work(one: FilePlace) -> None:
            create_disk(self._disk_path(one), one, capacity, thin, self._owner)

        await self._call(place, work, "creating", LONG_DEADLINE)
        await self._tell(place.datastore)

    async def disk(self, place: FilePlace) -> DiskImage:
        return await self._call(place, self._disk, "reading")

    def _disk(self, place: FilePlace) -> DiskImage:
        path = self._disk_path(place)
        text, flat = self._descriptor(place), layout.flat_of(path)
        try:
            facts = os.stat(flat)
        except FileNotFoundError:
            raise FileMissing(FilePlace(datastore=place.datastore, path=layout.flat_of(place.path))) from None
        return DiskImage(capacity=facts.st_size, allocated=facts.st_blocks * 512, thin=layout.says_thin(text))

    async def resize_disk(self, place: FilePlace, capacity: int) -> None:
        def work(one: FilePlace) -> None:
            resize_disk(self._disk_path(one), one, self._disk(one), capacity, self._owner)

        await self._call(place, work, "resizing", LONG_DEADLINE)
        await self._tell(place.datastore)

    async def delete(self, place: FilePlace) -> None:
        await self._call(place, self._delete, "deleting")
        await self._tell(place.datastore)

    def _delete(self, place: FilePlace) -> None:
        if not place.path:
            raise UnsafePath("A datastore's root cannot be deleted.")
        try:
            path = self._paths.file(place)
        except FileMissing:
            path = self._paths.path(place)
            if os.path.islink(path):  # one that points at nothing
                os.unlink(path)
            return
        if os.path.isdir(path) and not os.path.islink(path):
            os.rmdir(path)
            return
        parts = [path]
        if (
            layout.is_descriptor_name(path)
            and os.path.isfile(layout.flat_of(path))
            and layout.is_descriptor(files.head(path))
        ):
            parts.insert(0, layout.flat_of(path))  # first: what is left after a kill can still be named and deleted
        for part in parts:
            refuse_if_in_use(part, place)
        for part in parts:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(part)
        files.sync_folder(path)

    async def read(self, place: FilePlace, limit: int = 1 << 20) -> bytes:
        return await self._call(place, lambda one: self._read(one, limit), "reading")

    def _read(self, place: FilePlace, limit: int) -> bytes:
        path = self._paths.file(place)
        if os.path.isdir(path):
            raise FileError(place, f"{place.path} is a folder.")
        with open(path, "rb") as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise FileError(place, f"{place.path} has more than {limit} bytes.")
        return data

    async def write(self, place: FilePlace, data: bytes) -> None:
        await self._call(place, lambda one: self._write(one, data), "writing")
        await self._tell(place.datastore)

    def _write(self, place: FilePlace, data: bytes) -> None:
        path = self._paths.path(place)
        if not place.path or os.path.isdir(path):
            raise FileError(place, f"{place.path} is a folder.")
        if os.path.lexists(path):
            self._paths.file(place)
            refuse_if_in_use(path, place)
            if layout.is_descriptor_name(path) and os.path.isfile(layout.flat_of(path)):
                refuse_if_in_use(layout.flat_of(path), place)
        files.replace(os.path.realpath(path), data, self._owner)

    # -- how all of them run

    async def _call(
        self, place: FilePlace, work: Callable[[FilePlace], T], doing: str, deadline: float = DEADLINE
    ) -> T:
        def checked(one: FilePlace) -> T:
            self._paths.path(one)  # a wrong place is said before anything else
            if not is_mounted(self._paths.root(one.datastore), one.datastore):
                raise HypervisorError(f"The datastore {self._ids[one.datastore][0]} is not accessible.")
            return work(one)

        lane = self._slow if deadline > DEADLINE else self._lane
        return await lane.run(lambda: files.told(checked, place), deadline, f"{doing} {place.path}")

    def _disk_path(self, place: FilePlace) -> str:
        path = self._paths.path(place)
        if not layout.is_descriptor_name(path):
            raise FileError(place, f"{place.path} is no name of a disk: those end in .vmdk.")
        return path

    def _descriptor(self, place: FilePlace) -> bytes:
        text = files.head(self._paths.file(place))
        if not layout.is_descriptor(text):
            raise FileError(place, f"{place.path} is no disk.")
        return text
