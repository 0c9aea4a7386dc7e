"""Datastore: a directory that holds machines, in the contract's form for one (LocalDatastoreInfo, type OTHER)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ..engine.call import Call
from ..engine.cells import Cell
from ..engine.managed_object import operation, prop
from ..engine.site import Site
from ..hypervisor.records import DatastoreRecord, Disk
from ..wsdl import MoRef, vim
from .host_storage_facts import mount
from .managed_entity import ManagedEntity

MAX_FILE = (1 << 63) - 1
MAX_DISK = 68_169_720_922_112  # 62 TiB, as hosts say


class Datastore(ManagedEntity):
    def __init__(self, site: Site, value: str, cell: Cell[DatastoreRecord], browser: str):
        super().__init__(site, value)
        self.cell, self._browser = cell, browser

    @prop
    def name(self) -> str:
        return self.cell.get().name

    @prop
    def parent(self) -> MoRef:
        return self.site.fixed("datastore_folder", "Folder")

    def _url(self) -> str:
        path = f"/vmfs/volumes/{self.cell.get().id}/"
        return f"ds://{path}" if self.site.personality.column else path.rstrip("/")

    def _uncommitted(self) -> int:
        """What disks here may still grow by. Of one outside its machine's folder it is not known what it holds: a thin one counts
        whole there, a thick one is whole already."""
        record, wanted = self.cell.get(), 0
        self.site.host.machine_refs.get()
        for cells in self.site.machines.values():
            # What is listed is the machine's folder; the same path may exist in another datastore.
            listed = cells.files.get().files if cells.defined.home.datastore == record.id else ()
            held = {f.path: f.allocated for f in listed}
            for disk in cells.defined.devices:
                if isinstance(disk, Disk) and disk.file.datastore == record.id:
                    extent = disk.file.path.removesuffix(".vmdk") + "-flat.vmdk"
                    if disk.file.path in held or disk.thin:
                        wanted += max(0, disk.capacity - held.get(extent, 0) - held.get(disk.file.path, 0))
        return wanted

    @prop
    def summary(self) -> Any:
        record = self.cell.get()
        return vim.DatastoreSummary(
            datastore=self.ref, name=record.name, url=self._url(), capacity=record.capacity, freeSpace=record.free,
            uncommitted=self._uncommitted(), accessible=record.accessible,
            multipleHostAccess=True if self.site.personality.column else None, type="OTHER", maintenanceMode="normal",
        )  # fmt: skip

    @prop
    def info(self) -> Any:
        record = self.cell.get()
        return vim.LocalDatastoreInfo(
            name=record.name, url=self._url(), freeSpace=record.free, maxFileSize=MAX_FILE, maxVirtualDiskCapacity=MAX_DISK,
            maxMemoryFileSize=MAX_FILE, timestamp=datetime.fromtimestamp(self.site.host.host.get().booted, UTC),
            containerId=record.id, path=record.directory,
        )  # fmt: skip

    @prop
    def host(self) -> Any:
        return (vim.DatastoreHostMount(key=self.site.fixed("host", "HostSystem"), mountInfo=mount(self.cell.get())),)

    @prop
    def vm(self) -> tuple[MoRef, ...]:
        record = self.cell.get()
        self.site.host.machine_refs.get()
        return tuple(
            self.site.machine_refs[uuid]
            for uuid, cells in self.site.machines.items()
            if uuid in self.site.machine_refs
            and (
                cells.defined.home.datastore == record.id
                or any(isinstance(d, Disk) and d.file.datastore == record.id for d in cells.defined.devices)
            )
        )

    @prop
    def browser(self) -> MoRef:
        return MoRef("HostDatastoreBrowser", self._browser)

    @prop
    def capability(self) -> Any:
        return vim.DatastoreCapability(
            directoryHierarchySupported=True, rawDiskMappingsSupported=False, perFileThinProvisioningSupported=True,
            storageIORMSupported=False, nativeSnapshotSupported=False, topLevelDirectoryCreateSupported=True,
            seSparseSupported=False, vmfsSparseSupported=False, vsanSparseSupported=False, vmdkExpandSupported=False,
        )  # fmt: skip

    @prop
    def iormConfiguration(self) -> Any:
        return vim.StorageIORMInfo(
            enabled=False, congestionThresholdMode="automatic", congestionThreshold=30, percentOfPeakThroughput=90,
            statsCollectionEnabled=False, reservationEnabled=False, statsAggregationDisabled=False,
        )  # fmt: skip

    async def _read_again(self) -> None:
        for record in await self.site.hypervisor.storage.datastores():
            if record.id == self.cell.get().id:
                self.cell.set(record)

    @operation
    async def RefreshDatastore(self, call: Call) -> None:
        await self._read_again()

    @operation
    async def RefreshDatastoreStorageInfo(self, call: Call) -> None:
        await self._read_again()
