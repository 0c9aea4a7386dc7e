"""ComputeResource: the standalone host as a place to run machines."""

from __future__ import annotations

from typing import Any

from ..engine.managed_object import prop
from ..engine.site import Site
from ..wsdl import MoRef, vim
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
        host = self.site.host.host.get()
        mhz = host.cpu_cores * (host.cpu_hz // 1_000_000)
        return vim.ComputeResourceSummary(
            totalCpu=mhz, totalMemory=host.memory, numCpuCores=host.cpu_cores, numCpuThreads=host.cpu_threads, effectiveCpu=mhz,
            effectiveMemory=host.memory >> 20, numHosts=1, numEffectiveHosts=1 if self.site.host.connected.get() else 0,
            overallStatus=self.overallStatus(),
        )  # fmt: skip

    @prop
    def configurationEx(self) -> Any:
        return vim.ComputeResourceConfigInfo(vmSwapPlacement="vmDirectory", spbmEnabled=False)
