"""Datacenter: the only one of a host, with its four folders."""

from __future__ import annotations

from typing import Any

from ..engine.managed_object import prop
from ..wsdl import MoRef, vim
from .managed_entity import ManagedEntity


class Datacenter(ManagedEntity):
    @prop
    def name(self) -> str:
        return self.ref.value if self.site.personality.column == 0 else "ha-datacenter"

    @prop
    def parent(self) -> MoRef:
        return self.site.root

    @prop
    def vmFolder(self) -> MoRef:
        return self.site.fixed("vm", "Folder")

    @prop
    def hostFolder(self) -> MoRef:
        return self.site.fixed("host_folder", "Folder")

    @prop
    def datastoreFolder(self) -> MoRef:
        return self.site.fixed("datastore_folder", "Folder")

    @prop
    def networkFolder(self) -> MoRef:
        return self.site.fixed("network_folder", "Folder")

    @prop
    def datastore(self) -> tuple[MoRef, ...]:
        return self.site.host.datastore_refs.get()

    @prop
    def network(self) -> tuple[MoRef, ...]:
        return self.site.host.network_refs.get()

    @prop
    def configuration(self) -> Any:
        return vim.DatacenterConfigInfo()
