"""Host shapes by name: hardware, datastores and networks that go together.

Law: a shape is data. What differs between two simulated hosts of one shape (identity, boot time) is made by
`build`.
"""

from __future__ import annotations

from ..records import (
    CpuPackage,
    DatastoreRecord,
    GuestAddress,
    Host,
    HostInterface,
    NetworkRecord,
    NumaNode,
    PciDevice,
    PhysicalNic,
    Record,
)

GIB = 1 << 30
TIB = 1 << 40


class Shape(Record, frozen=True):
    """`host.uuid`, `host.booted` and the ids of datastores are filled in when a host is built."""

    host: Host
    datastores: tuple[DatastoreRecord, ...]
    networks: tuple[NetworkRecord, ...]
    uptime: float = 86_400.0


def _cpuid(vendor: str, signature: int, highest: int) -> tuple[tuple[int, int, int, int, int], ...]:
    """The leaves that clients show: vendor and highest leaf, signature with its common features, long mode and NX."""
    ebx, edx, ecx = (int.from_bytes(vendor[at : at + 4].encode(), "little") for at in (0, 4, 8))
    return (
        (0x0, highest, ebx, ecx, edx),
        (0x1, signature, 0x0010_0800, 0x7FFA_FBFF, 0xBFEB_FBFF),
        (0x8000_0000, 0x8000_0008, 0, 0, 0),
        (0x8000_0001, 0, 0, 0x0000_0121, 0x2C10_0800),
        (0x8000_0008, 0x0000_302E, 0, 0, 0),
    )


def _packages(count: int, threads: int, vendor: str, model: str, hz: int) -> tuple[CpuPackage, ...]:
    return tuple(
        CpuPackage(
            index=at, vendor=vendor, model=model, hz=hz, threads=tuple(range(at * threads, (at + 1) * threads))
        )
        for at in range(count)
    )


def _nic(name: str, mac: str, driver: str, pci: str, speed: int | None) -> PhysicalNic:
    return PhysicalNic(name=name, mac=mac, driver=driver, pci=pci, speed_mbit=speed)


SMALL_CPU = "Intel(R) Xeon(R) E-2378 CPU @ 2.60GHz"
LARGE_CPU = "AMD EPYC 7543 32-Core Processor"

SMALL = Shape(
    host=Host(
        uuid="",
        name="esx-small.example.com",
        vendor="Example Systems",
        model="Edge 1U",
        serial="SIM0000001",
        bios_vendor="Example Firmware",
        bios_version="1.4.2",
        bios_date="2023-05-17",
        efi=True,
        cpu_model=SMALL_CPU,
        cpu_hz=2_600_000_000,
        cpu_packages=_packages(1, 16, "intel", SMALL_CPU, 2_600_000_000),
        cpu_cores=8,
        cpu_threads=16,
        cpuid=_cpuid("GenuineIntel", 0x000A_0671, 0x1B),
        memory=128 * GIB,
        numa=(NumaNode(id=0, cpus=tuple(range(16)), memory=128 * GIB),),
        pci=(
            PciDevice(
                address="0000:00:17.0", class_id=0x0106, vendor_id=0x8086, device_id=0xA352,
                vendor_name="Intel Corporation", device_name="SATA Controller [AHCI mode]",
            ),
            PciDevice(
                address="0000:01:00.0", class_id=0x0200, vendor_id=0x8086, device_id=0x1533,
                vendor_name="Intel Corporation", device_name="I210 Gigabit Network Connection",
            ),
        ),
        nics=(_nic("eno1", "02:00:5e:10:00:01", "igb", "0000:01:00.0", 1000),),
        interfaces=(
            HostInterface(
                name="br0", mac="02:00:5e:10:00:01", mtu=1500,
                addresses=(GuestAddress(address="192.0.2.10", prefix=24),), dhcp=True,
            ),
        ),
        dns_servers=("192.0.2.1",),
        dns_domain="example.com",
        dns_search=("example.com",),
        gateway="192.0.2.1",
        kernel="6.1.0-amd64",
        os_name="Simulated Linux",
        hypervisor="simulated",
        accelerator="simulated",
    ),
    datastores=(
        DatastoreRecord(id="", name="datastore1", directory="/vmfs/datastore1", capacity=2 * TIB, filesystem="ext4"),
    ),
    networks=(NetworkRecord(name="VM Network", kind="bridge", bridge="br0"),),
)  # fmt: skip

LARGE = Shape(
    host=Host(
        uuid="",
        name="esx-large.example.com",
        vendor="Example Systems",
        model="Rack 2U",
        serial="SIM0000002",
        asset_tag="A-0002",
        bios_vendor="Example Firmware",
        bios_version="2.8.0",
        bios_date="2024-02-08",
        efi=True,
        cpu_model=LARGE_CPU,
        cpu_hz=2_800_000_000,
        cpu_packages=_packages(2, 64, "amd", LARGE_CPU, 2_800_000_000),
        cpu_cores=64,
        cpu_threads=128,
        cpuid=_cpuid("AuthenticAMD", 0x00A0_0F11, 0x10),
        memory=1 * TIB,
        numa=(
            NumaNode(id=0, cpus=tuple(range(64)), memory=512 * GIB),
            NumaNode(id=1, cpus=tuple(range(64, 128)), memory=512 * GIB),
        ),
        pci=(
            PciDevice(
                address="0000:41:00.0", class_id=0x0108, vendor_id=0x144D, device_id=0xA824,
                vendor_name="Samsung Electronics Co Ltd", device_name="NVMe SSD Controller PM173X",
            ),
            PciDevice(
                address="0000:c1:00.0", class_id=0x0200, vendor_id=0x15B3, device_id=0x1017,
                vendor_name="Mellanox Technologies", device_name="MT27800 Family [ConnectX-5]",
            ),
            PciDevice(
                address="0000:c1:00.1", class_id=0x0200, vendor_id=0x15B3, device_id=0x1017,
                vendor_name="Mellanox Technologies", device_name="MT27800 Family [ConnectX-5]",
            ),
        ),
        nics=(
            _nic("enp193s0f0", "02:00:5e:20:00:01", "mlx5_core", "0000:c1:00.0", 25_000),
            _nic("enp193s0f1", "02:00:5e:20:00:02", "mlx5_core", "0000:c1:00.1", 25_000),
            _nic("eno1", "02:00:5e:20:00:03", "igb", "", None),
        ),
        interfaces=(
            HostInterface(
                name="br0", mac="02:00:5e:20:00:01", mtu=1500,
                addresses=(
                    GuestAddress(address="198.51.100.20", prefix=24),
                    GuestAddress(address="2001:db8::20", prefix=64, kind="ipv6"),
                ),
            ),
            HostInterface(
                name="br1", mac="02:00:5e:20:00:02", mtu=9000,
                addresses=(GuestAddress(address="203.0.113.20", prefix=24),),
            ),
        ),
        dns_servers=("198.51.100.1", "198.51.100.2"),
        dns_domain="example.com",
        dns_search=("lab.example.com", "example.com"),
        gateway="198.51.100.1",
        timezone="Europe/Berlin",
        kernel="6.1.0-amd64",
        os_name="Simulated Linux",
        hypervisor="simulated",
        accelerator="simulated",
    ),
    datastores=(
        DatastoreRecord(id="", name="fast", directory="/vmfs/fast", capacity=8 * TIB, filesystem="xfs"),
        DatastoreRecord(id="", name="bulk", directory="/vmfs/bulk", capacity=64 * TIB, filesystem="xfs"),
        DatastoreRecord(id="", name="iso", directory="/vmfs/iso", capacity=512 * GIB, filesystem="nfs"),
    ),
    networks=(
        NetworkRecord(name="VM Network", kind="bridge", bridge="br0"),
        NetworkRecord(name="Storage", kind="bridge", bridge="br1", vlan=40),
        NetworkRecord(name="Lab", kind="openvswitch", bridge="ovs0", vlan=120),
    ),
    uptime=30 * 86_400.0,
)  # fmt: skip

SHAPES: dict[str, Shape] = {"small": SMALL, "large": LARGE}
