"""VirtualDiskManager: disks by their names, whether a machine has them or not. So far it tells who a disk is."""

from __future__ import annotations

import uuid

from ..datastores import names
from ..engine.call import Call
from ..engine.managed_object import ManagedObject, operation
from ..engine.site import Site
from ..hypervisor.records import Disk, FilePlace
from ..wsdl import MoRef


class VirtualDiskManager(ManagedObject):
    def __init__(self, site: Site):
        super().__init__(site.graph, site.personality.manager("virtualDiskManager")[1])
        self.site = site

    @operation
    async def QueryVirtualDiskUuid(self, call: Call, name: str, datacenter: MoRef | None = None) -> str:
        """Sixteen pairs of digits with a dash in the middle. FileNotFound, FileFault where it is no disk."""
        place = names.parse(name, self.site.datastore_named)
        await self.site.hypervisor.storage.disk(place)
        digits = self._identity(place).replace("-", "").lower()
        pairs = [digits[i : i + 2] for i in range(0, 32, 2)]
        return f"{' '.join(pairs[:8])}-{' '.join(pairs[8:])}"

    def _identity(self, place: FilePlace) -> str:
        """What the machine that has the disk says; a disk of nobody is known by where it lies."""
        for cells in self.site.machines.values():
            for device in cells.defined.devices:
                if isinstance(device, Disk) and device.file == place and device.uuid:
                    return device.uuid
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{place.datastore}/{place.path}"))
