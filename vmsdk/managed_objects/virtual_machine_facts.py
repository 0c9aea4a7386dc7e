"""What a machine's properties say, made of its cells: config, runtime, summary, capability. Guest and files have their modules.

Law: pure functions of records.

Values and defaults are ESXi's (a fresh machine, tools absent or running); what differs stands in docs/departures.md.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from ..datastores import names, vmx
from ..devices import show
from ..engine.fault_map import POWER_STATES
from ..engine.guest_os import full_name, guests
from ..engine.machine import MachineCells
from ..engine.site import Site
from ..hypervisor.records import Definition, Disk, Nic, Power
from ..wsdl import MoRef, vim
from .virtual_machine_guest_facts import heartbeat
from .virtual_machine_spec import remembered

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MIB = 1 << 20


def moment(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def spell(site: Site, cells: MachineCells) -> show.Names:
    return show.Names(
        place=lambda place: names.text(place, site.datastore_name),
        datastore=site.datastore_refs.get, network=site.network_numbers.get, machine_number=str(cells.number),
        running=cells.power.get().power is Power.ON,
    )  # fmt: skip


def _merged(default: Any, given: Any) -> Any:
    """A value object with what is set in `given` over `default`."""
    if given is not None:
        for field in default._type.fields:
            value = getattr(given, field.name, None)
            if value is not None and value != ():
                setattr(default, field.name, value)
    return default


def allocation(definition: Definition, name: str, shares: int) -> Any:
    default = vim.ResourceAllocationInfo(
        reservation=0, expandableReservation=False, limit=-1, shares=vim.SharesInfo(shares=shares, level="normal")
    )
    merged = _merged(default, remembered(definition, name))
    if merged.shares.level != "custom":
        factor = {"low": 0.5, "normal": 1, "high": 2}[merged.shares.level]
        merged.shares = vim.SharesInfo(shares=int(shares * factor), level=merged.shares.level)
    return merged


def cpu_allocation(definition: Definition) -> Any:
    return allocation(definition, "cpuAllocation", 1000 * definition.cpus)


def memory_allocation(definition: Definition) -> Any:
    return allocation(definition, "memoryAllocation", 10 * definition.memory_mib)


def change_version(definition: Definition) -> str:
    return datetime.fromtimestamp(definition.changed, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def files(site: Site, definition: Definition) -> Any:
    text = names.text(definition.home, site.datastore_name)
    folder = names.text(names.folder_of(definition.home), site.datastore_name)
    return vim.VirtualMachineFileInfo(vmPathName=text, snapshotDirectory=folder, suspendDirectory=folder, logDirectory=folder)


def _tools(definition: Definition) -> Any:
    default = vim.ToolsConfigInfo(
        toolsVersion=0, afterPowerOn=True, afterResume=True, beforeGuestStandby=True, beforeGuestShutdown=True,
        toolsUpgradePolicy="manual", syncTimeWithHost=False, syncTimeWithHostAllowed=True,
        lastInstallInfo=vim.ToolsConfigInfoToolsLastInstallInfo(counter=0),
    )  # fmt: skip
    return _merged(default, remembered(definition, "tools"))


def _flags(definition: Definition) -> Any:
    default = vim.VirtualMachineFlagInfo(
        disableAcceleration=False, enableLogging=True, useToe=False, runWithDebugInfo=False, monitorType="release",
        htSharing="any", snapshotDisabled=False, snapshotLocked=False, diskUuidEnabled=False, snapshotPowerOffBehavior="powerOff",
        recordReplayEnabled=False, faultToleranceType="unset", cbrcCacheEnabled=False, vvtdEnabled=False, vbsEnabled=False,
    )  # fmt: skip
    return _merged(default, remembered(definition, "flags"))


def _power_ops(definition: Definition) -> Any:
    default = vim.VirtualMachineDefaultPowerOpInfo(
        powerOffType="soft", suspendType="hard", resetType="soft", defaultPowerOffType="soft", defaultSuspendType="hard",
        defaultResetType="soft", standbyAction="checkpoint",
    )  # fmt: skip
    return _merged(default, remembered(definition, "powerOpInfo"))


def _boot_options(definition: Definition) -> Any:
    kinds = {
        "disk": vim.VirtualMachineBootOptionsBootableDiskDevice, "optical": vim.VirtualMachineBootOptionsBootableCdromDevice,
        "nic": vim.VirtualMachineBootOptionsBootableEthernetDevice, "floppy": vim.VirtualMachineBootOptionsBootableFloppyDevice,
    }  # fmt: skip
    order = [kinds[b.kind](deviceKey=b.key) if b.kind in ("disk", "nic") else kinds[b.kind]() for b in definition.boot_order]
    default = vim.VirtualMachineBootOptions(
        bootDelay=0, enterBIOSSetup=False, efiSecureBootEnabled=False, bootRetryEnabled=False, bootRetryDelay=10_000,
        networkBootProtocol="ipv4",
    )  # fmt: skip
    merged = _merged(default, remembered(definition, "bootOptions"))
    merged.bootOrder, merged.efiSecureBootEnabled = order, definition.secure_boot
    return merged


def _flag(definition: Definition, name: str) -> bool:
    return bool(remembered(definition, name))


def config(site: Site, cells: MachineCells) -> Any:
    """VirtualMachineConfigInfo."""
    d = cells.defined
    hot_memory = _flag(d, "memoryHotAddEnabled")
    home = site.host.datastores.get(d.home.datastore)
    url = vim.VirtualMachineConfigInfoDatastoreUrlPair(
        name=site.datastore_name(d.home.datastore), url=f"/vmfs/volumes/{d.home.datastore}/"
    )
    return vim.VirtualMachineConfigInfo(
        changeVersion=change_version(d), modified=EPOCH, createDate=moment(d.created), name=d.name,
        guestFullName=full_name(d.guest_id), version=d.hardware_version, uuid=d.bios_uuid, instanceUuid=d.uuid,
        npivTemporaryDisabled=True, locationId=remembered(d, "locationId") or d.bios_uuid, template=False, guestId=d.guest_id,
        alternateGuestName=remembered(d, "alternateGuestName") or "", annotation=d.annotation, files=files(site, d),
        tools=_tools(d), flags=_flags(d), defaultPowerOps=_power_ops(d), rebootPowerOff=False,
        hardware=vim.VirtualHardware(
            numCPU=d.cpus, numCoresPerSocket=d.cores_per_socket, autoCoresPerSocket=d.cores_per_socket == 1, memoryMB=d.memory_mib,
            virtualICH7MPresent=_flag(d, "virtualICH7MPresent"), virtualSMCPresent=_flag(d, "virtualSMCPresent"),
            device=show.device_list(d, spell(site, cells)), motherboardLayout="i440bxHostBridge", simultaneousThreads=1,
        ),
        cpuAllocation=cpu_allocation(d), memoryAllocation=memory_allocation(d),
        latencySensitivity=_merged(vim.LatencySensitivity(level="normal"), remembered(d, "latencySensitivity")),
        memoryHotAddEnabled=hot_memory, cpuHotAddEnabled=_flag(d, "cpuHotAddEnabled"),
        cpuHotRemoveEnabled=_flag(d, "cpuHotRemoveEnabled"),
        hotPlugMemoryLimit=d.memory_mib if hot_memory else None, hotPlugMemoryIncrementSize=0 if hot_memory else None,
        extraConfig=[vim.OptionValue(key=k, value=v) for k, v in _extra(d)],
        datastoreUrl=[url] if home is not None else (), swapPlacement=remembered(d, "swapPlacement") or "inherit",
        bootOptions=_boot_options(d), vAssertsEnabled=False, changeTrackingEnabled=_flag(d, "changeTrackingEnabled"),
        firmware=d.firmware, maxMksConnections=remembered(d, "maxMksConnections") or 40,
        guestAutoLockEnabled=_flag(d, "guestAutoLockEnabled"),
        memoryReservationLockedToMax=_flag(d, "memoryReservationLockedToMax"),
        initialOverhead=vim.VirtualMachineConfigInfoOverheadInfo(initialMemoryReservation=0, initialSwapReservation=0),
        nestedHVEnabled=_flag(d, "nestedHVEnabled"), vPMCEnabled=_flag(d, "vPMCEnabled"),
        scheduledHardwareUpgradeInfo=_merged(
            vim.ScheduledHardwareUpgradeInfo(upgradePolicy="never", scheduledHardwareUpgradeStatus="none"),
            remembered(d, "scheduledHardwareUpgradeInfo"),
        ),
        messageBusTunnelEnabled=_flag(d, "messageBusTunnelEnabled"),
        guestIntegrityInfo=vim.VirtualMachineGuestIntegrityInfo(enabled=False),
        migrateEncryption=remembered(d, "migrateEncryption") or "opportunistic", managedBy=remembered(d, "managedBy"),
        guestMonitoringModeInfo=remembered(d, "guestMonitoringModeInfo") or vim.VirtualMachineGuestMonitoringModeInfo(),
        vmxConfigChecksum=None if cells.power.get().foreign else checksum(site, d),
        sgxInfo=vim.VirtualMachineSgxInfo(epcSize=0, flcMode="unlocked", requireAttestation=False),
        # A guest sees one memory node.
        numaInfo=vim.VirtualMachineVirtualNumaInfo(
            coresPerNumaNode=d.cpus, autoCoresPerNumaNode=True, vnumaOnCpuHotaddExposed=False
        ),
        sevEnabled=_flag(d, "sevEnabled"), pmemFailoverEnabled=False, vmxStatsCollectionEnabled=False,
        vmOpNotificationToAppEnabled=False, fixedPassthruHotPlugEnabled=False,
    )  # fmt: skip


def checksum(site: Site, definition: Definition) -> bytes:
    """SHA-256 of the configuration file as it was written."""
    return hashlib.sha256(vmx.render(definition, site.datastore_name).encode()).digest()


def _extra(definition: Definition) -> list[tuple[str, str]]:
    own = {"pciBridge0.present": "TRUE", "svga.present": "TRUE", "hpet0.present": "TRUE"}
    own = {"nvram": f"{names.stem(definition.home)}.nvram", **own}
    return list({**own, **dict(definition.extra)}.items())


def runtime(site: Site, cells: MachineCells) -> Any:
    """VirtualMachineRuntimeInfo."""
    d, now = cells.defined, cells.power.get()
    on = now.power is Power.ON
    host = site.host.host.get()
    cards = [
        vim.VirtualMachineDeviceRuntimeInfo(
            key=n.key,
            runtimeState=vim.VirtualMachineDeviceRuntimeInfoVirtualEthernetCardRuntimeState(
                vmDirectPathGen2Active=False, attachmentStatus="green" if on and n.connected else "red"
            ),
        )
        for n in d.devices
        if isinstance(n, Nic)
    ]
    return vim.VirtualMachineRuntimeInfo(
        device=cards, host=site.fixed("host", "HostSystem"), connectionState="inaccessible" if now.trouble else "connected",
        powerState=POWER_STATES[now.power], faultToleranceState="notConfigured", toolsInstallerMounted=False,
        suspendTime=moment(now.suspended) if now.power is Power.SUSPENDED else None,
        bootTime=moment(now.started) if on else None, suspendInterval=0, memoryOverhead=None if on else 0,
        maxCpuUsage=d.cpus * (host.cpu_hz // 1_000_000), maxMemoryUsage=d.memory_mib, numMksConnections=0,
        recordReplayState="inactive", cleanPowerOff=now.clean_stop if now.power is Power.OFF else None,
        onlineStandby=False, consolidationNeeded=False,
        offlineFeatureRequirement=[vim.VirtualMachineFeatureRequirement(key="cpuid.lm", featureName="cpuid.lm", value="Bool:Min:1")]
        if _bits(d) == 64 else (),
        paused=now.paused, snapshotInBackground=False, instantCloneFrozen=False,
    )  # fmt: skip


def _bits(definition: Definition) -> int:
    found = guests().get(definition.guest_id)
    return found.bits if found is not None else 64


def summary_config(site: Site, definition: Definition) -> Any:
    d = definition
    return vim.VirtualMachineConfigSummary(
        name=d.name, template=False, vmPathName=names.text(d.home, site.datastore_name), memorySizeMB=d.memory_mib,
        cpuReservation=cpu_allocation(d).reservation, memoryReservation=memory_allocation(d).reservation, numCpu=d.cpus,
        numEthernetCards=sum(isinstance(x, Nic) for x in d.devices), numVirtualDisks=sum(isinstance(x, Disk) for x in d.devices),
        uuid=d.bios_uuid, instanceUuid=d.uuid, guestId=d.guest_id, guestFullName=full_name(d.guest_id), annotation=d.annotation,
        tpmPresent=False, numVmiopBackings=0, hwVersion=d.hardware_version, managedBy=remembered(d, "managedBy"),
    )  # fmt: skip


def quick_stats(site: Site, cells: MachineCells) -> Any:
    """Figures of the last sample; all 0 while off. What its process holds beyond the machine's memory counts as overhead."""
    sample = cells.statistics.get() if cells.power.get().power is Power.ON else None
    host_mhz = site.host.host.get().cpu_hz // 1_000_000
    usage = cells.cpu_share() * host_mhz if sample is not None else 0
    resident = sample.memory_resident // MIB if sample is not None else 0
    granted = min(resident, cells.defined.memory_mib)
    used = sample.memory_guest_used // MIB if sample is not None and sample.memory_guest_used is not None else granted
    started = cells.power.get().started
    at = site.host.load.get()
    uptime = int(max(0.0, at.uptime + site.host.host.get().booted - started)) if sample is not None and started else 0
    return vim.VirtualMachineQuickStats(
        overallCpuUsage=int(usage), overallCpuDemand=int(usage), guestMemoryUsage=used, hostMemoryUsage=resident,
        guestHeartbeatStatus=heartbeat(cells), distributedCpuEntitlement=0, distributedMemoryEntitlement=0, staticCpuEntitlement=0,
        staticMemoryEntitlement=0, grantedMemory=granted, privateMemory=granted, sharedMemory=0, swappedMemory=0,
        balloonedMemory=0, consumedOverheadMemory=resident - granted, ftLogBandwidth=-1, ftSecondaryLatency=-1,
        ftLatencyStatus="gray", compressedMemory=0, uptimeSeconds=uptime, ssdSwappedMemory=0, activeMemory=used,
    )  # fmt: skip


def networks(site: Site, definition: Definition) -> tuple[MoRef, ...]:
    used = dict.fromkeys(x.network for x in definition.devices if isinstance(x, Nic))
    return tuple(site.network_numbers[n] for n in used if n in site.network_numbers)


HAD = ("bootOptionsSupported", "multipleCoresPerSocketSupported", "swapPlacementSupported", "secureBootSupported")


def capability(site: Site, cells: MachineCells) -> Any:
    """What may be done with this machine here: what is not had says false."""
    fields = vim.VirtualMachineCapability._type.fields
    return vim.VirtualMachineCapability(**{f.name: f.name in HAD for f in fields if f.type == "xsd:boolean"})
