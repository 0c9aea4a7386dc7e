"""ResourcePool: the root pool of the host. Child pools come later."""

from __future__ import annotations

from typing import Any

from ..engine.managed_object import prop
from ..engine.site import Site
from ..hypervisor.records import Power
from ..wsdl import MoRef, vim
from .managed_entity import ManagedEntity


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

        def usage(most: int, used: int) -> Any:
            return vim.ResourcePoolResourceUsage(
                reservationUsed=0, reservationUsedForVm=0, unreservedForPool=most, unreservedForVm=most, overallUsage=used, maxUsage=most
            )

        return vim.ResourcePoolRuntimeInfo(memory=usage(mib << 20, memory), cpu=usage(mhz, cpu), overallStatus="green")

    @prop
    def summary(self) -> Any:
        return vim.ResourcePoolSummary(name="Resources", config=self.config(), runtime=self.runtime(), configuredMemoryMB=0)
