"""The root pool: what machines may have of the host, what those that run use of it, and what they were promised."""

from __future__ import annotations

from vmsdk.wsdl import MoRef, vim

POOL = MoRef("ResourcePool", "ha-root-pool")
MIB = 1 << 20


def promised(cpu, memory):
    allocation = vim.ResourceAllocationInfo
    return {
        "cpuAllocation": allocation(reservation=cpu, limit=-1),
        "memoryAllocation": allocation(reservation=memory, limit=-1),
    }


def test_it_is_as_large_as_the_host(lab):
    host, config = lab.daemon.site.host.host.get(), lab.get(POOL, "config")
    assert config.cpuAllocation.limit == config.cpuAllocation.reservation == host.cpu_cores * (host.cpu_hz // 1_000_000)
    assert config.memoryAllocation.limit == config.memoryAllocation.reservation == host.memory // MIB
    assert lab.get(POOL, "summary").config == config
    assert lab.get(POOL, "name", "parent", "owner") == {
        "name": "Resources", "parent": MoRef("ComputeResource", "ha-compute-res"), "owner": MoRef("ComputeResource", "ha-compute-res"),
    }  # fmt: skip


def test_its_machines_are_those_that_exist(lab):
    seen = lab.watch(POOL, "vm")
    vm = lab.vm("web")
    lab.run(vm, "Destroy_Task")
    assert [list(refs.items) for refs in seen] == [[], [vm.ref], []]


def test_what_machines_were_promised_counts_while_they_run(lab):
    web = lab.vm("web", **promised(500, 64))
    db = lab.vm("db", **promised(300, 32))
    lab.vm("plain")
    idle = lab.get(POOL, "runtime")
    assert (idle.cpu.reservationUsed, idle.memory.reservationUsed) == (0, 0)
    assert (idle.cpu.unreservedForVm, idle.memory.unreservedForVm) == (idle.cpu.maxUsage, idle.memory.maxUsage)
    seen = lab.watch(POOL, "runtime.cpu.reservationUsed")
    for vm in (web, db):
        lab.run(vm, "PowerOnVM_Task")
    both = lab.get(POOL, "runtime")
    assert (both.cpu.reservationUsed, both.cpu.reservationUsedForVm, both.cpu.unreservedForVm) == (
        800,
        800,
        both.cpu.maxUsage - 800,
    )
    assert (both.memory.reservationUsed, both.memory.unreservedForPool) == (96 * MIB, both.memory.maxUsage - 96 * MIB)
    lab.run(db, "ReconfigVM_Task", spec=vim.VirtualMachineConfigSpec(**promised(100, 32)))
    lab.run(web, "PowerOffVM_Task")
    assert seen == [0, 500, 800, 600, 100]


def test_what_runs_is_what_is_used(lab_of_three):
    lab = lab_of_three
    for _ in range(4):
        lab.advance(20)
        lab.step()
    used = lab.get(POOL, "runtime")
    stats = [vm.summary.quickStats for vm in lab.machines]
    assert used.memory.overallUsage // MIB in range(
        sum(s.hostMemoryUsage for s in stats), sum(s.hostMemoryUsage for s in stats) + 3
    )
    assert used.cpu.overallUsage in range(sum(s.overallCpuUsage for s in stats), sum(s.overallCpuUsage for s in stats) + 3)
    assert used.cpu.overallUsage > 0
    for vm in lab.machines:
        lab.run(vm, "PowerOffVM_Task")
    off = lab.get(POOL, "runtime")
    assert (off.cpu.overallUsage, off.memory.overallUsage) == (0, 0)
