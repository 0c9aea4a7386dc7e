"""A machine's files: what they take up (storage) and which there are (layout, layoutEx), as its folder was last listed."""

from __future__ import annotations

from typing import Any

from ..datastores import names
from ..engine.machine import MachineCells
from ..engine.site import Site
from ..hypervisor.records import Definition, Disk
from ..wsdl import MoRef, vim
from .virtual_machine_facts import EPOCH, moment


def datastores(site: Site, definition: Definition) -> tuple[MoRef, ...]:
    used = dict.fromkeys([definition.home.datastore, *(x.file.datastore for x in definition.devices if isinstance(x, Disk))])
    return tuple(site.datastore_refs[n] for n in used if n in site.datastore_refs)


def storage(site: Site, cells: MachineCells) -> Any:
    """VirtualMachineStorageInfo of the last listing."""
    d, listed = cells.defined, cells.files.get()
    committed = sum(f.allocated for f in listed.files)
    provisioned = sum(x.capacity for x in d.devices if isinstance(x, Disk))
    disks = {x.file.path for x in d.devices if isinstance(x, Disk)}
    allocated = sum(f.allocated for f in listed.files if f.path in disks or f.path.replace("-flat.vmdk", ".vmdk") in disks)
    ref = site.datastore_refs.get(d.home.datastore)
    usage = vim.VirtualMachineUsageOnDatastore(
        datastore=ref, committed=committed, uncommitted=max(0, provisioned - allocated), unshared=committed
    )
    return vim.VirtualMachineStorageInfo(
        perDatastoreUsage=[usage] if ref is not None else (), timestamp=moment(listed.at or d.changed) or EPOCH
    )


def storage_summary(info: Any) -> Any:
    usage = info.perDatastoreUsage
    return vim.VirtualMachineStorageSummary(
        committed=sum(u.committed for u in usage), uncommitted=sum(u.uncommitted for u in usage),
        unshared=sum(u.unshared for u in usage), timestamp=info.timestamp,
    )  # fmt: skip


_FILE_TYPES = {
    "vmx": "config", "vmsd": "snapshotList", "vmxf": "extendedConfig", "nvram": "nvram", "log": "log", "vmss": "suspend",
    "vswp": "swap",
}  # fmt: skip


def _kind(path: str) -> str:
    """The contract's word for a file; empty for what is none of a machine's."""
    if path.endswith(".vmdk"):
        return "diskExtent" if path.endswith("-flat.vmdk") else "diskDescriptor"
    return _FILE_TYPES.get(path.rpartition(".")[2], "")


def layout_ex(site: Site, cells: MachineCells) -> Any:
    """VirtualMachineFileLayoutEx; sizes are what the files take up."""
    d, listed = cells.defined, cells.files.get()
    infos, by_path = [], {}
    for key, entry in enumerate(f for f in listed.files if not f.directory):
        kind = _kind(entry.path)
        if not kind:
            continue
        text = f"[{site.datastore_name(d.home.datastore)}] {entry.path}"
        infos.append(
            vim.VirtualMachineFileLayoutExFileInfo(
                key=key, name=text, type=kind, size=entry.allocated, uniqueSize=entry.allocated, accessible=True
            )
        )
        by_path[entry.path] = key
    disks = []
    for disk in (x for x in d.devices if isinstance(x, Disk)):
        keys = [by_path[p] for p in (disk.file.path, disk.file.path.replace(".vmdk", "-flat.vmdk")) if p in by_path]
        unit = vim.VirtualMachineFileLayoutExDiskUnit(fileKey=keys)
        disks.append(vim.VirtualMachineFileLayoutExDiskLayout(key=disk.key, chain=[unit] if keys else ()))
    return vim.VirtualMachineFileLayoutEx(file=infos, disk=disks, timestamp=moment(listed.at or d.changed) or EPOCH)


def layout(site: Site, cells: MachineCells) -> Any:
    """VirtualMachineFileLayout."""
    d, listed = cells.defined, cells.files.get()
    base = [f.path.rpartition("/")[2] for f in listed.files]
    disks = []
    for disk in (x for x in d.devices if isinstance(x, Disk)):
        text = names.text(disk.file, site.datastore_name)
        both = [text, text.replace(".vmdk", "-flat.vmdk")]
        disks.append(vim.VirtualMachineFileLayoutDiskLayout(key=disk.key, diskFile=both))
    return vim.VirtualMachineFileLayout(
        configFile=[b for b in base if b.endswith((".vmsd", ".nvram"))], logFile=[b for b in base if b.endswith(".log")], disk=disks
    )
