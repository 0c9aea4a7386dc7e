"""Disks by their names: what the browser tells of a file that is a disk, and who a disk is."""

from __future__ import annotations

import pytest

from tests.lab import Lab
from vmsdk.hypervisor.records import FilePlace
from vmsdk.wsdl import MoRef, vim

DISKS = MoRef("VirtualDiskManager", "ha-vdiskmanager")


def browser(lab: Lab) -> MoRef:
    return lab.get(lab.get(MoRef("Folder", lab.daemon.personality.fixed["datastore_folder"]), "childEntity")[0], "browser")


def test_a_disk_tells_its_capacity_and_what_it_takes_and_a_file_that_is_only_called_like_one_is_a_file(lab: Lab):
    lab.vm("web", disk_kb=65536)
    [datastore] = lab.daemon.site.host.datastores
    lab.finish(lab.hypervisor.storage.write(FilePlace(datastore=datastore, path="web/note.vmdk"), b"no disk"))
    flags = vim.VmDiskFileQueryFlags(diskType=True, capacityKb=True, hardwareVersion=False, diskExtents=True, thin=True)
    spec = vim.HostDatastoreBrowserSearchSpec(
        query=[vim.VmDiskFileQuery(details=flags)], details=vim.FileQueryFlags(fileType=True, fileSize=True, modification=False)
    )

    found = lab.run(browser(lab), "SearchDatastore_Task", datastorePath=f"[{lab.datastore}] web", searchSpec=spec)

    [disk] = found.file
    assert isinstance(disk, vim.VmDiskFileInfo) and (disk.path, disk.capacityKb, disk.thin) == ("web.vmdk", 65536, True)
    assert (disk.diskType, list(disk.diskExtents)) == ("VirtualDiskFlatVer2BackingInfo", [f"[{lab.datastore}] web/web-flat.vmdk"])
    everything = lab.run(browser(lab), "SearchDatastore_Task", datastorePath=f"[{lab.datastore}] web")
    kinds = {f.path: type(f).__name__ for f in everything.file}
    assert kinds == {"web.vmdk": "VmDiskFileInfo", "web.vmx": "VmConfigFileInfo", "note.vmdk": "FileInfo"}


@pytest.mark.shows("QueryVirtualDiskUuid")
def test_a_disk_is_who_its_machine_says_and_still_someone_without_one(lab: Lab):
    vm = lab.vm("web", disk_kb=1024)
    name = f"[{lab.datastore}] web/web.vmdk"
    disk = next(d for d in vm.config.hardware.device if isinstance(d, vim.VirtualDisk))

    told = lab.call(DISKS, "QueryVirtualDiskUuid", name=name)

    assert len(told) == 47 and told[23] == "-"
    assert told.replace(" ", "").replace("-", "") == disk.backing.uuid.replace("-", "").lower()
    lab.root.call(vm, "UnregisterVM")
    alone = lab.call(DISKS, "QueryVirtualDiskUuid", name=name)
    assert len(alone) == 47 and alone == lab.call(DISKS, "QueryVirtualDiskUuid", name=name)
    with pytest.raises(vim.FileNotFound):
        lab.call(DISKS, "QueryVirtualDiskUuid", name=f"[{lab.datastore}] web/other.vmdk")
