"""HostDatastoreBrowser: what lies in a datastore. `SearchDatastore_Task` looks into one folder, the other one below it as well."""

from __future__ import annotations

import fnmatch
from datetime import UTC, datetime
from typing import Any

from ..datastores import names
from ..engine.call import Call
from ..engine.managed_object import ManagedObject, operation, prop
from ..engine.site import Site
from ..hypervisor.records import FileEntry, FilePlace
from ..wsdl import Array, MoRef, vim

_KINDS = {
    "vmx": "VmConfigFileInfo", "vmdk": "VmDiskFileInfo", "vmsn": "VmSnapshotFileInfo", "iso": "IsoImageFileInfo",
    "flp": "FloppyImageFileInfo", "log": "VmLogFileInfo", "nvram": "VmNvramFileInfo",
}  # fmt: skip
MOST_FOLDERS = 10_000


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

    def _place(self, text: str) -> FilePlace:
        place = names.parse(text, self.site.datastore_named)
        if self._id is not None and place.datastore != self._id:
            raise vim.InvalidDatastore(name=self.site.datastore_name(place.datastore), datastore=self.site.datastore_refs.get(place.datastore))
        return place

    @operation
    async def SearchDatastore_Task(self, call: Call, datastorePath: str, searchSpec: Any = None) -> Any:
        """The matching entries of one folder. FileNotFound, InvalidDatastorePath."""
        place = self._place(datastorePath)
        entries = await self.site.hypervisor.storage.list(place)
        return self._result(place, entries, searchSpec)

    @operation
    async def SearchDatastoreSubFolders_Task(self, call: Call, datastorePath: str, searchSpec: Any = None) -> Any:
        """The same for a folder and all below it; folders without a match are left out."""
        work, found = [self._place(datastorePath)], list[Any]()
        while work and len(found) < MOST_FOLDERS:
            place = work.pop(0)
            entries = await self.site.hypervisor.storage.list(place)
            result = self._result(place, entries, searchSpec)
            if result.file:
                found.append(result)
            work += [FilePlace(datastore=place.datastore, path=e.path) for e in entries if e.directory]
        return Array("HostDatastoreBrowserSearchResults", tuple(found))

    def _result(self, place: FilePlace, entries: tuple[FileEntry, ...], spec: Any) -> Any:
        patterns = list(spec.matchPattern) if spec is not None else []
        queries = [type(q).__name__.replace("Query", "Info") for q in spec.query] if spec is not None else []
        details = spec.details if spec is not None else None
        insensitive = spec is None or spec.searchCaseInsensitive is not False
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
            if queries and kind not in queries and "FileInfo" not in queries:
                continue
            files.append(self._info(kind, name, entry, details))
        if spec is not None and spec.sortFoldersFirst:
            files.sort(key=lambda f: not isinstance(f, vim.FolderFileInfo))
        folder = names.text(place, self.site.datastore_name)
        return vim.HostDatastoreBrowserSearchResults(
            datastore=self.site.datastore_refs.get(place.datastore), folderPath=folder if not place.path else f"{folder}/", file=files
        )

    @staticmethod
    def _info(kind: str, name: str, entry: FileEntry, details: Any) -> Any:
        facts: dict[str, Any] = {"path": name}
        if details is not None:
            if details.fileSize:
                facts["fileSize"] = entry.size
            if details.modification:
                facts["modification"] = datetime.fromtimestamp(entry.modified, UTC)
            if details.fileOwner:
                facts["owner"] = "root"
        return getattr(vim, kind)(**facts)


def _matches(name: str, pattern: str, insensitive: bool) -> bool:
    if insensitive:
        name, pattern = name.lower(), pattern.lower()
    return fnmatch.fnmatchcase(name, pattern)
