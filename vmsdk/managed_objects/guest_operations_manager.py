"""GuestOperationsManager: names the managers that work inside guests. They only exist yet."""

from __future__ import annotations

from ..engine.managed_object import ManagedObject, prop
from ..engine.site import Site
from ..wsdl import MoRef

# property -> (type, id as a host has it, id as a centre has it)
INSIDE: dict[str, tuple[str, str, str]] = {
    "authManager": ("GuestAuthManager", "ha-guest-operations-auth-manager", "guestOperationsAuthManager"),
    "fileManager": ("GuestFileManager", "ha-guest-operations-file-manager", "guestOperationsFileManager"),
    "processManager": ("GuestProcessManager", "ha-guest-operations-process-manager", "guestOperationsProcessManager"),
    "guestWindowsRegistryManager": (
        "GuestWindowsRegistryManager", "ha-guest-operations-windows-registry-manager", "guestOperationsWindowsRegistryManager",
    ),
    "aliasManager": ("GuestAliasManager", "ha-guest-operations-alias-manager", "guestOperationsAliasManager"),
}  # fmt: skip


def inside(site: Site, name: str) -> MoRef:
    """The reference of one of them."""
    kind, *ids = INSIDE[name]
    return MoRef(kind, ids[site.personality.column])


class GuestOperationsManager(ManagedObject):
    def __init__(self, site: Site):
        super().__init__(site.graph, site.personality.manager("guestOperationsManager")[1])
        self.site = site

    @prop
    def authManager(self) -> MoRef:
        return inside(self.site, "authManager")

    @prop
    def fileManager(self) -> MoRef:
        return inside(self.site, "fileManager")

    @prop
    def processManager(self) -> MoRef:
        return inside(self.site, "processManager")

    @prop
    def guestWindowsRegistryManager(self) -> MoRef:
        return inside(self.site, "guestWindowsRegistryManager")

    @prop
    def aliasManager(self) -> MoRef:
        return inside(self.site, "aliasManager")
