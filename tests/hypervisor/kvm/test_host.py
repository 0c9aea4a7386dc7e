"""Facts of the host and figures, from files that a test makes and from what is really there."""

from __future__ import annotations

from pathlib import Path

import libvirt
import pytest

from tests.hypervisor.kvm.machinery import KvmBed
from vmsdk.hypervisor.errors import HypervisorError
from vmsdk.hypervisor.interface import Sampled
from vmsdk.hypervisor.kvm import host_cpu, host_net
from vmsdk.hypervisor.kvm.host import iso_date, os_name, read_host
from vmsdk.hypervisor.kvm.host_files import HostFiles, cpu_list
from vmsdk.hypervisor.kvm.host_load import LoadReader
from vmsdk.hypervisor.kvm.host_pci import pci_devices
from vmsdk.hypervisor.kvm.sampler import statistics_of
from vmsdk.hypervisor.kvm.site import Site
from vmsdk.hypervisor.kvm.uri import Address
from vmsdk.hypervisor.records import GuestAddress, HostInterface, NumaNode, PciDevice, PhysicalNic, Statistics

CPU = "vendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz\ncpu MHz\t\t: 1000.0\n"


class Tree:
    """A folder that stands for /."""

    def __init__(self, root: Path):
        self.root = root
        self.files = HostFiles(str(root))

    def put(self, path: str, text: str) -> None:
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def link(self, path: str, target: str) -> None:
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_two_packages_of_two_cores_of_two_threads(tree: Tree) -> None:
    tree.put("/proc/cpuinfo", "\n".join(f"processor\t: {thread}\n{CPU}" for thread in range(8)))
    for thread in range(8):
        package, core = thread % 2, thread % 4
        tree.put(f"/sys/devices/system/cpu/cpu{thread}/topology/physical_package_id", f"{package}\n")
        tree.put(f"/sys/devices/system/cpu/cpu{thread}/topology/thread_siblings_list", f"{core},{core + 4}\n")
    tree.put("/sys/devices/system/node/node1/cpulist", "1,3,5,7\n")
    tree.put("/sys/devices/system/node/node1/meminfo", "Node 1 MemTotal:       1024 kB\n")
    tree.put("/sys/devices/system/node/node0/cpulist", "0-0,2,4,6\n")
    packages = host_cpu.packages(tree.files)
    assert [(one.vendor, one.hz, one.threads) for one in packages] == [
        ("intel", 2_100_000_000, (0, 2, 4, 6)),
        ("intel", 2_100_000_000, (1, 3, 5, 7)),
    ]
    assert host_cpu.cores(tree.files) == 4
    assert host_cpu.numa(tree.files, 0, ()) == (
        NumaNode(id=0, cpus=(0, 2, 4, 6), memory=0),
        NumaNode(id=1, cpus=(1, 3, 5, 7), memory=1 << 20),
    )
    tree.put("/sys/devices/system/cpu/cpu0/cpufreq/base_frequency", "1900000\n")
    assert host_cpu.frequency(tree.files) == 1_900_000_000


def test_pci_devices_have_names_where_the_host_has_a_list(tree: Tree) -> None:
    for name, text in (
        ("class", "0x020000"),
        ("vendor", "0x8086"),
        ("device", "0x100e"),
        ("subsystem_vendor", "0x1af4"),
    ):
        tree.put(f"/sys/bus/pci/devices/0000:00:1f.2/{name}", text)
    plain = PciDevice(
        address="0000:00:1f.2", class_id=0x0200, vendor_id=0x8086, device_id=0x100E, subvendor_id=0x1AF4
    )
    assert pci_devices(tree.files) == (plain,)
    tree.put(
        "/usr/share/misc/pci.ids",
        "# x\n8085  Other\n\t100e  Wrong\n8086  Intel\n\t100e  Card\n\t\t1af4 0001  Sub\nC 02  Net\n",
    )
    [named] = pci_devices(tree.files)
    assert (named.vendor_name, named.device_name) == ("Intel", "Card")


def test_a_card_without_carrier_has_no_speed_and_bridges_are_no_cards(tree: Tree) -> None:
    for name, carrier in (("eth0", "1"), ("eth1", "0")):
        tree.link(f"/sys/class/net/{name}/device", f"../../../bus/pci/0000:0{carrier}:00.0/virtio1")
        for file, text in (
            ("address", "02:00:00:00:00:01"),
            ("carrier", carrier),
            ("speed", "10000"),
            ("duplex", "full"),
        ):
            tree.put(f"/sys/class/net/{name}/{file}", text)
        tree.put(f"/sys/class/bus/pci/0000:0{carrier}:00.0/virtio1/x", "")
    tree.put("/sys/class/net/br0/address", "02:00:00:00:00:02")
    (tree.root / "sys/bus").symlink_to("class/bus")
    assert host_net.physical_nics(tree.files) == (
        PhysicalNic(name="eth0", mac="02:00:00:00:00:01", pci="0000:01:00.0", speed_mbit=10000),
        PhysicalNic(name="eth1", mac="02:00:00:00:00:01", pci="0000:00:00.0", speed_mbit=None),
    )


def test_addresses_routes_and_name_servers(tree: Tree) -> None:
    told = [
        {"ifname": "lo", "addr_info": [{"family": "inet", "local": "127.0.0.1", "prefixlen": 8, "scope": "host"}]},
        {"ifname": "br0", "address": "02:00:00:00:00:02", "mtu": 9000, "addr_info": [
            {"family": "inet", "local": "192.0.2.9", "prefixlen": 24, "scope": "global", "dynamic": True}]},
    ]  # fmt: skip
    assert host_net.interfaces(tree.files, told) == (
        HostInterface(
            name="br0", mac="02:00:00:00:00:02", mtu=9000, dhcp=True,
            addresses=(GuestAddress(address="192.0.2.9", prefix=24),),
        ),
    )  # fmt: skip
    tree.put(
        "/proc/net/route",
        "Iface Destination Gateway Flags RefCnt Use Metric Mask\n"
        "eth1 00000000 FE0200C0 0003 0 0 200 00000000\neth0 00000000 010200C0 0003 0 0 100 00000000\n",
    )
    assert host_net.gateway(tree.files) == "192.0.2.1"
    tree.put("/etc/resolv.conf", "# x\nnameserver 192.0.2.53\nnameserver 2001:db8::53\nsearch a.example b.example\n")
    assert host_net.resolver(tree.files) == (("192.0.2.53", "2001:db8::53"), "", ("a.example", "b.example"))


def test_words_that_makers_leave_in_place_of_facts_are_no_facts(tree: Tree) -> None:
    tree.put("/sys/class/dmi/id/sys_vendor", "Maker Ltd\n")
    tree.put("/sys/class/dmi/id/product_name", "To Be Filled By O.E.M.\n")
    tree.put("/sys/class/dmi/id/bios_date", "02/29/2024\n")
    tree.put("/sys/class/dmi/id/product_uuid", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF\n")
    tree.put("/etc/machine-id", "3d1219c7c4c5404aaa1f6d2a48adfda4\n")
    tree.put("/etc/os-release", 'NAME="Some"\nPRETTY_NAME="Some Linux 1 \\"x\\""\nBAD="\n')
    tree.link("/etc/localtime", "../usr/share/zoneinfo/Europe/Berlin")
    host = read_host(Site(accelerator="tcg", consoles="/x"), libvirt.open("test:///default"), True, tree.files)
    assert (host.vendor, host.model, host.bios_date) == ("Maker Ltd", "", "2024-02-29")
    assert host.uuid == "3d1219c7-c4c5-404a-aa1f-6d2a48adfda4"
    assert (host.timezone, os_name(tree.files)) == ("Europe/Berlin", 'Some Linux 1 "x"')
    assert iso_date("yesterday") == ""


def test_a_host_that_tells_nothing_is_a_host_all_the_same(tree: Tree) -> None:
    connection = libvirt.open("test:///default")
    host = read_host(Site(accelerator="tcg", consoles="/x"), connection, True, tree.files)
    assert host.name and host.cpu_threads >= host.cpu_cores >= 1 and host.numa
    distant = read_host(Site(accelerator="kvm", consoles="/x"), connection, False)
    assert distant.cpu_threads == 16 and distant.memory == 3 << 30 and len(distant.cpu_packages) == 4


def test_lists_of_processors() -> None:
    assert cpu_list("0-3,8,10-11\n") == (0, 1, 2, 3, 8, 10, 11)
    assert cpu_list("") == cpu_list("x") == ()


def test_load_is_the_mean_since_the_reading_before(tree: Tree) -> None:
    reader = LoadReader(str(tree.root / "proc"))
    assert reader.read().cpu == 0
    tree.put("/proc/meminfo", "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 400 kB\n")
    tree.put("/proc/uptime", "77.5 1\n")
    tree.put("/proc/stat", "cpu  100 0 0 300 0 0 0 0 0 0\ncpu0 1\ncpu1 1\n")
    first = reader.read()
    assert (first.cpu, first.memory_used, first.uptime) == (0.5, 600 << 10, 77.5)
    tree.put("/proc/stat", "cpu  190 0 0 310 0 0 0 0 0 0\ncpu0 1\ncpu1 1\n")
    assert reader.read().cpu == pytest.approx(1.8)


def test_a_busy_machine_keeps_the_figures_of_its_disks() -> None:
    before = statistics_of(
        {"cpu.time": 2_000_000_000, "block.count": 2, "block.0.rd.bytes": 5, "block.1.wr.bytes": 7}, 1.0
    )
    assert before == Statistics(at=1.0, cpu_seconds=2.0, disk_read=5, disk_written=7)
    busy = statistics_of({"cpu.time": 3_000_000_000, "balloon.rss": 4}, 2.0, before)
    assert busy == Statistics(at=2.0, cpu_seconds=3.0, memory_resident=4096, disk_read=5, disk_written=7)


async def test_a_running_machine_has_figures_that_grow(bed: KvmBed) -> None:
    made, idle = await bed.running(), await bed.machine()
    sampler = bed.hypervisor._sampler
    first, second = await sampler.round(), await sampler.round()
    assert set(first.machines) & {made.uuid, idle.uuid} == {made.uuid}
    one, two = first.machines[made.uuid], second.machines[made.uuid]
    assert two.at > one.at and two.cpu_seconds >= one.cpu_seconds > 0 and two.memory_resident > 1 << 20
    assert second.host.memory_used > 0 and second.host.uptime > 0
    assert [said for said in bed.ear.heard if isinstance(said, Sampled)] == [first, second]


@pytest.mark.parametrize(
    ("uri", "word"),
    [
        ("qemu:///embed?root=/" + "x" * 39, "too long"),
        ("qemu:///embed?root=relative", "absolute"),
        ("qemu:///embed", "absolute"),
        ("xen:///system", "qemu driver"),
    ],
)
def test_an_address_that_cannot_work_is_refused_in_words(uri: str, word: str) -> None:
    with pytest.raises(HypervisorError, match=word):
        Address(uri)


def test_addresses_know_whether_they_are_of_this_host() -> None:
    assert Address("qemu:///embed?root=/" + "x" * 38).root == "/" + "x" * 38
    for uri, local in (
        ("qemu:///system", True),
        ("qemu+unix:///system?socket=/x", True),
        ("qemu+ssh://far/system", False),
    ):
        assert Address(uri).local is local
    with pytest.raises(HypervisorError, match="sockets"):
        Address("qemu:///system").consoles("/tmp/" + "x" * 80)
