"""FileManager: folders made, files deleted, moved and copied in datastores.

Law: the right is asked of the datastore that a path names. What a registered machine lives on is locked: its configuration, its disks with
their snapshots, and the media of one that runs. Disks and folders are neither moved nor copied here: that is for whoever knows disks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..datastores import names
from ..engine.call import Call
from ..engine.managed_object import ManagedObject, operation
from ..engine.site import Site
from ..hypervisor.errors import FileMissing, HypervisorError, UnsafePath
from ..hypervisor.records import Definition, Disk, FileEntry, FilePlace, Optical, Power
from ..wsdl import MoRef, vim

PRIVILEGE = "Datastore.FileManagement"
MOST_BYTES = 64 << 20
_OVERLAY = re.compile(r"-\d{6}\Z")


class FileManager(ManagedObject):
    """Datacenters are ignored: there is one, and names of datastores are unique in it."""

    def __init__(self, site: Site):
        super().__init__(site.graph, site.personality.manager("fileManager")[1])
        self.site = site

    def _place(self, text: str, call: Call) -> FilePlace:
        """InvalidDatastorePath, InvalidDatastore, NoPermission."""
        place = names.parse(text, self.site.datastore_named)
        face = self.site.inventory.find(self.site.datastore_refs[place.datastore])
        fault = self.site.permissions.refusal(call, face, PRIVILEGE)
        if fault is not None:
            raise fault
        return place

    def _text(self, place: FilePlace) -> str:
        return names.text(place, self.site.datastore_name)

    def _free(self, place: FilePlace) -> None:
        """FileLocked where a machine lives on it or on something below it."""
        for cells in self.site.machines.values():
            running = cells.power.get().power is not Power.OFF
            for used in _used(cells.defined, running):
                if _covers(place, used):
                    raise vim.FileLocked(file=self._text(used))
            if _belongs(place, cells.defined):
                raise vim.FileLocked(file=self._text(place))

    async def _stat(self, place: FilePlace) -> FileEntry | None:
        try:
            return await self.site.hypervisor.storage.stat(place)
        except FileMissing:
            return None
        except UnsafePath as error:
            raise vim.InvalidDatastorePath(datastorePath=self._text(place), msg=str(error)) from None

    # -- folders and deleting ---------------------------------------------------------------------------------

    @operation
    async def MakeDirectory(
        self, call: Call, name: str, datacenter: MoRef | None = None, createParentDirectories: bool | None = None
    ) -> None:
        """FileAlreadyExists; FileNotFound where its parent is missing and is not to be made."""
        place = self._place(name, call)
        try:
            await self.site.hypervisor.storage.make_directory(place, bool(createParentDirectories))
        except UnsafePath as error:
            raise vim.InvalidDatastorePath(datastorePath=name, msg=str(error)) from None

    @operation
    async def DeleteDatastoreFile_Task(self, call: Call, name: str, datacenter: MoRef | None = None) -> None:
        """A file, a disk with its parts, or a folder with all in it. FileNotFound; FileLocked for what a machine lives on."""
        assert call.task is not None
        place = self._place(name, call)
        if not place.path:
            raise vim.CannotDeleteFile(file=name, msg="The root of a datastore cannot be deleted.")
        self._free(place)
        self.site.claims.take(("folder", place), call.task.ref)  # no machine is made in it meanwhile
        self.site.claims.check(("folder", names.folder_of(place)))
        entry = await self._stat(place)
        if entry is None:
            raise vim.FileNotFound(file=self._text(place))
        if entry.directory:
            await self._empty(place)
        self._free(place)
        await self.site.hypervisor.storage.delete(place)

    async def _empty(self, folder: FilePlace) -> None:
        """All that is in a folder, disks by their descriptors first."""
        storage = self.site.hypervisor.storage
        entries = await storage.list(folder)
        for entry in sorted(entries, key=lambda one: one.path.endswith("-flat.vmdk")):
            place = FilePlace(datastore=folder.datastore, path=entry.path)
            if entry.directory:
                await self._empty(place)
            self._free(place)
            await storage.delete(place)

    # -- moving and copying -----------------------------------------------------------------------------------

    @operation
    async def MoveDatastoreFile_Task(
        self, call: Call, sourceName: str, destinationName: str, sourceDatacenter: MoRef | None = None,
        destinationDatacenter: MoRef | None = None, force: bool | None = None,
    ) -> None:  # fmt: skip
        """The copy is whole before the original goes. See the copy; FileLocked for what a machine lives on."""
        source = self._place(sourceName, call)
        self._free(source)
        await self._copy(call, source, self._place(destinationName, call), bool(force))
        self._free(source)
        await self.site.hypervisor.storage.delete(source)

    @operation
    async def CopyDatastoreFile_Task(
        self, call: Call, sourceName: str, destinationName: str, sourceDatacenter: MoRef | None = None,
        destinationDatacenter: MoRef | None = None, force: bool | None = None,
    ) -> None:  # fmt: skip
        """One file. FileNotFound; FileAlreadyExists unless `force`; NotSupported for folders, disks and very big files."""
        await self._copy(call, self._place(sourceName, call), self._place(destinationName, call), bool(force))

    async def _copy(self, call: Call, source: FilePlace, target: FilePlace, force: bool) -> None:
        assert call.task is not None
        if source == target or not target.path:
            raise vim.InvalidArgument(invalidProperty="destinationName")
        self.site.claims.take(("file", target), call.task.ref)
        self.site.claims.check(("folder", names.folder_of(target)))
        self._free(target)
        entry = await self._stat(source)
        if entry is None:
            raise vim.FileNotFound(file=self._text(source))
        await self._may_be_copied(source, entry)
        there = await self._stat(target)
        if there is not None and (there.directory or not force):
            raise vim.FileAlreadyExists(file=self._text(target))
        data = await self.site.hypervisor.storage.read(source, MOST_BYTES)
        self._free(target)
        await self.site.hypervisor.storage.write(target, data)

    async def _may_be_copied(self, source: FilePlace, entry: FileEntry) -> None:
        if entry.directory:
            raise vim.NotSupported(msg="Folders are not moved or copied as a whole.")
        if source.path.endswith(".vmdk"):
            if source.path.endswith("-flat.vmdk") or await self._is_disk(source):
                raise vim.NotSupported(msg="Virtual disks are not moved or copied as files.")
        if entry.size > MOST_BYTES:
            raise vim.NotSupported(msg=f"Files of more than {MOST_BYTES >> 20} MiB are not moved or copied.")

    async def _is_disk(self, place: FilePlace) -> bool:
        try:
            await self.site.hypervisor.storage.disk(place)
        except HypervisorError:
            return False
        return True


def _used(definition: Definition, running: bool) -> Iterator[FilePlace]:
    yield definition.home
    for device in definition.devices:
        if isinstance(device, Disk) or (isinstance(device, Optical) and running and device.file is not None):
            assert device.file is not None
            yield device.file


def _covers(place: FilePlace, used: FilePlace) -> bool:
    """Whether `place` is the file or a folder above it."""
    return place.datastore == used.datastore and (place.path == used.path or used.path.startswith(f"{place.path}/"))


def _belongs(place: FilePlace, definition: Definition) -> bool:
    """Whether a file is a part of the machine that its definition does not name: extents and overlays of disks, saved memory, NVRAM."""
    home, path = definition.home, place.path
    own = f"{home.path.removesuffix('.vmx')}"
    if place.datastore == home.datastore and path.startswith(own) and path.endswith((".nvram", ".vmss", ".vmsn", ".vmem")):
        return True
    return any(
        isinstance(d, Disk) and d.file.datastore == place.datastore and _part_of(path, d.file.path) for d in definition.devices
    )


def _part_of(path: str, disk: str) -> bool:
    stem = _OVERLAY.sub("", disk.removesuffix(".vmdk"))
    return re.fullmatch(re.escape(stem) + r"(-\d{6})?(-flat|-delta)?\.vmdk", path) is not None
