"""ComputeResource: the standalone host as a place to run machines."""

from __future__ import annotations

from typing import Any

from ..engine.managed_object import prop
from ..engine.site import Site
from ..wsdl import MoRef, vim
from .host_summary_facts import status
from .managed_entity import ManagedEntity


class ComputeResource(ManagedEntity):
    def __init__(self, site: Site):
        super().__init__(site, site.personality.fixed["compute"])

    @prop
    def name(self) -> str:
        return self.site.host.host.get().name

    @prop
    def parent(self) -> MoRef:
        return self.site.fixed("host_folder", "Folder")

    @prop
    def overallStatus(self) -> str:
        return status(self.site)

    @prop
    def host(self) -> tuple[MoRef, ...]:
        return (self.site.fixed("host", "HostSystem"),)

    @prop
    def resourcePool(self) -> MoRef:
        return self.site.fixed("pool", "ResourcePool")

    @prop
    def datastore(self) -> tuple[MoRef, ...]:
        return self.site.host.datastore_refs.get()

    @prop
    def network(self) -> tuple[MoRef, ...]:
        return self.site.host.network_refs.get()

    @prop
    def environmentBrowser(self) -> MoRef:
        return self.site.fixed("compute_environment", "EnvironmentBrowser")

    @prop
    def summary(self) -> Any:
        """What is effective is what machines can be run on now: nothing while the host is out of reach."""
        host, up = self.site.host.host.get(), self.site.host.connected.get()
        mhz = host.cpu_cores * (host.cpu_hz // 1_000_000)
        return vim.ComputeResourceSummary(
            totalCpu=mhz, totalMemory=host.memory, numCpuCores=host.cpu_cores, numCpuThreads=host.cpu_threads,
            effectiveCpu=mhz if up else 0, effectiveMemory=host.memory >> 20 if up else 0, numHosts=1, numEffectiveHosts=1 if up else 0,
            overallStatus=self.overallStatus(),
        )  # fmt: skip

    @prop
    def configurationEx(self) -> Any:
        return vim.ComputeResourceConfigInfo(vmSwapPlacement="vmDirectory", spbmEnabled=False)
