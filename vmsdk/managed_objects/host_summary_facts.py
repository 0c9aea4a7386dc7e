"""What the host says of itself now: runtime, summary with its quick figures, licensable resources, and where its managers are."""

from __future__ import annotations

from typing import Any

from ..engine.personality import HOST_MANAGERS
from ..engine.site import Site
from ..hypervisor.records import Power
from ..wsdl import Long, MoRef, vim
from . import host_hardware_facts as hardware
from . import host_network_facts as network
from .service_instance import about
from .virtual_machine_facts import moment

MIB = 1 << 20
HTTPS = 443
MAX_DISK = 62 << 40


def reference(site: Site) -> MoRef:
    return site.fixed("host", "HostSystem")


def manager(site: Site, field: str) -> MoRef | None:
    """The reference of a HostConfigManager field; None where this side has none."""
    kind, ours, centres = HOST_MANAGERS[field]
    side = site.personality
    if not (centres if side.column else ours):
        return None
    return MoRef(kind, side.host_manager(ours, centres, _number(site)))


def _number(site: Site) -> int:
    """The number that a centre writes behind its managers' names: the host's."""
    digits = site.personality.fixed["host"].rpartition("-")[2]
    return int(digits) if digits.isdigit() else 0


def config_manager(site: Site) -> Any:
    found = {field: ref for field in HOST_MANAGERS if (ref := manager(site, field)) is not None}
    return vim.HostConfigManager(**found)


def told(site: Site, field: str, name: str) -> Any:
    """A property of a manager of this host; None where the manager has none."""
    ref = manager(site, field)
    face = site.inventory.get(ref.value) if ref is not None else None
    return face.read(name, None) if face is not None else None


# --- now -----------------------------------------------------------------------------------------------------

def status(site: Site) -> str:
    return "green" if site.host.connected.get() else "red"


def health() -> Any:
    """No sensor is read: the lists are there and empty."""
    return vim.HealthSystemRuntime(systemHealthInfo=vim.HostSystemHealthInfo(), hardwareStatusInfo=vim.HostHardwareStatusInfo())


def runtime(site: Site) -> Any:
    """HostRuntimeInfo. Out of reach is the hypervisor below us, not the host: its power is unknown then."""
    up = site.host.connected.get()
    centre = bool(site.personality.column)
    return vim.HostRuntimeInfo(
        connectionState="connected" if up else "notResponding", powerState="poweredOn" if up else "unknown", standbyMode="none",
        inMaintenanceMode=False, inQuarantineMode=False if centre else None, bootTime=moment(site.host.host.get().booted),
        healthSystemRuntime=health(), networkRuntimeInfo=network.stack_runtime(site), hostMaxVirtualDiskCapacity=MAX_DISK,
        cryptoState="incapable",
    )  # fmt: skip


def quick_stats(site: Site) -> Any:
    load, host = site.host.load.get(), site.host.host.get()
    fairness = 10_000 if site.personality.column else 0
    return vim.HostListSummaryQuickStats(
        overallCpuUsage=round(load.cpu * host.cpu_hz / hardware.MEGAHERTZ), overallMemoryUsage=load.memory_used // MIB,
        distributedCpuFairness=fairness, distributedMemoryFairness=fairness, availablePMemCapacity=0, uptime=int(load.uptime),
    )  # fmt: skip


def config_summary(site: Site) -> Any:
    return vim.HostConfigSummary(
        name=site.host.host.get().name, port=HTTPS, product=about(site), vmotionEnabled=False, faultToleranceEnabled=False
    )


def summary(site: Site) -> Any:
    """HostListSummary."""
    return vim.HostListSummary(
        host=reference(site), hardware=hardware.summary(site), runtime=runtime(site), config=config_summary(site),
        quickStats=quick_stats(site), overallStatus=status(site), rebootRequired=False,
    )  # fmt: skip


# --- resources -----------------------------------------------------------------------------------------------

def licensable(site: Site) -> Any:
    """HostLicensableResourceInfo: packages, cores, and the machines that run."""
    host = site.host.host.get()
    site.host.machine_refs.get()  # a machine that comes or goes changes the count
    running = sum(cells.power.get().power is Power.ON for cells in site.machines.values())
    counts = {"numCpuPackages": hardware.package_count(host), "numCpuCores": host.cpu_cores, "numVmsStarted": running}
    return vim.HostLicensableResourceInfo(resource=[vim.KeyAnyValue(key=k, value=Long(v)) for k, v in counts.items()])


def _all(amount: int) -> Any:
    shares = vim.SharesInfo(shares=0, level="custom")
    return vim.ResourceAllocationInfo(reservation=amount, expandableReservation=False, limit=amount, shares=shares)


def system_resources(site: Site) -> Any:
    """HostSystemResourceInfo: the whole host, in MHz and MB. What the system keeps for itself is not split up."""
    host = site.host.host.get()
    config = vim.ResourceConfigSpec(
        cpuAllocation=_all(host.cpu_cores * host.cpu_hz // hardware.MEGAHERTZ), memoryAllocation=_all(host.memory // MIB)
    )
    return vim.HostSystemResourceInfo(key="host", config=config)
