"""Network: a standard port group, as machines connect to it."""

from __future__ import annotations

from typing import Any

from ..engine.managed_object import prop
from ..engine.site import Site
from ..hypervisor.records import Nic
from ..wsdl import MoRef, vim
from .managed_entity import ManagedEntity


class Network(ManagedEntity):
    def __init__(self, site: Site, value: str, name: str):
        super().__init__(site, value)
        self._name = name

    @prop
    def name(self) -> str:
        return self._name

    @prop
    def parent(self) -> MoRef:
        return self.site.fixed("network_folder", "Folder")

    @prop
    def summary(self) -> Any:
        return vim.NetworkSummary(network=self.ref, name=self._name, accessible=True, ipPoolName="")

    @prop
    def host(self) -> tuple[MoRef, ...]:
        return (self.site.fixed("host", "HostSystem"),)

    @prop
    def vm(self) -> tuple[MoRef, ...]:
        """The machines with a card on this port group."""
        self.site.host.machine_refs.get()
        return tuple(
            self.site.machine_refs[uuid]
            for uuid, cells in self.site.machines.items()
            if uuid in self.site.machine_refs
            and any(isinstance(d, Nic) and d.network == self._name for d in cells.defined.devices)
        )
