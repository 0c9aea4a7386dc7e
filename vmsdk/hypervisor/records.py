"""What a hypervisor tells: plain, immutable, serialisable records.

Law: no libvirt word, no vim25 word, no live handle. Sizes are bytes unless the name says otherwise, times are
UTC epoch seconds for display only. A record is replaced, never changed.
"""

from __future__ import annotations

import enum
from typing import Union

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all records: frozen, keyword-only, equal by value, JSON in and out through msgspec."""


class Power(str, enum.Enum):
    OFF = "off"
    ON = "on"
    SUSPENDED = "suspended"  # its memory lies in a file; no process runs


class FilePlace(Record, frozen=True):
    """A file of a datastore. `path` is relative, POSIX, never starts with `/` and never holds `..`."""

    datastore: str  # DatastoreRecord.id
    path: str


# --- devices -------------------------------------------------------------------------------------------------

class Device(Record, frozen=True, tag_field="device"):
    key: int  # stable for the machine's life; travels with it


class Controller(Device, frozen=True, tag="controller"):
    """`model`: ide, buslogic, lsilogic, lsisas1068, pvscsi, ahci, nvme, ehci, xhci."""

    model: str
    bus: int = 0


class Disk(Device, frozen=True, tag="disk"):
    controller: int  # key of its controller
    unit: int
    file: FilePlace  # what a client calls the disk: x.vmdk
    capacity: int
    uuid: str = ""
    mode: str = "persistent"  # persistent, independent_persistent, independent_nonpersistent
    thin: bool = True
    eager: bool = False
    write_through: bool = False
    sharing: str = "none"


class Optical(Device, frozen=True, tag="optical"):
    """A CD/DVD drive. `backing`: iso (with `file`), client, host (with `host_device`)."""

    controller: int
    unit: int
    backing: str = "client"
    file: FilePlace | None = None
    host_device: str = ""
    connected: bool = False
    start_connected: bool = False
    allow_guest_control: bool = True


class Nic(Device, frozen=True, tag="nic"):
    """A network card. `model`: vmxnet3, e1000, e1000e, pcnet, virtio. `mac` is never empty."""

    model: str
    network: str  # NetworkRecord.name
    mac: str
    mac_kind: str = "generated"  # generated, assigned, manual
    unit: int = 7
    connected: bool = True
    start_connected: bool = True
    allow_guest_control: bool = True
    wake_on_lan: bool = True


AnyDevice = Union[Controller, Disk, Optical, Nic]


class BootEntry(Record, frozen=True):
    """`kind`: disk, optical, nic, floppy. `key` names the device for disk and nic, else None (the first of its kind)."""

    kind: str
    key: int | None = None


# --- machines ------------------------------------------------------------------------------------------------

class Definition(Record, frozen=True):
    """All that makes a machine itself and travels with it.

    `uuid` is its identity for ever (the instance UUID); `bios_uuid` is what the guest reads. `remembered` holds JSON texts
    by name for settings that the hypervisor itself has no use for.
    """

    uuid: str
    bios_uuid: str
    name: str
    home: FilePlace  # the configuration file: dir/x.vmx
    guest_id: str = "otherGuest"
    hardware_version: str = "vmx-21"
    cpus: int = 1
    cores_per_socket: int = 1
    memory_mib: int = 256
    firmware: str = "bios"  # bios, efi
    secure_boot: bool = False
    boot_order: tuple[BootEntry, ...] = ()
    annotation: str = ""
    extra: tuple[tuple[str, str], ...] = ()
    devices: tuple[AnyDevice, ...] = ()
    remembered: tuple[tuple[str, str], ...] = ()
    created: float = 0.0
    changed: float = 0.0  # of the last accepted change of definition


class Machine(Record, frozen=True):
    """One machine as it is now. `trouble` says in words why a machine cannot be used (its definition is unreadable ...)."""

    definition: Definition
    power: Power = Power.OFF
    paused: bool = False
    started: float | None = None  # when it last began to run; None while off
    suspended: float | None = None
    crashed: bool = False
    clean_stop: bool = True
    foreign: bool = False  # defined by someone else (virsh), without our metadata
    trouble: str = ""


class GuestAddress(Record, frozen=True):
    address: str
    prefix: int
    kind: str = "ipv4"  # ipv4, ipv6


class GuestNic(Record, frozen=True):
    name: str
    mac: str
    addresses: tuple[GuestAddress, ...] = ()


class GuestDisk(Record, frozen=True):
    mount: str
    capacity: int
    free: int
    filesystem: str = ""


class Guest(Record, frozen=True):
    """What the agent inside tells. `agent` False: nothing else is set."""

    agent: bool = False
    agent_version: str = ""
    hostname: str = ""
    os_id: str = ""
    os_name: str = ""
    os_version: str = ""
    kernel: str = ""
    architecture: str = ""
    nics: tuple[GuestNic, ...] = ()
    disks: tuple[GuestDisk, ...] = ()


class Statistics(Record, frozen=True):
    """One sample of a running machine. `at` is monotonic seconds; counters grow from the machine's start."""

    at: float
    cpu_seconds: float = 0.0
    memory_resident: int = 0
    memory_guest_used: int | None = None
    disk_read: int = 0
    disk_written: int = 0
    net_received: int = 0
    net_sent: int = 0


# --- the host ------------------------------------------------------------------------------------------------

class CpuPackage(Record, frozen=True):
    index: int
    vendor: str  # intel, amd, other
    model: str
    hz: int
    threads: tuple[int, ...]


class NumaNode(Record, frozen=True):
    id: int
    cpus: tuple[int, ...]
    memory: int


class PciDevice(Record, frozen=True):
    address: str  # 0000:00:1f.2
    class_id: int
    vendor_id: int
    device_id: int
    subvendor_id: int = 0
    subdevice_id: int = 0
    vendor_name: str = ""
    device_name: str = ""


class PhysicalNic(Record, frozen=True):
    name: str  # of the operating system
    mac: str
    driver: str = ""
    pci: str = ""
    speed_mbit: int | None = None  # None: link down
    duplex: bool = True


class HostInterface(Record, frozen=True):
    """An interface with addresses of the host itself."""

    name: str
    mac: str
    mtu: int
    addresses: tuple[GuestAddress, ...] = ()
    dhcp: bool = False


class Host(Record, frozen=True):
    """The hardware and software below. `accelerator`: kvm, tcg, or simulated."""

    uuid: str  # of the board; the server's own identity is made once in its state
    name: str  # fully qualified where known
    vendor: str = ""
    model: str = ""
    serial: str = ""
    asset_tag: str = ""
    bios_vendor: str = ""
    bios_version: str = ""
    bios_date: str = ""  # ISO date or empty
    efi: bool = False
    cpu_model: str = ""
    cpu_hz: int = 0
    cpu_packages: tuple[CpuPackage, ...] = ()
    cpu_cores: int = 1
    cpu_threads: int = 1
    cpuid: tuple[tuple[int, int, int, int, int], ...] = ()  # level, eax, ebx, ecx, edx where readable
    memory: int = 0
    numa: tuple[NumaNode, ...] = ()
    pci: tuple[PciDevice, ...] = ()
    nics: tuple[PhysicalNic, ...] = ()
    interfaces: tuple[HostInterface, ...] = ()
    dns_servers: tuple[str, ...] = ()
    dns_domain: str = ""
    dns_search: tuple[str, ...] = ()
    gateway: str = ""
    timezone: str = "UTC"
    booted: float = 0.0
    kernel: str = ""
    os_name: str = ""
    hypervisor: str = ""  # QEMU and libvirt versions in words
    accelerator: str = "tcg"
    max_cpus_per_machine: int = 255


class HostLoad(Record, frozen=True):
    """One sample. `cpu` is busy threads (1.5 = one and a half threads busy), memory is bytes in use."""

    at: float
    cpu: float = 0.0
    memory_used: int = 0
    uptime: float = 0.0


class DatastoreRecord(Record, frozen=True):
    """A directory that holds machines. `id` stands in a file at its root, so two hosts know it is the same."""

    id: str
    name: str
    directory: str  # where it is mounted on this host
    capacity: int = 0
    free: int = 0
    filesystem: str = ""
    accessible: bool = True


class NetworkRecord(Record, frozen=True):
    """A port group. `kind`: user (NAT by QEMU itself), bridge, openvswitch."""

    name: str
    kind: str = "user"
    bridge: str = ""
    vlan: int = 0


class FileEntry(Record, frozen=True):
    """A file or folder of a datastore. `size` is what clients see (a disk's extent: its full length)."""

    path: str
    directory: bool = False
    size: int = 0
    allocated: int = 0
    modified: float = 0.0


class DiskImage(Record, frozen=True):
    """What lies behind x.vmdk."""

    capacity: int
    allocated: int
    thin: bool = True
    parent: FilePlace | None = None
