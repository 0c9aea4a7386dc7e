"""SearchIndex: objects by path, UUID, name or address."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

from ..datastores import names
from ..engine.call import Call
from ..engine.machine import MachineCells
from ..engine.managed_object import ManagedObject, operation
from ..engine.site import Site
from ..wsdl import MethodFault, MoRef
from .view_manager import children


class SearchIndex(ManagedObject):
    def __init__(self, site: Site):
        super().__init__(site.graph, site.personality.manager("searchIndex")[1])
        self.site = site

    def _machines(self) -> Iterator[tuple[MoRef, MachineCells]]:
        for uuid, cells in self.site.machines.items():
            if uuid in self.site.machine_refs:
                yield self.site.machine_refs[uuid], cells

    @operation
    def FindAllByUuid(
        self, call: Call, uuid: str, vmSearch: bool, datacenter: MoRef | None = None, instanceUuid: bool | None = None
    ) -> list[MoRef]:
        wanted = uuid.strip().lower()
        if not vmSearch:
            own = (self.site.host.host.get().uuid or self.site.identity).lower()
            return [self.site.fixed("host", "HostSystem")] if wanted == own else []
        return [
            ref
            for ref, cells in self._machines()
            if (cells.defined.uuid if instanceUuid else cells.defined.bios_uuid).lower() == wanted
        ]

    @operation
    def FindByUuid(
        self, call: Call, uuid: str, vmSearch: bool, datacenter: MoRef | None = None, instanceUuid: bool | None = None
    ) -> MoRef | None:
        found = self.FindAllByUuid(call, uuid, vmSearch, datacenter, instanceUuid)
        return found[0] if found else None

    @operation
    def FindByDatastorePath(self, call: Call, datacenter: MoRef, path: str) -> MoRef | None:
        try:
            place = names.parse(path, self.site.datastore_named)
        except MethodFault:
            return None
        return next((ref for ref, cells in self._machines() if cells.defined.home == place), None)

    @operation
    def FindByInventoryPath(self, call: Call, inventoryPath: str) -> MoRef | None:
        """`ha-datacenter/vm/web`; `%2f` stands for a slash in a name. The root is ''."""
        face = self.site.inventory.get(self.site.root.value)
        for part in [p for p in inventoryPath.split("/") if p]:
            if face is None:
                return None
            face = self._child(face, unquote(part))
        return face.ref if face is not None else None

    def _child(self, face: ManagedObject, name: str) -> ManagedObject | None:
        return next((child for child in children(self.site, face) if child.read("name", None) == name), None)

    @operation
    def FindChild(self, call: Call, entity: MoRef, name: str) -> MoRef | None:
        child = self._child(self.site.inventory.find(entity, call.session), name)
        return child.ref if child is not None else None

    @operation
    def FindAllByIp(self, call: Call, ip: str, vmSearch: bool, datacenter: MoRef | None = None) -> list[MoRef]:
        if not vmSearch:
            own = [a.address for i in self.site.host.host.get().interfaces for a in i.addresses]
            return [self.site.fixed("host", "HostSystem")] if ip in own else []
        return [
            ref
            for ref, cells in self._machines()
            if any(a.address == ip for nic in cells.guest.get().nics for a in nic.addresses)
        ]

    @operation
    def FindByIp(self, call: Call, ip: str, vmSearch: bool, datacenter: MoRef | None = None) -> MoRef | None:
        found = self.FindAllByIp(call, ip, vmSearch, datacenter)
        return found[0] if found else None

    @operation
    def FindAllByDnsName(self, call: Call, dnsName: str, vmSearch: bool, datacenter: MoRef | None = None) -> list[MoRef]:
        wanted = dnsName.lower().rstrip(".")
        if not vmSearch:
            return [self.site.fixed("host", "HostSystem")] if self.site.host.host.get().name.lower() == wanted else []
        return [ref for ref, cells in self._machines() if cells.guest.get().hostname.lower() == wanted]

    @operation
    def FindByDnsName(self, call: Call, dnsName: str, vmSearch: bool, datacenter: MoRef | None = None) -> MoRef | None:
        found = self.FindAllByDnsName(call, dnsName, vmSearch, datacenter)
        return found[0] if found else None
