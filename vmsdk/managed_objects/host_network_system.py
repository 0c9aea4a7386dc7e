"""HostNetworkSystem, HostVirtualNicManager and HostVMotionSystem: the host's network through its managers."""

from __future__ import annotations

from typing import Any

from ..engine.call import Call
from ..engine.managed_object import ManagedObject, operation, prop
from ..engine.site import Site
from ..wsdl import vim
from . import host_network_facts as facts
from .host_network_layout import card_names


class HostNetworkSystem(ManagedObject):
    def __init__(self, site: Site, value: str):
        super().__init__(site.graph, value)
        self.site = site

    @prop
    def capabilities(self) -> Any:
        return facts.capabilities()

    @prop
    def offloadCapabilities(self) -> Any:
        return facts.offload()

    @prop
    def networkInfo(self) -> Any:
        return facts.network_info(self.site)

    @prop
    def networkConfig(self) -> Any:
        return facts.network_config(self.site)

    @prop
    def dnsConfig(self) -> Any:
        return facts.dns(self.site.host.host.get(), facts.of(self.site).adapters)

    @prop
    def ipRouteConfig(self) -> Any:
        return facts.ways_out(self.site.host.host.get(), facts.of(self.site).adapters)

    @operation
    def QueryNetworkHint(self, call: Call, device: Any = ()) -> list[Any]:
        """One for each card asked for, of all where none is named: nobody listens on the wire, so no hint is in it. NotFound."""
        known = tuple(card_names(self.site.host.host.get()).values())
        for name in device or ():
            if name not in known:
                raise vim.NotFound()
        return [vim.PhysicalNicHintInfo(device=name) for name in device or known]

    @operation
    async def RefreshNetworkSystem(self, call: Call) -> None:
        """Take over what the hypervisor tells of the host now. Its networks are the mirror's: they have faces."""
        self.site.host.host.set(await self.site.hypervisor.host())


class HostVirtualNicManager(ManagedObject):
    def __init__(self, site: Site, value: str):
        super().__init__(site.graph, value)
        self.site = site

    @prop
    def info(self) -> Any:
        return facts.nic_manager_info(self.site)

    @operation
    def QueryNetConfig(self, call: Call, nicType: str) -> Any:
        """InvalidArgument for a type that does not exist."""
        if nicType not in facts.NIC_TYPES:
            raise vim.InvalidArgument(invalidProperty="nicType")
        return facts.net_config(self.site, nicType)


class HostVMotionSystem(ManagedObject):
    def __init__(self, site: Site, value: str):
        super().__init__(site.graph, value)
        self.site = site

    @prop
    def netConfig(self) -> Any:
        return facts.migration_config(self.site)
