"""LicenseManager: one licence, the open one, without a limit and without an end.

Law: there is no key to give or to take: what asks for a change is refused in words.
"""

from __future__ import annotations

from typing import Any

from ..engine.call import Call
from ..engine.managed_object import ManagedObject, operation, prop
from ..engine.site import Site
from ..wsdl import MoRef, vim
from .license_assignment_manager import ASSIGNMENT_MANAGER, EDITION, KEY, license_info


class LicenseManager(ManagedObject):
    def __init__(self, site: Site):
        super().__init__(site.graph, site.personality.manager("licenseManager")[1])
        self.site = site

    @prop
    def source(self) -> Any:
        return vim.LocalLicenseSource(licenseKeys=KEY)

    @prop
    def sourceAvailable(self) -> bool:
        return True

    @prop
    def licensedEdition(self) -> str:
        return EDITION

    @prop
    def licenses(self) -> list[Any]:
        return [license_info(self.site)]

    @prop
    def licenseAssignmentManager(self) -> MoRef:
        return MoRef("LicenseAssignmentManager", ASSIGNMENT_MANAGER[self.site.personality.column])

    @prop
    def evaluation(self) -> Any:
        """Nothing is on trial."""
        return vim.LicenseManagerEvaluationInfo(properties=[])

    # -- questions --------------------------------------------------------------------------------------------

    @operation
    def QuerySupportedFeatures(self, call: Call, host: MoRef | None = None) -> list[Any]:
        """No feature here hangs on a licence."""
        return []

    @operation
    def QueryLicenseSourceAvailability(self, call: Call, host: MoRef | None = None) -> list[Any]:
        return []

    @operation
    def QueryLicenseUsage(self, call: Call, host: MoRef | None = None) -> Any:
        return vim.LicenseUsageInfo(source=self.source(), sourceAvailable=True)

    @operation
    def DecodeLicense(self, call: Call, licenseKey: str) -> Any:
        """What a key stands for. InvalidArgument for every one but ours."""
        self._ours(licenseKey)
        return license_info(self.site)

    # -- changes, which there are none of -----------------------------------------------------------------------

    def _ours(self, key: str) -> None:
        if key != KEY:
            raise vim.InvalidArgument(invalidProperty="licenseKey", msg="This server needs no licence keys and knows none but its own.")

    @operation
    def AddLicense(self, call: Call, licenseKey: str, labels: Any = ()) -> Any:
        """Ours is there already; no other is known."""
        self._ours(licenseKey)
        return license_info(self.site)

    @operation
    def UpdateLicense(self, call: Call, licenseKey: str, labels: Any = ()) -> Any:
        self._ours(licenseKey)
        return license_info(self.site)

    @operation
    def RemoveLicense(self, call: Call, licenseKey: str) -> None:
        self._ours(licenseKey)
        raise vim.NotSupported(msg="The open licence cannot be taken away.")
