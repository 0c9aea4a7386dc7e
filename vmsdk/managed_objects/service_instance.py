"""ServiceInstance: the way in. ServiceContent follows the personality's table; what a side does not have is absent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ..engine.call import Call
from ..engine.managed_object import ManagedObject, operation, prop
from ..engine.personality import MANAGERS
from ..engine.site import Site
from ..wsdl import vim


class ServiceInstance(ManagedObject):
    def __init__(self, site: Site):
        super().__init__(site.graph, "ServiceInstance")
        self.site = site

    @prop
    def content(self) -> Any:
        managers = {name: ref for name in MANAGERS if (ref := self.site.manager(name)) is not None}
        return vim.ServiceContent(about=about(self.site), **managers)

    @prop
    def capability(self) -> Any:
        centre = bool(self.site.personality.column)
        return vim.Capability(provisioningSupported=centre, multiHostSupported=centre, userShellAccessSupported=False,
                              networkBackupAndRestoreSupported=False)  # fmt: skip

    @prop(caller=True)
    def serverClock(self, call: Call) -> datetime:
        return datetime.fromtimestamp(self.site.clock.seconds(), UTC)

    @operation
    def RetrieveServiceContent(self, call: Call) -> Any:
        return self.content()

    @operation
    def CurrentTime(self, call: Call) -> datetime:
        return self.serverClock(call)

    @operation
    def RetrieveProductComponents(self, call: Call) -> list[Any]:
        return []


def about(site: Site) -> Any:
    """Who answers: our own product, speaking the served version of the API."""
    settings, side = site.settings, site.personality
    version = settings.api_version
    short = ".".join(version.split(".")[:3])
    return vim.AboutInfo(
        name=settings.product_name, fullName=f"{settings.product_name} {settings.product_version} build-{settings.build}",
        vendor=settings.vendor, version=short, patchLevel=version.rpartition(".")[2] if version.count(".") > 2 else None,
        build=settings.build, localeVersion="INTL", localeBuild="000",
        osType="linux-x64" if side.column else "vmnix-x86", productLineId=side.product_line, apiType=side.api_type,
        apiVersion=version, instanceUuid=site.identity if side.column else None,
        licenseProductName=settings.product_name, licenseProductVersion=f"{version.split('.')[0]}.0",
    )  # fmt: skip


