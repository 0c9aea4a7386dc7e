"""HostStorageSystem and HostDatastoreSystem: adapters, volumes and datastores through their managers."""

from __future__ import annotations

from typing import Any

from ..engine.managed_object import ManagedObject, prop
from ..engine.site import Site
from ..wsdl import MoRef
from . import host_storage_facts as facts


class HostStorageSystem(ManagedObject):
    def __init__(self, site: Site, value: str):
        super().__init__(site.graph, value)
        self.site = site

    @prop
    def storageDeviceInfo(self) -> Any:
        return facts.storage_device(self.site)

    @prop
    def fileSystemVolumeInfo(self) -> Any:
        return facts.file_system_volumes(self.site)


class HostDatastoreSystem(ManagedObject):
    def __init__(self, site: Site, value: str):
        super().__init__(site.graph, value)
        self.site = site

    @prop
    def datastore(self) -> tuple[MoRef, ...]:
        return self.site.host.datastore_refs.get()

    @prop
    def capabilities(self) -> Any:
        return facts.datastore_capabilities()
