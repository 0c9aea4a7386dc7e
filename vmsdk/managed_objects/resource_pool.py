"""ResourcePool: the root pool of the host. Child pools come later."""

from __future__ import annotations

from typing import Any

from ..engine.managed_object import prop
from ..engine.site import Site
from ..hypervisor.records import Definition, Power
from ..wsdl import MoRef, vim
from .host_summary_facts import status
from .managed_entity import ManagedEntity
from .virtual_machine_spec import remembered


class ResourcePool(ManagedEntity):
    def __init__(self, site: Site):
        super().__init__(site, site.personality.fixed["pool"])

    @prop
    def name(self) -> str:
        return "Resources"

    @prop
    def parent(self) -> MoRef:
        return self.site.fixed("compute", "ComputeResource")

    @prop
    def overallStatus(self) -> str:
        return status(self.site)

    @prop
    def owner(self) -> MoRef:
        return self.site.fixed("compute", "ComputeResource")

    @prop
    def resourcePool(self) -> tuple[MoRef, ...]:
        return ()

    @prop
    def vm(self) -> tuple[MoRef, ...]:
        return self.site.host.machine_refs.get()

    def _capacity(self) -> tuple[int, int]:
        """(MHz, MiB) that machines may use."""
        host = self.site.host.host.get()
        return host.cpu_cores * (host.cpu_hz // 1_000_000), host.memory >> 20

    @prop
    def config(self) -> Any:
        mhz, mib = self._capacity()

        def whole(amount: int) -> Any:
            shares = vim.SharesInfo(shares=9000, level="custom")
            return vim.ResourceAllocationInfo(reservation=amount, expandableReservation=False, limit=amount, shares=shares)

        return vim.ResourceConfigSpec(entity=self.ref, cpuAllocation=whole(mhz), memoryAllocation=whole(mib))

    @prop
    def runtime(self) -> Any:
        mhz, mib = self._capacity()
        core = self.site.host.host.get().cpu_hz // 1_000_000
        self.site.host.machine_refs.get()
        running = [c for c in self.site.machines.values() if c.power.get().power is Power.ON]
        cpu = int(sum(c.cpu_share() for c in running) * core)
        samples = [c.statistics.get() for c in running]
        memory = sum(s.memory_resident for s in samples if s is not None)

        def usage(most: int, used: int, reserved: int) -> Any:
            """`reserved`: what the machines that run were promised."""
            left = max(0, most - reserved)
            return vim.ResourcePoolResourceUsage(
                reservationUsed=reserved, reservationUsedForVm=reserved, unreservedForPool=left, unreservedForVm=left,
                overallUsage=used, maxUsage=most,
            )  # fmt: skip

        definitions = [c.defined for c in running]
        return vim.ResourcePoolRuntimeInfo(
            memory=usage(mib << 20, memory, _reserved(definitions, "memoryAllocation") << 20),
            cpu=usage(mhz, cpu, _reserved(definitions, "cpuAllocation")), overallStatus=status(self.site),
        )  # fmt: skip

    @prop
    def summary(self) -> Any:
        return vim.ResourcePoolSummary(name="Resources", config=self.config(), runtime=self.runtime(), configuredMemoryMB=0)


def _reserved(definitions: list[Definition], name: str) -> int:
    """The sum of an allocation's reservations, in the contract's unit: MHz or MB."""
    given = (remembered(definition, name) for definition in definitions)
    return sum(allocation.reservation or 0 for allocation in given if allocation is not None)
