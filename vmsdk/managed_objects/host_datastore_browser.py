"""HostDatastoreBrowser: what lies in a datastore. `SearchDatastore_Task` looks into one folder, the other one below it as well.

Law: the right to look is asked of the datastore that a path names.
"""

from __future__ import annotations

import fnmatch
from datetime import UTC, datetime
from typing import Any

from ..datastores import names
from ..engine.call import Call
from ..engine.managed_object import ManagedObject, operation, prop
from ..engine.site import Site
from ..hypervisor.errors import FileMissing, HypervisorError
from ..hypervisor.records import DiskImage, FileEntry, FilePlace
from ..wsdl import Array, MoRef, vim

_KINDS = {
    "vmx": "VmConfigFileInfo", "vmdk": "VmDiskFileInfo", "vmsn": "VmSnapshotFileInfo", "iso": "IsoImageFileInfo",
    "flp": "FloppyImageFileInfo", "log": "VmLogFileInfo", "nvram": "VmNvramFileInfo",
}  # fmt: skip
MOST_FOLDERS = 10_000
DISK_TYPE = "VirtualDiskFlatVer2BackingInfo"


class HostDatastoreBrowser(ManagedObject):
    """`datastore_id` None: the browser over all datastores of the host."""

    def __init__(self, site: Site, value: str, datastore_id: str | None):
        super().__init__(site.graph, value)
        self.site, self._id = site, datastore_id

    @prop
    def datastore(self) -> tuple[MoRef, ...]:
        if self._id is None:
            return self.site.host.datastore_refs.get()
        return (self.site.datastore_refs[self._id],)

    @prop
    def supportedType(self) -> list[Any]:
        return [vim.VmConfigFileQuery(), vim.VmDiskFileQuery(), vim.IsoImageFileQuery(), vim.FolderFileQuery(), vim.VmLogFileQuery(),
                vim.VmNvramFileQuery(), vim.FloppyImageFileQuery()]  # fmt: skip

    def _place(self, text: str, call: Call) -> FilePlace:
        place = names.parse(text, self.site.datastore_named)
        face = self.site.inventory.find(self.site.datastore_refs[place.datastore])
        fault = self.site.permissions.refusal(call, face, "Datastore.Browse")
        if fault is not None:
            raise fault
        if self._id is not None and place.datastore != self._id:
            raise vim.InvalidDatastore(name=self.site.datastore_name(place.datastore), datastore=self.site.datastore_refs.get(place.datastore))
        return place

    @operation
    async def SearchDatastore_Task(self, call: Call, datastorePath: str, searchSpec: Any = None) -> Any:
        """The matching entries of one folder. FileNotFound, InvalidDatastorePath."""
        place = self._place(datastorePath, call)
        entries = await self.site.hypervisor.storage.list(place)
        return await self._result(place, entries, searchSpec)

    @operation
    async def SearchDatastoreSubFolders_Task(self, call: Call, datastorePath: str, searchSpec: Any = None) -> Any:
        """The same for a folder and all below it; folders without a match, and those that go meanwhile, are left out."""
        first = self._place(datastorePath, call)
        work, found = [first], list[Any]()
        while work and len(found) < MOST_FOLDERS:
            place = work.pop(0)
            try:
                entries = await self.site.hypervisor.storage.list(place)
            except FileMissing:
                if place is first:
                    raise
                continue
            result = await self._result(place, entries, searchSpec)
            if result.file:
                found.append(result)
            work += [FilePlace(datastore=place.datastore, path=e.path) for e in entries if e.directory]
        return Array("HostDatastoreBrowserSearchResults", tuple(found))

    async def _result(self, place: FilePlace, entries: tuple[FileEntry, ...], spec: Any) -> Any:
        patterns = list(spec.matchPattern) if spec is not None else []
        queries = [type(q).__name__.replace("Query", "Info") for q in spec.query] if spec is not None else []
        details = spec.details if spec is not None else None
        insensitive = spec is None or spec.searchCaseInsensitive is not False
        disks = next((q for q in spec.query if isinstance(q, vim.VmDiskFileQuery)), None) if spec is not None else None
        files = []
        for entry in entries:
            name = entry.path.rpartition("/")[2]
            if name.endswith("-flat.vmdk") and "VmDiskFileInfo" not in queries and queries:
                continue
            if patterns and not any(_matches(name, pattern, insensitive) for pattern in patterns):
                continue
            kind = "FolderFileInfo" if entry.directory else _KINDS.get(name.rpartition(".")[2].lower(), "FileInfo")
            if name.endswith("-flat.vmdk"):
                continue  # a disk is shown by its descriptor
            facts = self._facts(name, entry, details)
            if kind == "VmDiskFileInfo":
                try:
                    told = await self._disk_facts(place, entry, details, disks)
                    if told is None:
                        continue
                    facts.update(told)
                except HypervisorError:
                    kind = "FileInfo"  # it is only called like a disk
            if queries and kind not in queries and "FileInfo" not in queries:
                continue
            files.append(getattr(vim, kind)(**facts))
        if spec is not None and spec.sortFoldersFirst:
            files.sort(key=lambda f: not isinstance(f, vim.FolderFileInfo))
        folder = names.text(place, self.site.datastore_name)
        return vim.HostDatastoreBrowserSearchResults(
            datastore=self.site.datastore_refs.get(place.datastore), folderPath=folder if not place.path else f"{folder}/", file=files
        )

    @staticmethod
    def _facts(name: str, entry: FileEntry, details: Any) -> dict[str, Any]:
        facts: dict[str, Any] = {"path": name}
        if details is not None:
            if details.fileSize:
                facts["fileSize"] = entry.size
            if details.modification:
                facts["modification"] = datetime.fromtimestamp(entry.modified, UTC)
            if details.fileOwner:
                facts["owner"] = "root"
        return facts

    async def _disk_facts(self, folder: FilePlace, entry: FileEntry, details: Any, query: Any) -> dict[str, Any] | None:
        """What only a disk has; its size is that of all its parts. None for one that the query is not after. HypervisorError where
        it is no disk."""
        place = FilePlace(datastore=folder.datastore, path=entry.path)
        image = await self.site.hypervisor.storage.disk(place)
        if query is not None and query.filter is not None and not _passes(image, query.filter):
            return None
        flags = query.details if query is not None else None
        facts: dict[str, Any] = {}
        if details is not None and details.fileSize:
            facts["fileSize"] = entry.size + image.allocated
        if flags is not None:
            if flags.diskType:
                facts["diskType"] = DISK_TYPE
            if flags.capacityKb:
                facts["capacityKb"] = image.capacity // 1024
            if flags.diskExtents:
                facts["diskExtents"] = [names.text(place, self.site.datastore_name).removesuffix(".vmdk") + "-flat.vmdk"]
            if flags.thin:
                facts["thin"] = image.thin
        return facts


def _passes(image: DiskImage, wanted: Any) -> bool:
    """Whether a disk passes a VmDiskFileQueryFilter. Nothing is encrypted; what is not known of a disk (controller, version) is not
    held against it."""
    if wanted.diskType and not any(kind.rpartition(".")[2] in (DISK_TYPE, "FlatVer2BackingInfo") for kind in wanted.diskType):
        return False
    return wanted.thin in (None, image.thin) and not wanted.encrypted


def _matches(name: str, pattern: str, insensitive: bool) -> bool:
    """`*` and `?` stand for others; every other sign, `[` too, for itself."""
    pattern = pattern.replace("[", "[[]")
    if insensitive:
        name, pattern = name.lower(), pattern.lower()
    return fnmatch.fnmatchcase(name, pattern)
