"""What lies on a simulated datastore: a tree of folders, plain files and disks, and what each takes.

Law: files and disks are records and are replaced, never changed; a disk stands once in its folder, under its
descriptor's name, and is found under its extent's too.
"""

from __future__ import annotations

import msgspec

from ..places import descriptor_of
from ..records import DatastoreRecord, FileEntry, Record

BLOCK = 4096


class StoredFile(Record, frozen=True):
    data: bytes
    modified: float = 0.0

    @property
    def blocks(self) -> int:
        return -(-len(self.data) // BLOCK) * BLOCK


class StoredDisk(Record, frozen=True):
    """Descriptor and extent of a disk full of zeros. `allocated`: bytes of the extent that lie on the datastore."""

    capacity: int
    allocated: int = 0
    thin: bool = True
    modified: float = 0.0

    @property
    def blocks(self) -> int:
        return self.allocated + BLOCK


class Folder:
    """A directory: its entries by name."""

    __slots__ = ("entries", "modified")
    blocks = BLOCK

    def __init__(self, modified: float = 0.0, entries: dict[str, Node] | None = None):
        self.entries: dict[str, Node] = {} if entries is None else entries
        self.modified = modified


Node = Folder | StoredFile | StoredDisk


class Volume:
    """One datastore: its figures without `free`, its tree, and what the tree takes."""

    def __init__(self, record: DatastoreRecord):
        self.record, self.root, self.used = record, Folder(), 0

    def seen(self) -> DatastoreRecord:
        return msgspec.structs.replace(self.record, free=self.record.capacity - self.used)


def child(folder: Folder, name: str) -> Node | None:
    """The entry of that name; the extent of a disk is the disk."""
    node = folder.entries.get(name)
    if node is None and (descriptor := descriptor_of(name)):
        disk = folder.entries.get(descriptor)
        return disk if isinstance(disk, StoredDisk) else None
    return node


def entry_of(path: str, node: Node) -> FileEntry:
    if isinstance(node, Folder):
        return FileEntry(path=path, directory=True, allocated=BLOCK, modified=node.modified)
    if isinstance(node, StoredDisk):
        return FileEntry(path=path, size=BLOCK, allocated=BLOCK, modified=node.modified)
    return FileEntry(path=path, size=len(node.data), allocated=node.blocks, modified=node.modified)


def extent_entry(path: str, disk: StoredDisk) -> FileEntry:
    return FileEntry(path=path, size=disk.capacity, allocated=disk.allocated, modified=disk.modified)
