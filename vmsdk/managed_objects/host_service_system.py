"""HostServiceSystem and HostFirewallSystem: what runs on the host besides machines, and what its packet filter lets through.

Law: services are looked at when the server starts and when a client says RefreshServices. The packet filter is the administrator's
own; what it does is not known here, so its policy is unset and it has no rule sets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine.call import Call
from ..engine.managed_object import ManagedObject, operation, prop
from ..engine.site import Site
from ..wsdl import vim
from .host_programs import ServiceSeen

Look = Callable[[], tuple[ServiceSeen, ...]]
OWN_KEY = "vmctld"


class HostServiceSystem(ManagedObject):
    """`look` tells the services of the host; it may block for some milliseconds."""

    def __init__(self, site: Site, value: str, look: Look):
        super().__init__(site.graph, value)
        self.site, self._look = site, look
        self._seen = site.graph.cell(look())

    @prop
    def serviceInfo(self) -> Any:
        return vim.HostServiceInfo(service=[*(_service(seen) for seen in self._seen.get()), self._own()])

    def _own(self) -> Any:
        settings = self.site.settings
        package = vim.HostServiceSourcePackage(
            sourcePackageName=settings.product_name, description=f"{settings.product_name} {settings.product_version}"
        )
        return vim.HostService(
            key=OWN_KEY, label=settings.product_name, required=True, uninstallable=False, running=True, policy="on",
            sourcePackage=package,
        )  # fmt: skip

    @operation
    def RefreshServices(self, call: Call) -> None:
        self._seen.set(self._look())


def _service(seen: ServiceSeen) -> Any:
    return vim.HostService(
        key=seen.key, label=seen.label, required=False, uninstallable=False, running=seen.running,
        policy="on" if seen.starts else "off",
    )  # fmt: skip


class HostFirewallSystem(ManagedObject):
    @prop
    def firewallInfo(self) -> Any:
        return vim.HostFirewallInfo(defaultPolicy=vim.HostFirewallDefaultPolicy())
