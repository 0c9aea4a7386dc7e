"""What a machine may be here: guests, hardware and the devices of an empty machine, as `QueryConfigOption` tells it.

Law: limits are this host's and those that `virtual_machine_spec` judges by; what is not had says false or nought.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ..devices import options
from ..devices.show import Names, device_list
from ..engine.guest_os import GuestOs, guests
from ..engine.site import Site
from ..hypervisor.records import Definition, FilePlace, Host
from ..wsdl import vim
from .virtual_machine_facts import HAD
from .virtual_machine_spec import MAX_CPUS, MAX_MEMORY, MIN_MEMORY

NEWEST, OLDEST = 21, 4
DEFAULT_GUEST = "otherGuest"
MAX_MEMORY_32 = 65_536
# family -> (recommended memory MiB, recommended disk MiB)
_SIZES = {"windowsGuest": (4096, 32768), "linuxGuest": (2048, 16384)}
_TYPE = re.compile(r"(?:Para)?Virtual\w+")


def hardware_key(number: int) -> str:
    return f"vmx-{number:02}"


def hardware_number(key: str | None) -> int:
    """The version's number; the newest for None. InvalidArgument `key`."""
    if not key:
        return NEWEST
    found = re.fullmatch(r"vmx-(\d{2})", key)
    if not found or not OLDEST <= int(found[1]) <= NEWEST:
        raise vim.InvalidArgument(invalidProperty="key")
    return int(found[1])


def config_option(site: Site, key: str | None, wanted: Iterable[str] = ()) -> Any:
    """VirtualMachineConfigOption; with `wanted` for these guests alone. InvalidArgument `spec.guestId` where none is known."""
    host, version = site.host.host.get(), hardware_number(key)
    asked = set(wanted)
    listed = [guest for guest in guests().values() if not asked or guest.id in asked]
    if not listed:
        raise vim.InvalidArgument(invalidProperty="spec.guestId")
    default = next((index for index, guest in enumerate(listed) if guest.id == DEFAULT_GUEST), 0)
    return vim.VirtualMachineConfigOption(
        version=hardware_key(version), description=f"Hardware version {version} on {host.hypervisor or 'this host'}",
        guestOSDescriptor=[descriptor(guest, host) for guest in listed], guestOSDefaultIndex=default,
        hardwareOptions=_hardware(host, version), capabilities=_capabilities(), datastore=vim.DatastoreOption(),
        defaultDevice=_default_devices(), supportedMonitorType=["release"],
    )  # fmt: skip


def _capabilities() -> Any:
    fields = vim.VirtualMachineCapability._type.fields
    return vim.VirtualMachineCapability(**{f.name: f.name in HAD for f in fields if f.type == "xsd:boolean"})


def _default_devices() -> list[Any]:
    nowhere = FilePlace(datastore="", path="")
    empty = Definition(uuid="", bios_uuid="", name="", home=nowhere)
    return device_list(empty, Names(place=lambda place: "", datastore=lambda name: None, network=lambda name: None))


def _hardware(host: Host, version: int) -> Any:
    number, flag = options.number, options.flag
    cpus = min(MAX_CPUS, host.max_cpus_per_machine)
    allocation = vim.ResourceAllocationOption(sharesOption=options.shares())
    return vim.VirtualHardwareOption(
        hwVersion=version, virtualDeviceOption=options.device_options(), deviceListReadonly=False,
        numCPU=list(range(1, cpus + 1)), numCoresPerSocket=number(1, cpus), autoCoresPerSocket=flag(), numCpuReadonly=False,
        memoryMB=options.long(MIN_MEMORY, MAX_MEMORY, 256), numPCIControllers=number(1, 1), numIDEControllers=number(2, 2),
        numUSBControllers=number(0, 1), numUSBXHCIControllers=number(0, 1), numSIOControllers=number(1, 1),
        numPS2Controllers=number(1, 1), resourceConfigOption=vim.ResourceConfigOption(
            cpuAllocationOption=allocation, memoryAllocationOption=allocation),
        numNVDIMMControllers=number(0, 0), numTPMDevices=number(0, 0), numWDTDevices=number(0, 0),
        numPrecisionClockDevices=number(0, 0),
    )  # fmt: skip


def _first_type(text: str, guest_id: str) -> str:
    """The type that suits: the first one named, or the one after where that is for newer releases than this."""
    named = _TYPE.findall(text)
    if "before" in text and "windows8" not in guest_id:
        return named[1]
    return named[0]


def descriptor(guest: GuestOs, host: Host) -> Any:
    """GuestOsDescriptor."""
    cpus = min(MAX_CPUS, host.max_cpus_per_machine)
    wide, mac = guest.bits == 64, guest.family == "darwinGuestFamily"
    most = MAX_MEMORY if wide else MAX_MEMORY_32
    memory, disk = _SIZES.get(guest.family, (256, 8192))
    scsi = _first_type(guest.scsi, guest.id)
    scsi = scsi if scsi in options.SCSI_TYPES else "VirtualLsiLogicController"
    old = guest.family in ("netwareGuest",) or guest.id in ("dosGuest", "win31Guest")
    return vim.GuestOsDescriptor(
        id=guest.id, family=guest.family, fullName=guest.full_name, supportedMaxCPUs=cpus, numSupportedPhysicalSockets=cpus,
        numSupportedCoresPerSocket=cpus, supportedMinMemMB=MIN_MEMORY, supportedMaxMemMB=most, recommendedMemMB=memory,
        recommendedColorDepth=0, supportedDiskControllerList=list(options.DISK_CONTROLLERS), recommendedSCSIController=scsi,
        recommendedDiskController="VirtualIDEController" if old else scsi, supportedNumDisks=4 * 63 + 4 * 30 + 4,
        recommendedDiskSizeMB=disk, recommendedCdromController="VirtualIDEController", supportedEthernetCard=list(options.CARDS),
        recommendedEthernetCard=_first_type(guest.nic, guest.id), supportsSlaveDisk=True, smcRequired=mac,
        supportsWakeOnLan=False, supportsVMI=False, supportsMemoryHotAdd=False, supportsCpuHotAdd=False, supportsCpuHotRemove=False,
        supportedFirmware=["bios", "efi"], recommendedFirmware="efi" if guest.firmware == "efi" else "bios",
        supportedUSBControllerList=list(options.USB_CONTROLLERS), recommendedUSBController=options.USB_CONTROLLERS[wide],
        supports3D=False, recommended3D=False, smcRecommended=mac, ich7mRecommended=mac, usbRecommended=False,
        # A Mac's system asks for a chip that no machine has here.
        supportLevel="unsupported" if mac else "supported", supportedForCreate=not mac, vRAMSizeInKB=options.number(16384, 16384),
        numSupportedFloppyDevices=0, supportsPvscsiControllerForBoot=True, diskUuidEnabled=False, supportsHotPlugPCI=False,
        supportsSecureBoot=wide, defaultSecureBoot=False, persistentMemorySupported=False, numRecommendedPhysicalSockets=1,
        numRecommendedCoresPerSocket=1, vvtdSupported=options.flag(), vbsSupported=options.flag(), vsgxSupported=options.flag(),
        supportsTPM20=False,
    )  # fmt: skip
