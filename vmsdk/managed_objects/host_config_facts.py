"""HostConfigInfo: everything that is set up on the host, gathered from its managers and facts."""

from __future__ import annotations

from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..engine.site import Site
from ..hypervisor.records import Host
from ..wsdl import vim
from . import host_network_facts as network
from . import host_storage_facts as storage
from . import host_summary_facts as facts
from .service_instance import about
from .virtual_machine_facts import EPOCH, moment


def hyper_threading(host: Host) -> Any:
    several = host.cpu_threads > host.cpu_cores
    return vim.HostHyperThreadScheduleInfo(available=several, active=several, config=True)


def time_zone(host: Host) -> Any:
    """HostDateTimeSystemTimeZone; the offset is the zone's winter time, in seconds."""
    try:
        at = (moment(host.booted) or EPOCH).astimezone(ZoneInfo(host.timezone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        at = EPOCH.astimezone(UTC)
    offset, summer = at.utcoffset(), at.dst()
    seconds = (offset.total_seconds() if offset else 0) - (summer.total_seconds() if summer else 0)
    name = host.timezone or "UTC"
    return vim.HostDateTimeSystemTimeZone(key=name, name=name, description=name, gmtOffset=int(seconds))


def date_time(host: Host) -> Any:
    """HostDateTimeInfo. Which time servers the host asks is not known: their list is unset."""
    return vim.HostDateTimeInfo(timeZone=time_zone(host), ntpConfig=vim.HostNtpConfig())


def authentication() -> Any:
    """Accounts of this server's own; no directory."""
    return vim.HostAuthenticationManagerInfo(
        authConfig=[
            vim.HostLocalAuthenticationInfo(enabled=True),
            vim.HostActiveDirectoryInfo(enabled=False, smartCardAuthenticationEnabled=False),
        ]
    )


def passthrough(host: Host) -> list[Any]:
    """HostPciPassthruInfo of every device: none is given to machines."""
    return [
        vim.HostPciPassthruInfo(
            id=device.address, dependentDevice=device.address, passthruEnabled=False, passthruCapable=False, passthruActive=False
        )
        for device in host.pci
    ]


def config(site: Site) -> Any:
    """HostConfigInfo."""
    host = site.host.host.get()
    return vim.HostConfigInfo(
        host=facts.reference(site), product=about(site), hyperThread=hyper_threading(host),
        storageDevice=storage.storage_device(site), fileSystemVolume=storage.file_system_volumes(site),
        network=network.network_info(site),
        vmotion=vim.HostVMotionInfo(netConfig=network.migration_config(site)), virtualNicManagerInfo=network.nic_manager_info(site),
        capabilities=network.capabilities(), datastoreCapabilities=storage.datastore_capabilities(),
        offloadCapabilities=network.offload(),
        service=facts.told(site, "serviceSystem", "serviceInfo"), firewall=facts.told(site, "firewallSystem", "firewallInfo"),
        autoStart=facts.told(site, "autoStartManager", "config"), option=facts.told(site, "advancedOption", "setting") or (),
        optionDef=facts.told(site, "advancedOption", "supportedOption") or (), systemResources=facts.system_resources(site),
        dateTimeInfo=date_time(host), flags=vim.HostFlagInfo(), adminDisabled=False,
        lockdownMode=facts.told(site, "hostAccessManager", "lockdownMode"), pciPassthruInfo=passthrough(host),
        authenticationManagerInfo=authentication(),
    )  # fmt: skip
