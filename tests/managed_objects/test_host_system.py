"""What the host says of itself follows its records, and nothing else."""

from __future__ import annotations

import msgspec
import pytest

from vmsdk.engine.personality import HOST_MANAGERS
from vmsdk.hypervisor.records import Definition, FilePlace, Host, HostLoad, Machine, PciDevice, Power
from vmsdk.hypervisor.simulated import SHAPES
from vmsdk.managed_objects.host_faces import host_faces
from vmsdk.managed_objects.host_system import HostSystem
from vmsdk.wsdl import MoRef

from .small_site import CALL, NOW, encoded, put, small_site


def host_of(site) -> HostSystem:
    return put(site, host_faces(site))[0]


def machine(name: str, power: Power = Power.OFF) -> Machine:
    home = FilePlace(datastore="d", path=f"{name}/{name}.vmx")
    return Machine(definition=Definition(uuid=name, bios_uuid=name, name=name, home=home), power=power)


@pytest.mark.parametrize(("shape", "packages", "cores", "threads", "cards"), [("small", 1, 8, 16, 1), ("large", 2, 64, 128, 3)])
def test_two_hosts_of_different_shape_say_different_things(shape, packages, cores, threads, cards):
    host = host_of(small_site(shape))
    summary, hardware = host.summary(), host.hardware()
    record = SHAPES[shape].host
    assert (summary.hardware.numCpuPkgs, summary.hardware.numCpuCores, summary.hardware.numCpuThreads) == (packages, cores, threads)
    assert (summary.hardware.numNics, summary.hardware.memorySize) == (cards, record.memory)
    assert (hardware.cpuInfo.hz, hardware.memorySize) == (record.cpu_hz, record.memory)
    assert hardware.numaInfo.numNodes == len(record.numa)
    assert (summary.hardware.vendor, summary.hardware.model, host.name()) == (record.vendor, record.model, record.name)
    assert [len(p.threadId) for p in hardware.cpuPkg] == [threads // packages] * packages


def test_quick_figures_are_megahertz_and_megabytes_of_the_last_sample():
    site = small_site("small")
    host = host_of(site)
    site.host.load.set(HostLoad(at=2.0, cpu=2.0, memory_used=5 << 30, uptime=77.9))
    stats = host.summary().quickStats
    assert (stats.overallCpuUsage, stats.overallMemoryUsage, stats.uptime) == (5200, 5120, 77)


def test_a_new_sample_reaches_who_watches_the_summary_and_not_who_watches_the_hardware():
    site = small_site("small")
    host = host_of(site)
    summary_reads, _ = site.graph.track(host.summary)
    hardware_reads, _ = site.graph.track(host.hardware)
    assert site.host.load in summary_reads and site.host.load not in hardware_reads


def test_a_hypervisor_out_of_reach_shows_in_state_and_colour():
    site = small_site("small")
    host = host_of(site)
    assert (host.runtime().connectionState, host.overallStatus()) == ("connected", "green")
    site.host.connected.set(False)
    assert (host.runtime().connectionState, host.runtime().powerState, host.overallStatus()) == ("notResponding", "unknown", "red")
    assert host.summary().overallStatus == "red"


def test_ids_past_the_middle_of_a_short_go_out_negative():
    hardware = host_of(small_site("large")).hardware()
    card = next(d for d in hardware.pciDevice if d.id == "0000:c1:00.0")
    assert (card.vendorId, card.bus, card.slot, card.function) == (0x15B3, 0xC1 - 256, 0, 0)
    disk = next(d for d in hardware.pciDevice if d.id == "0000:41:00.0")
    assert disk.deviceId == 0xA824 - 65536
    intel = host_of(small_site("small")).hardware().pciDevice[0]
    assert intel.vendorId == -32634


def test_cpu_features_are_bits_in_groups_of_four_at_signed_levels():
    features = host_of(small_site("small")).hardware().cpuFeature
    assert [f.level for f in features] == [0, 1, -2147483648, -2147483647, -2147483640]
    assert features[0].eax == "0000:0000:0000:0000:0000:0000:0001:1011"
    package = host_of(small_site("small")).hardware().cpuPkg[0]
    assert (package.vendor, package.family, package.model, package.stepping) == ("intel", 6, 167, 1)


def test_a_host_that_tells_next_to_nothing_still_has_all_that_clients_must_get():
    site = small_site(host=Host(uuid="", name="box"), networks=(), datastores=())
    faces = put(site, host_faces(site))
    for face in faces:
        for name in face.props:
            encoded(face, name)
    hardware = faces[0].hardware()
    assert hardware.systemInfo.uuid == site.identity
    assert (hardware.numaInfo, hardware.biosInfo.releaseDate, hardware.systemInfo.serialNumber) == (None, None, None)
    assert hardware.systemInfo.otherIdentifyingInfo == []


def test_a_firmware_date_that_no_calendar_has_is_left_out():
    site = small_site(host=msgspec.structs.replace(SHAPES["small"].host, bios_date="2020-13-45"))
    assert host_of(site).hardware().biosInfo.releaseDate is None


def test_what_a_machine_may_have_is_what_this_host_can_run():
    site = small_site(host=msgspec.structs.replace(SHAPES["small"].host, max_cpus_per_machine=17))
    capability = host_of(site).capability()
    assert (capability.maxSupportedVcpus, capability.maxSupportedVmMemory) == (17, 128 << 10)
    assert not capability.vmotionSupported and not capability.ftSupported


def test_running_machines_are_counted_for_licences():
    site = small_site(machines=(machine("a", Power.ON), machine("b"), machine("c", Power.ON)))
    counts = {r.key: r.value for r in host_of(site).licensableResource().resource}
    assert counts == {"numCpuPackages": 1, "numCpuCores": 8, "numVmsStarted": 2}
    assert host_of(site).vm() == site.host.machine_refs.get()


@pytest.mark.parametrize("personality", ["HostAgent", "VirtualCenter"])
def test_every_manager_that_the_host_names_exists_with_its_type(personality):
    site = small_site(personality=personality)
    manager = host_of(site).configManager()
    named = {field: getattr(manager, field) for field in HOST_MANAGERS}
    for field, ref in named.items():
        if ref is not None:
            assert site.inventory.find(ref).ref == ref, field
    assert manager.networkSystem == MoRef("HostNetworkSystem", "networkSystem" if personality == "HostAgent" else "networkSystem-9")
    assert (named["licenseManager"] is None) == (personality == "VirtualCenter")


def test_storage_adapters_are_the_mass_storage_devices_of_its_bus():
    site = small_site("large")
    host = host_of(site)
    (adapter,) = host.config().storageDevice.hostBusAdapter
    assert (type(adapter).__name__, adapter.storageProtocol) == ("HostPcieHba", "nvme")
    assert (adapter.device, adapter.pci) == ("vmhba0", "0000:41:00.0")
    fibre = PciDevice(address="0000:05:00.0", class_id=0x0C04, vendor_id=1, device_id=2)
    site.host.host.set(msgspec.structs.replace(site.host.host.get(), pci=(fibre,)))
    assert host.summary().hardware.numHBAs == 0


def test_volumes_are_the_datastores_where_clients_see_them():
    site = small_site("large")
    volumes = host_of(site).config().fileSystemVolume.mountInfo
    assert [(v.volume.name, v.volume.type, v.mountInfo.path) for v in volumes] == [
        ("fast", "OTHER", "/vmfs/volumes/store-fast"),
        ("bulk", "OTHER", "/vmfs/volumes/store-bulk"),
        ("iso", "NFS", "/vmfs/volumes/store-iso"),
    ]
    cell = site.host.datastores["store-fast"]
    cell.set(msgspec.structs.replace(cell.get(), accessible=False))
    assert host_of(site).config().fileSystemVolume.mountInfo[0].mountInfo.accessible is False


def test_uptime_and_date_come_from_the_clock_and_zones_from_the_record():
    site = small_site("large")
    host = host_of(site)
    assert host.RetrieveHardwareUptime(CALL) == int(SHAPES["large"].uptime)
    system = site.inventory.get("dateTimeSystem")
    assert system.QueryDateTime(CALL).timestamp() == NOW
    zone = system.dateTimeInfo().timeZone
    assert (zone.key, zone.gmtOffset) == ("Europe/Berlin", 3600)  # winter time, whenever the host was started
    assert [z.key for z in system.QueryAvailableTimeZones(CALL)] == ["Europe/Berlin"]


def test_a_zone_that_nobody_knows_is_named_and_has_no_offset():
    site = small_site(host=msgspec.structs.replace(SHAPES["small"].host, timezone="Mars/Olympus"))
    assert host_of(site).config().dateTimeInfo.timeZone.gmtOffset == 0


def test_hyper_threading_is_more_threads_than_cores():
    assert host_of(small_site("small")).config().hyperThread.active is True
    without = msgspec.structs.replace(SHAPES["small"].host, cpu_threads=8)
    assert host_of(small_site(host=without)).config().hyperThread.active is False


def test_what_a_centre_asks_first_holds_the_summaries():
    site = small_site("small")
    told = host_of(site).QueryHostConnectionInfo(CALL)
    assert told.host == host_of(site).summary()
    assert told.capability.maxSupportedVcpus == 255


def test_the_product_is_our_own():
    host = host_of(small_site(product_name="thing", product_version="1.2"))
    assert host.config().product.name == "thing"
    assert host.summary().config.product == host.config().product
