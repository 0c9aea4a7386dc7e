"""The host as a place to run machines: what there is of it, and what can be had of it now."""

from __future__ import annotations

import pytest

from tests.lab import Lab
from vmsdk.hypervisor.interface import Connection
from vmsdk.wsdl import MoRef

COMPUTE = MoRef("ComputeResource", "ha-compute-res")
POOL = MoRef("ResourcePool", "ha-root-pool")


@pytest.mark.parametrize("shape", ["small", "large"])
def test_it_says_what_the_host_has(tmp_path, shape):
    lab = Lab(tmp_path, shape=shape)
    host, said = lab.daemon.site.host.host.get(), lab.get(COMPUTE, "name", "summary", "datastore", "network", "host")
    summary = said["summary"]
    assert (summary.numCpuCores, summary.numCpuThreads) == (host.cpu_cores, host.cpu_threads)
    assert summary.totalCpu == summary.effectiveCpu == host.cpu_cores * (host.cpu_hz // 1_000_000)
    assert (summary.totalMemory, summary.effectiveMemory) == (host.memory, host.memory >> 20)
    assert said["name"] == host.name == lab.get(said["host"][0], "name")
    names = {lab.get(ref, "name") for ref in said["datastore"]}, {lab.get(ref, "name") for ref in said["network"]}
    assert names == ({cell.get().name for cell in lab.daemon.site.host.datastores.values()},
                     {each.name for each in lab.daemon.site.host.networks.get()})  # fmt: skip


def test_its_browser_sees_every_datastore_and_its_pool_is_its_own(lab):
    environment = lab.get(COMPUTE, "environmentBrowser")
    browser = lab.get(environment, "datastoreBrowser")
    assert lab.get(browser, "datastore") == lab.get(COMPUTE, "datastore")
    assert lab.get(lab.get(COMPUTE, "resourcePool"), "owner") == COMPUTE


def test_a_host_out_of_reach_runs_nothing_and_whoever_waits_is_told(lab):
    before = lab.get(COMPUTE, "summary")
    seen = {path: lab.watch(COMPUTE, path) for path in ("overallStatus", "summary.effectiveCpu")}
    lab.daemon.mirror.hear(Connection(up=False))
    lab.turn()
    lost = lab.get(COMPUTE, "summary")
    assert (lost.numHosts, lost.numEffectiveHosts, lost.effectiveCpu, lost.effectiveMemory) == (1, 0, 0, 0)
    assert (lost.totalCpu, lost.totalMemory, lost.overallStatus) == (before.totalCpu, before.totalMemory, "red")
    assert lab.get(POOL, "overallStatus") == lab.get(POOL, "runtime").overallStatus == "red"
    lab.daemon.mirror.hear(Connection(up=True))
    lab.turn()
    assert lab.get(COMPUTE, "summary") == before
    assert seen == {"overallStatus": ["green", "red", "green"], "summary.effectiveCpu": [before.totalCpu, 0, before.totalCpu]}
