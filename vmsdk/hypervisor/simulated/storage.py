"""Files of simulated datastores: trees of records in memory, with sizes, and an end to the space.

Law: a change happens whole or not at all, space is reckoned before anything is changed, and every change is
announced with the datastore's new figures before the verb returns.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ..errors import (
    FileError,
    FileExists,
    FileInUse,
    FileMissing,
    NoSpace,
    NoSuchDatastore,
    UnsafePath,
)
from ..places import check_place, descriptor_of, extent_of, is_disk_name, parent_of
from ..records import DatastoreRecord, DiskImage, FileEntry, FilePlace
from ..worker import ReactorTime
from .tree import BLOCK, Folder, Node, StoredDisk, StoredFile, Volume, child, entry_of, extent_entry
from .verbs import Verbs


class MemoryStorage:
    """The port's Storage. `in_use`: whether a running machine has a disk open; `changed` hears of each change."""

    def __init__(
        self,
        clock: ReactorTime,
        verbs: Verbs,
        datastores: tuple[DatastoreRecord, ...],
        in_use: Callable[[FilePlace], bool],
        changed: Callable[[DatastoreRecord], None],
    ):
        self._clock, self._verbs, self._in_use, self._changed = clock, verbs, in_use, changed
        self._volumes = {each.id: Volume(each) for each in datastores}

    # -- verbs of the port
    async def datastores(self) -> tuple[DatastoreRecord, ...]:
        return await self._verbs.do(
            "storage.datastores", "", lambda: tuple(each.seen() for each in self._volumes.values())
        )

    async def list(self, place: FilePlace) -> tuple[FileEntry, ...]:
        return await self._verbs.do("storage.list", place.path, lambda: self._list(place))

    async def stat(self, place: FilePlace) -> FileEntry:
        return await self._verbs.do("storage.stat", place.path, lambda: self._stat(place))

    async def make_directory(self, place: FilePlace, parents: bool = False) -> None:
        await self._verbs.do("storage.make_directory", place.path, lambda: self._make_directory(place, parents))

    async def create_disk(self, place: FilePlace, capacity: int, thin: bool = True) -> None:
        await self._verbs.do("storage.create_disk", place.path, lambda: self._create_disk(place, capacity, thin))

    async def disk(self, place: FilePlace) -> DiskImage:
        return await self._verbs.do("storage.disk", place.path, lambda: self._image(place))

    async def resize_disk(self, place: FilePlace, capacity: int) -> None:
        await self._verbs.do("storage.resize_disk", place.path, lambda: self._resize_disk(place, capacity))

    async def delete(self, place: FilePlace) -> None:
        await self._verbs.do("storage.delete", place.path, lambda: self._delete(place))

    async def read(self, place: FilePlace, limit: int = 1 << 20) -> bytes:
        return await self._verbs.do("storage.read", place.path, lambda: self._read(place, limit))

    async def write(self, place: FilePlace, data: bytes) -> None:
        await self._verbs.do("storage.write", place.path, lambda: self._write(place, data))

    # -- for whoever builds a host
    def plant(self, datastore: str, name: str, entries: dict[str, Node]) -> None:
        """Put a folder with entries into the root, before anybody listens; nothing is checked."""
        volume = self._volumes[datastore]
        folder = volume.root.entries[name] = Folder(self._clock.seconds(), entries)
        volume.used += folder.blocks + sum(node.blocks for node in entries.values())

    def require(self, place: FilePlace) -> None:
        """FileMissing, NoSuchDatastore, UnsafePath."""
        self._stat(place)

    # -- reading
    def _list(self, place: FilePlace) -> tuple[FileEntry, ...]:
        folder = self._node(place)
        if not isinstance(folder, Folder):
            raise FileError(place, f"{place.path} is no folder.")
        before = f"{place.path}/" if place.path else ""
        found = []
        for name, node in folder.entries.items():
            found.append(entry_of(before + name, node))
            if isinstance(node, StoredDisk):
                found.append(extent_entry(extent_of(before + name), node))
        return tuple(sorted(found, key=lambda entry: entry.path))

    def _stat(self, place: FilePlace) -> FileEntry:
        node = self._node(place)
        if isinstance(node, StoredDisk) and descriptor_of(place.path):
            return extent_entry(place.path, node)
        return entry_of(place.path, node)

    def _image(self, place: FilePlace) -> DiskImage:
        disk = self._disk(place)
        return DiskImage(capacity=disk.capacity, allocated=disk.allocated, thin=disk.thin)

    def _read(self, place: FilePlace, limit: int) -> bytes:
        node = self._node(place)
        if isinstance(node, StoredFile) and len(node.data) <= limit:
            return node.data
        if isinstance(node, StoredDisk) and descriptor_of(place.path) and node.capacity <= limit:
            return bytes(node.capacity)
        if isinstance(node, StoredFile) or descriptor_of(place.path):
            raise FileError(place, f"{place.path} is longer than {limit} bytes.")
        raise FileError(place, f"{place.path} is no plain file.")

    # -- changing
    def _make_directory(self, place: FilePlace, parents: bool) -> None:
        volume, parts = self._volume(place), check_place(place)
        if not parts:
            raise FileExists(place)
        folder, missing = volume.root, list(parts)
        while missing and (node := child(folder, missing[0])) is not None:
            if not isinstance(node, Folder) or len(missing) == 1:
                raise FileExists(place)
            folder = node
            del missing[0]
        if len(missing) > 1 and not parents:
            raise FileMissing(parent_of(place))
        self._take(volume, place, BLOCK * len(missing))
        for name in missing:
            made = Folder(self._clock.seconds())
            self._set(folder, name, made)
            folder = made
        self._changed(volume.seen())

    def _create_disk(self, place: FilePlace, capacity: int, thin: bool) -> None:
        if capacity <= 0:
            raise FileError(place, f"A disk cannot hold {capacity} bytes.")
        volume, folder, name = self._slot(place)
        if not is_disk_name(place.path):
            raise FileError(place, f"{place.path} is no name for a disk.")
        if name in folder.entries or child(folder, extent_of(name)) is not None:
            raise FileExists(place)
        made = StoredDisk(
            capacity=capacity, allocated=0 if thin else capacity, thin=thin, modified=self._clock.seconds()
        )
        self._take(volume, place, made.blocks)
        self._set(folder, name, made)
        self._changed(volume.seen())

    def _resize_disk(self, place: FilePlace, capacity: int) -> None:
        old = self._disk(place)
        if capacity < old.capacity:
            raise FileError(place, f"{place.path} holds {old.capacity} bytes and cannot shrink.")
        self._require_idle(place)
        volume, folder, name = self._slot(place)
        new = msgspec.structs.replace(
            old,
            capacity=capacity,
            allocated=old.allocated if old.thin else capacity,
            modified=self._clock.seconds(),
        )
        self._take(volume, place, new.blocks - old.blocks)
        self._set(folder, name, new)
        self._changed(volume.seen())

    def _delete(self, place: FilePlace) -> None:
        if not check_place(place):
            raise UnsafePath("The root of a datastore cannot be deleted.")
        try:
            node = self._node(place)
            volume, folder, name = self._slot(place)
        except FileMissing:
            return
        if isinstance(node, Folder) and node.entries:
            raise FileError(place, f"{place.path} is not empty.")
        if isinstance(node, StoredDisk):
            if descriptor_of(place.path):
                raise FileInUse(place)  # a disk goes as a whole, by its descriptor
            self._require_idle(place)
        del folder.entries[name]
        folder.modified = self._clock.seconds()
        volume.used -= node.blocks
        self._changed(volume.seen())

    def _write(self, place: FilePlace, data: bytes) -> None:
        volume, folder, name = self._slot(place)
        old = child(folder, name)
        if isinstance(old, Folder):
            raise FileError(place, f"{place.path} is a folder.")
        if isinstance(old, StoredDisk):
            raise FileInUse(place)
        new = StoredFile(data=bytes(data), modified=self._clock.seconds())
        self._take(volume, place, new.blocks - (old.blocks if old else 0))
        self._set(folder, name, new)
        self._changed(volume.seen())

    # -- walking
    def _volume(self, place: FilePlace) -> Volume:
        try:
            return self._volumes[place.datastore]
        except KeyError:
            raise NoSuchDatastore(place.datastore) from None

    def _node(self, place: FilePlace) -> Node:
        node: Node | None = self._volume(place).root
        for part in check_place(place):
            node = child(node, part) if isinstance(node, Folder) else None
            if node is None:
                raise FileMissing(place)
        assert node is not None
        return node

    def _disk(self, place: FilePlace) -> StoredDisk:
        node = self._node(place)
        if not isinstance(node, StoredDisk) or descriptor_of(place.path):
            raise FileError(place, f"{place.path} is no disk.")
        return node

    def _slot(self, place: FilePlace) -> tuple[Volume, Folder, str]:
        """Where an entry stands or would stand. FileMissing for the folder."""
        volume, parts = self._volume(place), check_place(place)
        if not parts:
            raise FileError(place, "This is the root of the datastore.")
        above = parent_of(place)
        folder = self._node(above)
        if not isinstance(folder, Folder):
            raise FileMissing(above)
        return volume, folder, parts[-1]

    def _require_idle(self, place: FilePlace) -> None:
        if self._in_use(place):
            raise FileInUse(place)

    def _take(self, volume: Volume, place: FilePlace, more: int) -> None:
        if volume.used + more > volume.record.capacity:
            raise NoSpace(place)
        volume.used += more

    def _set(self, folder: Folder, name: str, node: Node) -> None:
        folder.entries[name] = node
        folder.modified = self._clock.seconds()
