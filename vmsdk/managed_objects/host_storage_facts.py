"""What the host's properties say of its storage: adapters from its PCI devices, volumes from its datastores.

Law: pure functions of records. Disks behind the adapters are not in the records: their lists are empty, nothing is made up.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..engine.site import Site
from ..hypervisor.records import DatastoreRecord, Host, PciDevice
from ..wsdl import vim

# PCI class (mass storage) -> (data type, storage protocol). Fibre Channel and SAS want names that the records do not hold.
_KINDS = {
    0x0100: ("HostParallelScsiHba", "scsi"), 0x0101: ("HostBlockHba", "scsi"), 0x0104: ("HostParallelScsiHba", "scsi"),
    0x0105: ("HostBlockHba", "scsi"), 0x0106: ("HostBlockHba", "scsi"), 0x0107: ("HostParallelScsiHba", "scsi"),
    0x0108: ("HostPcieHba", "nvme"), 0x0180: ("HostBlockHba", "scsi"),
}  # fmt: skip
VOLUME_TYPES = ("NFS", "OTHER")
NETWORKED = ("nfs", "nfs4", "cifs", "smb3", "ceph", "fuse.glusterfs")


class Adapter(NamedTuple):
    name: str  # vmhbaN
    kind: str
    protocol: str
    device: PciDevice

    @property
    def key(self) -> str:
        return f"key-vim.host.{self.kind.removeprefix('Host')}-{self.name}"


def adapters(host: Host) -> tuple[Adapter, ...]:
    """The mass storage controllers in the order of their addresses."""
    found = [device for device in host.pci if device.class_id in _KINDS]
    return tuple(Adapter(f"vmhba{number}", *_KINDS[device.class_id], device) for number, device in enumerate(found))


def _adapter(adapter: Adapter) -> Any:
    device = adapter.device
    return getattr(vim, adapter.kind)(
        key=adapter.key, device=adapter.name, bus=int(device.address.split(":")[1], 16), status="unknown",
        model=device.device_name or f"{device.vendor_id:04x}:{device.device_id:04x}", pci=device.address,
        storageProtocol=adapter.protocol,
    )  # fmt: skip


def storage_device(site: Site) -> Any:
    """HostStorageDeviceInfo."""
    found = adapters(site.host.host.get())
    return vim.HostStorageDeviceInfo(
        hostBusAdapter=[_adapter(adapter) for adapter in found],
        scsiTopology=vim.HostScsiTopology(
            adapter=[
                vim.HostScsiTopologyInterface(key=f"key-vim.host.ScsiTopology.Interface-{adapter.name}", adapter=adapter.key)
                for adapter in found
            ]
        ),
        multipathInfo=vim.HostMultipathInfo(), softwareInternetScsiEnabled=False,
    )  # fmt: skip


def mount_path(record: DatastoreRecord) -> str:
    """Where clients see a datastore: ESXi's form, whatever the directory is called."""
    return f"/vmfs/volumes/{record.id}"


def mount(record: DatastoreRecord) -> Any:
    """HostMountInfo."""
    up = record.accessible
    return vim.HostMountInfo(path=mount_path(record), accessMode="readWrite", mounted=up, accessible=up)


def _volume(record: DatastoreRecord) -> Any:
    kind = "NFS" if record.filesystem in NETWORKED else "OTHER"
    return vim.HostFileSystemMountInfo(
        mountInfo=mount(record), volume=vim.HostFileSystemVolume(type=kind, name=record.name, capacity=record.capacity),
        vStorageSupport="vStorageUnsupported",
    )  # fmt: skip


def file_system_volumes(site: Site) -> Any:
    """HostFileSystemVolumeInfo: one volume for each datastore."""
    site.host.datastore_refs.get()  # a datastore that comes changes the list
    records = [cell.get() for cell in site.host.datastores.values()]
    return vim.HostFileSystemVolumeInfo(volumeTypeList=VOLUME_TYPES, mountInfo=[_volume(record) for record in records])


def datastore_capabilities() -> Any:
    """Datastores are directories that the server is started with: none is made through the API."""
    return vim.HostDatastoreSystemCapabilities(
        nfsMountCreationRequired=False, nfsMountCreationSupported=False, localDatastoreSupported=False,
        vmfsExtentExpansionSupported=False,
    )  # fmt: skip
