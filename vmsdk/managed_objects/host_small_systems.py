"""The host's managers that have little to say: time, autostart, processors, health, PCI, accounts, lockdown, SNMP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ..engine.call import Call
from ..engine.managed_object import ManagedObject, operation, prop
from ..engine.site import Site
from ..wsdl import vim
from . import host_config_facts as facts
from .host_summary_facts import health


class HostDateTimeSystem(ManagedObject):
    def __init__(self, site: Site, value: str):
        super().__init__(site.graph, value)
        self.site = site

    @prop
    def dateTimeInfo(self) -> Any:
        return facts.date_time(self.site.host.host.get())

    @operation
    def QueryDateTime(self, call: Call) -> datetime:
        return datetime.fromtimestamp(self.site.clock.seconds(), UTC)

    @operation
    def QueryAvailableTimeZones(self, call: Call) -> list[Any]:
        """The one that the host has."""
        return [facts.time_zone(self.site.host.host.get())]


class HostAutoStartManager(ManagedObject):
    """Nothing starts by itself; the defaults are what a fresh host has."""

    @prop
    def config(self) -> Any:
        return vim.HostAutoStartManagerConfig(
            defaults=vim.AutoStartDefaults(startDelay=120, stopDelay=120, waitForHeartbeat=False, stopAction="PowerOff")
        )


class HostCpuSchedulerSystem(ManagedObject):
    def __init__(self, site: Site, value: str):
        super().__init__(site.graph, value)
        self.site = site

    @prop
    def hyperthreadInfo(self) -> Any:
        return facts.hyper_threading(self.site.host.host.get())


class HostHealthStatusSystem(ManagedObject):
    @prop
    def runtime(self) -> Any:
        return health()


class HostPciPassthruSystem(ManagedObject):
    def __init__(self, site: Site, value: str):
        super().__init__(site.graph, value)
        self.site = site

    @prop
    def pciPassthruInfo(self) -> Any:
        return facts.passthrough(self.site.host.host.get())


class HostAuthenticationManager(ManagedObject):
    @prop
    def info(self) -> Any:
        return facts.authentication()

    @prop
    def supportedStore(self) -> Any:
        return ()


class HostAccessManager(ManagedObject):
    """There is no console to lock the host down to: it never is."""

    @prop
    def lockdownMode(self) -> str:
        return "lockdownDisabled"

    @operation
    def QueryLockdownExceptions(self, call: Call) -> list[str]:
        return []

    @operation
    def QuerySystemUsers(self, call: Call) -> list[str]:
        return []


class HostSnmpSystem(ManagedObject):
    @prop
    def configuration(self) -> Any:
        return vim.HostSnmpConfigSpec(enabled=False)


class HostGraphicsManager(ManagedObject):
    @operation
    def IsSharedGraphicsActive(self, call: Call) -> bool:
        return False


class HostVsanSystem(ManagedObject):
    @prop
    def config(self) -> Any:
        return vim.VsanHostConfigInfo(enabled=False)
