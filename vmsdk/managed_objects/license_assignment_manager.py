"""LicenseAssignmentManager: which licence the host runs under. There is one of each, and the licence is described here.

Law: `total` 0 means no limit, as on servers of this API.
"""

from __future__ import annotations

from typing import Any

from ..engine.call import Call
from ..engine.managed_object import ManagedObject, operation
from ..engine.site import Site
from ..wsdl import vim

ASSIGNMENT_MANAGER = ("ha-license-assignment-manager", "LicenseAssignmentManager")  # by column of the personality
KEY = "OPENS-OURCE-00000-00000-00000"
EDITION = "vmsdk.open"
NAME = "Apache License 2.0, no limits"


def license_info(site: Site, hosts: int = 1) -> Any:
    """LicenseManagerLicenseInfo."""
    product = {"ProductName": site.settings.product_name, "ProductVersion": site.settings.product_version}
    return vim.LicenseManagerLicenseInfo(
        licenseKey=KEY, editionKey=EDITION, name=NAME, total=0, used=hosts, costUnit="host",
        properties=[vim.KeyAnyValue(key=key, value=value) for key, value in product.items()],
    )  # fmt: skip


class LicenseAssignmentManager(ManagedObject):
    def __init__(self, site: Site):
        super().__init__(site.graph, ASSIGNMENT_MANAGER[site.personality.column])
        self.site = site

    @operation
    def QueryAssignedLicenses(self, call: Call, entityId: str | None = None) -> list[Any]:
        """The host's, found by the host's id or without one; nothing for other ids."""
        host = self.site.fixed("host", "HostSystem").value
        if entityId and entityId != host:
            return []
        name = self.site.host.host.get().name
        return [
            vim.LicenseAssignmentManagerLicenseAssignment(
                entityId=host, entityDisplayName=name, assignedLicense=license_info(self.site)
            )
        ]
