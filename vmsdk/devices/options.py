"""Which devices a machine can have here: the options of `QueryConfigOption`, from the same numbers as `keys.py` builds with.

Law: pure, and only what `build.py` makes. Nothing is hot-removable that the port does not promise to take from a running machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..wsdl import Long, vim
from .keys import CONTROLLERS, MAX_NICS, SCSI

CARDS = ("VirtualE1000", "VirtualE1000e", "VirtualPCNet32", "VirtualVmxnet3")
SCSI_TYPES = {
    "VirtualLsiLogicController": "lsilogic", "VirtualLsiLogicSASController": "lsisas1068", "ParaVirtualSCSIController": "pvscsi",
}  # fmt: skip
DISK_CONTROLLERS = ("VirtualIDEController", *SCSI_TYPES, "VirtualAHCIController", "VirtualNVMEController")
USB_CONTROLLERS = ("VirtualUSBController", "VirtualUSBXHCIController")
MAX_DISK_KIB = 62 << 30
_DRIVES = ["VirtualDisk", "VirtualCdrom"]


def number(least: int, most: int, default: int | None = None) -> Any:
    """IntOption."""
    return vim.IntOption(min=least, max=most, defaultValue=least if default is None else default)


def long(least: int, most: int, default: int) -> Any:
    return vim.LongOption(min=Long(least), max=Long(most), defaultValue=Long(default))


def flag(supported: bool = False, default: bool = False) -> Any:
    """BoolOption: `supported` says whether it may be true at all."""
    return vim.BoolOption(supported=supported, defaultValue=default)


def choice(*words: str) -> Any:
    """The first is the default."""
    return vim.ChoiceOption(choiceInfo=[vim.ElementDescription(key=w, label=w, summary=w) for w in words], defaultIndex=0)


def shares() -> Any:
    return vim.SharesOption(sharesOption=number(1, 1_000_000, 1000), defaultLevel="normal")


def device_options() -> list[Any]:
    """One for each kind of device: fixed ones, controllers, drives, cards."""
    made = [_ide(), _pci(), _ps2(), _sio(), _keyboard(), _pointing(), _video(), _vmci()]
    made += [_scsi(kind, CONTROLLERS[model][2]) for kind, model in SCSI_TYPES.items()]
    made += [_sata(), _nvme(), *_usb(), _disk(), _optical()]
    return made + [_card(kind) for kind in CARDS]


def _of(make: Callable[..., Any], kind: str, **facts: Any) -> Any:
    return make(type=kind, deprecated=False, hotRemoveSupported=False, **{"plugAndPlay": False, **facts})


def _connectable() -> Any:
    return vim.VirtualDeviceConnectOption(startConnected=flag(True, True), allowGuestControl=flag(True, True))


# -- what every machine has --------------------------------------------------------------------------------------


def _ide() -> Any:
    _, _, units, _ = CONTROLLERS["ide"]
    return _of(
        vim.VirtualIDEControllerOption, "VirtualIDEController", devices=number(0, units), supportedDevice=_DRIVES,
        numIDEDisks=number(0, units), numIDECdroms=number(0, units),
    )  # fmt: skip


def _pci() -> Any:
    def most(model: str) -> Any:
        return number(0, CONTROLLERS[model][1])

    supported = [*SCSI_TYPES, "VirtualAHCIController", "VirtualNVMEController", *USB_CONTROLLERS, *CARDS, "VirtualMachineVideoCard",
                 "VirtualMachineVMCIDevice"]  # fmt: skip
    return _of(
        vim.VirtualPCIControllerOption, "VirtualPCIController", devices=number(0, 32), supportedDevice=supported,
        numSCSIControllers=most("lsilogic"), numEthernetCards=number(0, MAX_NICS), numVideoCards=number(1, 1),
        numSoundCards=number(0, 0), numVmiRoms=number(0, 0), numVmciDevices=number(1, 1), numPCIPassthroughDevices=number(0, 0),
        numSasSCSIControllers=most("lsisas1068"), numVmxnet3EthernetCards=number(0, MAX_NICS),
        numParaVirtualSCSIControllers=most("pvscsi"), numSATAControllers=most("ahci"), numNVMEControllers=most("nvme"),
        numVmxnet3VrdmaEthernetCards=number(0, 0),
    )  # fmt: skip


def _ps2() -> Any:
    return _of(
        vim.VirtualPS2ControllerOption, "VirtualPS2Controller", devices=number(2, 2),
        supportedDevice=["VirtualKeyboard", "VirtualPointingDevice"], numKeyboards=number(1, 1), numPointingDevices=number(1, 1),
    )  # fmt: skip


def _sio() -> Any:
    return _of(
        vim.VirtualSIOControllerOption, "VirtualSIOController", devices=number(0, 0), numFloppyDrives=number(0, 0),
        numSerialPorts=number(0, 0), numParallelPorts=number(0, 0),
    )  # fmt: skip


def _keyboard() -> Any:
    return _of(vim.VirtualKeyboardOption, "VirtualKeyboard", controllerType="VirtualPS2Controller")


def _pointing() -> Any:
    backing = vim.VirtualPointingDeviceBackingOption(
        type="VirtualPointingDeviceDeviceBackingInfo", autoDetectAvailable=flag(True, True), hostPointingDevice=choice("autodetect")
    )
    return _of(
        vim.VirtualPointingDeviceOption, "VirtualPointingDevice", controllerType="VirtualPS2Controller", backingOption=[backing],
        defaultBackingOptionIndex=0,
    )  # fmt: skip


def _video() -> Any:
    return _of(
        vim.VirtualVideoCardOption, "VirtualMachineVideoCard", controllerType="VirtualPCIController",
        videoRamSizeInKB=long(16384, 16384, 16384), numDisplays=number(1, 1), useAutoDetect=flag(), support3D=flag(),
        use3dRendererSupported=flag(), graphicsMemorySizeInKB=long(262144, 262144, 262144), graphicsMemorySizeSupported=flag(),
    )  # fmt: skip


def _vmci() -> Any:
    return _of(
        vim.VirtualMachineVMCIDeviceOption, "VirtualMachineVMCIDevice", controllerType="VirtualPCIController",
        allowUnrestrictedCommunication=flag(), filterSupported=flag(),
    )  # fmt: skip


# -- controllers -------------------------------------------------------------------------------------------------


def _scsi(kind: str, units: int) -> Any:
    make = getattr(vim, f"{kind}Option")
    own = CONTROLLERS[SCSI[0]][3] or 0
    return _of(
        make, kind, controllerType="VirtualPCIController", devices=number(0, units - 1), supportedDevice=_DRIVES,
        numSCSIDisks=number(0, units - 1), numSCSICdroms=number(0, units - 1), numSCSIPassthrough=number(0, 0),
        sharing=["noSharing"], defaultSharedIndex=0, hotAddRemove=flag(True, True), scsiCtlrUnitNumber=own,
    )  # fmt: skip


def _sata() -> Any:
    units = CONTROLLERS["ahci"][2]
    return _of(
        vim.VirtualAHCIControllerOption, "VirtualAHCIController", controllerType="VirtualPCIController", devices=number(0, units),
        supportedDevice=_DRIVES, numSATADisks=number(0, units), numSATACdroms=number(0, units),
    )  # fmt: skip


def _nvme() -> Any:
    units = CONTROLLERS["nvme"][2]
    return _of(
        vim.VirtualNVMEControllerOption, "VirtualNVMEController", controllerType="VirtualPCIController", devices=number(0, units),
        supportedDevice=["VirtualDisk"], numNVMEDisks=number(0, units), sharing=["noSharing"],
    )  # fmt: skip


def _usb() -> list[Any]:
    facts: dict[str, Any] = {"controllerType": "VirtualPCIController", "devices": number(0, 0), "autoConnectDevices": flag()}
    return [
        _of(vim.VirtualUSBControllerOption, USB_CONTROLLERS[0], ehciSupported=flag(True, True),
            supportedSpeeds=["low", "full", "high"], **facts),
        _of(vim.VirtualUSBXHCIControllerOption, USB_CONTROLLERS[1],
            supportedSpeeds=["low", "full", "high", "superSpeed"], **facts),
    ]  # fmt: skip


# -- drives and cards --------------------------------------------------------------------------------------------


def _disk() -> Any:
    # Snapshots are overlays of our own: clients know their disks by the redo log's name.
    formats = [vim.VirtualDiskDeltaDiskFormatsSupported(
        datastoreType="LocalDatastoreInfo", deltaDiskFormat=choice("redoLogFormat"))]  # fmt: skip
    backing = vim.VirtualDiskFlatVer2BackingOption(
        type="VirtualDiskFlatVer2BackingInfo", fileNameExtensions=choice("vmdk"),
        diskMode=choice("persistent", "independent_persistent", "independent_nonpersistent"), split=flag(),
        writeThrough=flag(True), growable=True, hotGrowable=False, uuid=True, thinProvisioned=flag(True, True),
        eagerlyScrub=flag(True), deltaDiskFormat=choice("redoLogFormat"), deltaDiskFormatsSupported=formats,
    )  # fmt: skip
    limits = vim.StorageIOAllocationOption(limitOption=long(-1, -1, -1), sharesOption=shares())
    return _of(
        vim.VirtualDiskOption, "VirtualDisk", backingOption=[backing], defaultBackingOptionIndex=0,
        capacityInKB=long(1, MAX_DISK_KIB, 16 << 20), ioAllocationOption=limits,
    )  # fmt: skip


def _optical() -> Any:
    backings = [
        vim.VirtualCdromIsoBackingOption(type="VirtualCdromIsoBackingInfo", fileNameExtensions=choice("iso")),
        vim.VirtualCdromRemoteAtapiBackingOption(type="VirtualCdromRemoteAtapiBackingInfo", autoDetectAvailable=flag()),
        vim.VirtualCdromAtapiBackingOption(type="VirtualCdromAtapiBackingInfo", autoDetectAvailable=flag()),
    ]
    return _of(
        vim.VirtualCdromOption, "VirtualCdrom", connectOption=_connectable(), backingOption=backings, defaultBackingOptionIndex=1
    )


def _card(kind: str) -> Any:
    backing = vim.VirtualEthernetCardNetworkBackingOption(type="VirtualEthernetCardNetworkBackingInfo", autoDetectAvailable=flag())
    facts: dict[str, Any] = {"supportsMorphing": False} if kind == "VirtualPCNet32" else {}
    return _of(
        getattr(vim, f"{kind}Option"), kind, controllerType="VirtualPCIController", connectOption=_connectable(),
        backingOption=[backing], defaultBackingOptionIndex=0, plugAndPlay=True, supportedOUI=choice("00:0C:29", "00:50:56"),
        macType=choice("generated", "manual", "assigned"), wakeOnLanEnabled=flag(True, True), vmDirectPathGen2Supported=False,
        uptCompatibilityEnabled=flag(), **facts,
    )  # fmt: skip
