"""Figures as monitoring reads them: the host and its machines, every 20 seconds, for an hour."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.lab import Lab
from vmsdk.hypervisor.interface import Sampled
from vmsdk.hypervisor.records import HostLoad, Statistics
from vmsdk.wsdl import MoRef, vim

MANAGER = MoRef("PerformanceManager", "ha-perfmgr")
HOST = MoRef("HostSystem", "ha-host")


def ids(lab):
    """Counter ids as clients find them: by group, name and rollup."""
    return {f"{c.groupInfo.key}.{c.nameInfo.key}.{c.rollupType}": c.key for c in lab.get(MANAGER, "perfCounter")}


def running(lab, cpus=1):
    vm = lab.vm("web")
    lab.run(vm, "PowerOnVM_Task")
    return vm, vm.config.instanceUuid


def tell(lab, uuid, count=1, **rates):
    """`count` rounds of figures after a first one that makes no row, 20 seconds apart, counters growing by `rates` a second."""
    fixed = {name: rates.pop(name) for name in ("memory_resident", "memory_guest_used") if name in rates}
    for n in range(count + 1):
        lab.clock.advance(20)
        at = lab.clock.seconds()
        sample = Statistics(at=at, **{name: type(rate)(rate * n * 20) for name, rate in rates.items()}, **fixed)
        lab.daemon.site.samples.heard(Sampled(host=HostLoad(at=at, cpu=2.0, memory_used=1 << 30, uptime=5000.0), machines={uuid: sample}))


@pytest.fixture
def still(tmp_path):
    """A host whose own figures do not come between those of a test."""
    lab = Lab(tmp_path)
    lab.daemon.sample_listeners.clear()
    return lab


def query(lab, *entities, **more):
    return lab.call(MANAGER, "QueryPerf", querySpec=[vim.PerfQuerySpec(entity=each, **more) for each in entities])


def figures(lab, metric):
    names = {number: name for name, number in ids(lab).items()}
    return {names[series.id.counterId]: list(series.value) for series in metric.value}


@pytest.mark.shows("QueryPerf")
def test_a_machines_figures_are_what_its_samples_say(still):
    lab = still
    vm, uuid = running(lab)
    tell(lab, uuid, 2, cpu_seconds=0.25, disk_read=2048, disk_written=1024, net_received=4096, net_sent=1024,
         memory_resident=64 << 20, memory_guest_used=32 << 20)  # fmt: skip
    [metric] = query(lab, vm.ref, intervalId=20)
    mhz = lab.daemon.site.host.host.get().cpu_hz / 1e6
    said = figures(lab, metric)
    uptime = said.pop("sys.uptime.latest")
    assert uptime[1] - uptime[0] == 20
    assert said == {
        "cpu.usage.average": [2500] * 2, "cpu.usagemhz.average": [round(mhz / 4)] * 2, "mem.usage.average": [2500] * 2,
        "mem.active.average": [32768] * 2, "mem.consumed.average": [65536] * 2,
        "disk.usage.average": [3, 3], "disk.read.average": [2, 2], "disk.write.average": [1, 1],
        "net.usage.average": [5, 5], "net.received.average": [4, 4], "net.transmitted.average": [1, 1],
    }  # fmt: skip
    assert [info.interval for info in metric.sampleInfo] == [20, 20]
    assert metric.sampleInfo[1].timestamp - metric.sampleInfo[0].timestamp == timedelta(seconds=20)


def test_the_hosts_figures(still):
    lab = still
    _, uuid = running(lab)
    tell(lab, uuid, 1, cpu_seconds=0.25, net_received=4096)
    [metric] = query(lab, HOST, maxSample=1)
    host, said = lab.daemon.site.host.host.get(), figures(lab, metric)
    assert said["cpu.usage.average"] == [round(2 / host.cpu_threads * 10000)]
    assert (said["mem.consumed.average"], said["sys.uptime.latest"], said["net.received.average"]) == ([1 << 20], [5000], [4])
    assert "mem.active.average" not in said


def test_a_host_without_machines_has_figures(still):
    lab = still
    for _ in range(3):
        lab.clock.advance(20)
        at = lab.clock.seconds()
        lab.daemon.site.samples.heard(Sampled(host=HostLoad(at=at, cpu=1.0, memory_used=1 << 30, uptime=100.0), machines={}))
    [metric] = query(lab, HOST)
    assert figures(lab, metric)["mem.consumed.average"] == [1 << 20] * 3


def test_figures_are_for_who_may_read_the_entity(still):
    lab = still
    vm, uuid = running(lab)
    other = lab.vm("other")
    tell(lab, uuid, 1, cpu_seconds=0.5)
    password = "correct-Horse7battery"
    lab.call(MoRef("HostLocalAccountManager", "ha-localacctmgr"), "CreateUser", user=vim.HostAccountSpec(id="ann", password=password))
    read_only = vim.Permission(principal="ann", group=False, roleId=-2, propagate=True)
    lab.call(MoRef("AuthorizationManager", "ha-authmgr"), "SetEntityPermissions", entity=vm.ref, permission=[read_only])
    ann = lab.client().login("ann", password)
    [metric] = ann.call(MANAGER, "QueryPerf", querySpec=[vim.PerfQuerySpec(entity=vm.ref)])
    assert metric.value
    for entity in (other.ref, HOST):
        asked = {"querySpec": [vim.PerfQuerySpec(entity=vm.ref), vim.PerfQuerySpec(entity=entity)]}
        for operation, arguments in (("QueryPerf", asked), ("QueryAvailablePerfMetric", {"entity": entity})):
            with pytest.raises(vim.NoPermission) as refused:
                ann.call(MANAGER, operation, **arguments)
            assert (refused.value.object, refused.value.privilegeId) == (entity, "System.Read")


def test_the_same_as_csv(still):
    lab = still
    vm, uuid = running(lab)
    tell(lab, uuid, 2, cpu_seconds=0.5)
    wanted = [vim.PerfMetricId(counterId=ids(lab)["cpu.usage.average"], instance="*")]
    [metric] = query(lab, vm.ref, intervalId=20, format="csv", metricId=wanted)
    [series] = metric.value
    assert (series.id.counterId, series.id.instance, series.value) == (wanted[0].counterId, "", "5000,5000")
    first, second = metric.sampleInfoCSV.split(",20,")
    assert first.startswith("20,20") and first.endswith("Z") and second > first[3:]


def test_one_asks_for_the_newest_or_for_a_time(still):
    lab = still
    vm, uuid = running(lab)
    tell(lab, uuid, 5, cpu_seconds=0.5)
    all_of_it = [info.timestamp for info in query(lab, vm.ref)[0].sampleInfo]
    assert len(all_of_it) == 5
    assert [i.timestamp for i in query(lab, vm.ref, maxSample=2)[0].sampleInfo] == all_of_it[-2:]
    some = query(lab, vm.ref, startTime=all_of_it[1], endTime=all_of_it[3])[0].sampleInfo
    assert [i.timestamp for i in some] == all_of_it[2:4]
    assert query(lab, vm.ref, startTime=all_of_it[-1])[0].sampleInfo == ()


def test_what_is_not_measured_is_left_out_and_what_is_wrong_is_refused(still):
    lab = still
    vm, uuid = running(lab)
    tell(lab, uuid, 1, cpu_seconds=0.5)
    known = ids(lab)
    wanted = [vim.PerfMetricId(counterId=known[name], instance="") for name in ("cpu.ready.summation", "cpu.usage.average")]
    wanted.append(vim.PerfMetricId(counterId=known["cpu.usagemhz.average"], instance="0"))
    assert list(figures(lab, query(lab, vm.ref, metricId=wanted)[0])) == ["cpu.usage.average"]
    assert query(lab, vm.ref, metricId=wanted[:1])[0].value == ()
    for what, more in (("interval", {"intervalId": 300}), ("format", {"format": "xml"}), ("maxSample", {"maxSample": -1})):
        with pytest.raises(vim.InvalidArgument) as refused:
            query(lab, vm.ref, **more)
        assert refused.value.invalidProperty == f"querySpec.{what}"
    with pytest.raises(vim.InvalidArgument):
        query(lab, lab.folder)
    with pytest.raises(vim.ManagedObjectNotFound):
        query(lab, MoRef("VirtualMachine", "77"))
    with pytest.raises(vim.InvalidArgument):
        query(lab, *[vm.ref] * 20_000)


@pytest.mark.shows("QueryAvailablePerfMetric", "QueryPerfProviderSummary")
def test_a_machine_that_is_off_has_no_figures(still):
    lab = still
    vm = lab.vm("web")
    assert lab.call(MANAGER, "QueryAvailablePerfMetric", entity=vm.ref, intervalId=20) == []
    [metric] = query(lab, vm.ref)
    assert (metric.sampleInfo, metric.value) == ((), ())
    lab.run(vm, "PowerOnVM_Task")
    tell(lab, vm.config.instanceUuid, 1, cpu_seconds=0.5)
    available = lab.call(MANAGER, "QueryAvailablePerfMetric", entity=vm.ref, intervalId=20)
    assert {m.counterId for m in available} == {series.id.counterId for series in query(lab, vm.ref)[0].value}
    assert {m.instance for m in available} == {""}
    summary = lab.call(MANAGER, "QueryPerfProviderSummary", entity=vm.ref)
    assert (summary.currentSupported, summary.summarySupported, summary.refreshRate) == (True, True, 20)
    for operation in ("QueryPerfProviderSummary", "QueryAvailablePerfMetric"):
        with pytest.raises(vim.InvalidArgument):
            lab.call(MANAGER, operation, entity=lab.folder)


def test_a_restart_of_the_machine_makes_no_wild_figure(still):
    lab = still
    vm, uuid = running(lab)
    tell(lab, uuid, 2, cpu_seconds=0.5)
    tell(lab, uuid, 1, cpu_seconds=0.5)
    assert figures(lab, query(lab, vm.ref)[0])["cpu.usage.average"] == [5000] * 3


def test_an_hour_is_kept_and_what_is_gone_is_forgotten(still):
    lab = still
    vm, uuid = running(lab)
    tell(lab, uuid, 200, cpu_seconds=0.5)
    rows = lab.daemon.site.samples.rows
    assert len(rows(uuid)) == 180
    lab.root.login()
    lab.run(vm, "PowerOffVM_Task")
    lab.run(vm, "Destroy_Task")
    tell(lab, uuid, 1)
    assert rows(uuid) == [] and len(rows("")) == 180


def test_the_simulated_host_and_its_machines_have_figures_by_themselves(lab_of_three):
    lab = lab_of_three
    for _ in range(4):
        lab.advance(20)
        lab.step()
    metrics = query(lab, HOST, *[vm.ref for vm in lab.machines], intervalId=20, maxSample=1)
    assert len(metrics) == 4
    for metric in metrics:
        said = figures(lab, metric)
        assert said["cpu.usage.average"][0] > 0 and said["mem.consumed.average"][0] > 0 and said["net.usage.average"][0] > 0


@pytest.mark.shows("QueryPerfCounter", "QueryPerfCounterByLevel")
def test_counters_have_the_ids_of_a_host(lab, tmp_path):
    known = ids(lab)
    assert {name: known[name] for name in ("cpu.usage.average", "mem.usage.average", "net.usage.average", "sys.uptime.latest")} == {
        "cpu.usage.average": 1, "mem.usage.average": 65537, "net.usage.average": 196609, "sys.uptime.latest": 262144,
    }  # fmt: skip
    [usage] = lab.call(MANAGER, "QueryPerfCounter", counterId=[1])
    assert (usage.unitInfo.key, usage.unitInfo.label, usage.statsType, usage.level) == ("percent", "%", "rate", 0)
    with pytest.raises(vim.InvalidArgument):
        lab.call(MANAGER, "QueryPerfCounter", counterId=[1, 999_999_999])
    assert len(lab.call(MANAGER, "QueryPerfCounterByLevel", level=1)) == len(known)
    with pytest.raises(vim.InvalidArgument):
        lab.call(MANAGER, "QueryPerfCounterByLevel", level=5)
    assert {each.key for each in lab.get(MANAGER, "description").statsType} == {"absolute", "delta", "rate"}
    assert lab.get(MANAGER, "perfCounter", "historicalInterval").keys() == {"perfCounter"}
    centre = Lab(tmp_path, personality="VirtualCenter")
    counters = {c.key: c for c in centre.get(MoRef("PerformanceManager", "PerfMgr"), "perfCounter")}
    assert (counters[2].nameInfo.key, counters[2].level) == ("usage", 1)
