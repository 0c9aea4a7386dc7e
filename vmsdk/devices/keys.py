"""Keys and unit numbers as ESXi gives them. Pure arithmetic over what is already there."""

from __future__ import annotations

from collections.abc import Iterable

from ..hypervisor.records import AnyDevice, Controller, Disk, Nic, Optical

IDE = (200, 201)
# model -> (first key, most of them, units, unit that is the controller's own)
CONTROLLERS: dict[str, tuple[int, int, int, int | None]] = {
    "ide": (200, 2, 2, None),
    "buslogic": (1000, 4, 16, 7),
    "lsilogic": (1000, 4, 16, 7),
    "lsisas1068": (1000, 4, 16, 7),
    "pvscsi": (1000, 4, 64, 7),
    "ahci": (15000, 4, 30, None),
    "nvme": (31000, 4, 15, None),
    "ehci": (7000, 1, 0, None),
    "xhci": (14000, 1, 0, None),
}
SCSI = ("buslogic", "lsilogic", "lsisas1068", "pvscsi")
MAX_NICS = 10


def implicit_controllers() -> tuple[Controller, ...]:
    """The two IDE channels that every machine has."""
    return tuple(Controller(key=key, model="ide", bus=bus) for bus, key in enumerate(IDE))


def with_channels(devices: Iterable[AnyDevice]) -> tuple[AnyDevice, ...]:
    """The devices, with a record for each IDE channel that something hangs on and for no other, channels first."""
    rest = [d for d in devices if not (isinstance(d, Controller) and d.model == "ide")]
    used = {d.controller for d in rest if isinstance(d, (Disk, Optical))}
    return (*(c for c in implicit_controllers() if c.key in used), *rest)


def controller_of(devices: Iterable[AnyDevice], key: int) -> Controller | None:
    for device in (*implicit_controllers(), *devices):
        if isinstance(device, Controller) and device.key == key:
            return device
    return None


def free_bus(devices: Iterable[AnyDevice], model: str) -> int | None:
    """The next bus for a controller of this family; None when all are taken."""
    first, most, _, _ = CONTROLLERS[model]
    taken = {d.bus for d in devices if isinstance(d, Controller) and CONTROLLERS[d.model][0] == first}
    return next((bus for bus in range(most) if bus not in taken), None)


def units_taken(devices: Iterable[AnyDevice], controller: int) -> set[int]:
    return {d.unit for d in devices if isinstance(d, (Disk, Optical)) and d.controller == controller}


def free_unit(devices: Iterable[AnyDevice], controller: Controller) -> int | None:
    _, _, units, own = CONTROLLERS[controller.model]
    taken = units_taken(devices, controller.key)
    return next((u for u in range(units) if u not in taken and u != own), None)


def drive_key(controller: Controller, unit: int, optical: bool) -> int:
    """The key of a disk or drive by where it hangs."""
    if controller.model == "ide":
        return 3000 + 2 * controller.bus + unit
    if controller.model == "ahci":
        return 16000 + 30 * controller.bus + unit
    if controller.model == "nvme":
        return 32000 + 15 * controller.bus + unit
    return 2000 + 16 * controller.bus + unit if unit < 16 else 131072 + 64 * controller.bus + unit


def nic_key(devices: Iterable[AnyDevice]) -> int | None:
    taken = {d.key for d in devices if isinstance(d, Nic)}
    return next((4000 + n for n in range(MAX_NICS) if 4000 + n not in taken), None)


def generated_mac(bios_uuid: str, index: int) -> str:
    """00:0c:29 and the last three bytes of the machine's UUID, counted up for each card."""
    tail = (int(bios_uuid.replace("-", "")[-6:], 16) + 10 * index) & 0xFFFFFF
    return f"00:0c:29:{tail >> 16:02x}:{tail >> 8 & 0xFF:02x}:{tail & 0xFF:02x}"
