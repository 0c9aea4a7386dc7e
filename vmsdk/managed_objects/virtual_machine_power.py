"""From which power states an operation of a machine may start: one table, two readers (refusal and `disabledMethod`)."""

from __future__ import annotations

from ..engine.fault_map import POWER_STATES
from ..hypervisor.records import Power
from ..wsdl import vim

OFF, ON, SUSPENDED = Power.OFF, Power.ON, Power.SUSPENDED
ANY = frozenset(Power)

ALLOWED_FROM: dict[str, frozenset[Power]] = {
    "PowerOnVM_Task": frozenset({OFF, SUSPENDED}),
    "PowerOffVM_Task": frozenset({ON, SUSPENDED}),
    "SuspendVM_Task": frozenset({ON}),
    "ResetVM_Task": frozenset({ON}),
    "ShutdownGuest": frozenset({ON}),
    "RebootGuest": frozenset({ON}),
    "StandbyGuest": frozenset({ON}),
    "UnregisterVM": frozenset({OFF, SUSPENDED}),
    "Destroy_Task": frozenset({OFF, SUSPENDED}),
    "UpgradeVM_Task": frozenset({OFF}),
    "ExportVm": frozenset({OFF}),
    "AnswerVM": frozenset({ON}),
    "AcquireTicket": frozenset({ON}),
    "AcquireMksTicket": frozenset({ON}),
    "CreateScreenshot_Task": frozenset({ON}),
    "MountToolsInstaller": frozenset({ON}),
    "UnmountToolsInstaller": frozenset({ON}),
    "UpgradeTools_Task": frozenset({ON}),
    "SetScreenResolution": frozenset({ON}),
    "PutUsbScanCodes": frozenset({ON}),
    "TerminateVM": frozenset({ON}),
    "SendNMI": frozenset({ON}),
    "ResetGuestInformation": frozenset({OFF}),
}
# What a state an operation wants is called where its refusal names one.
WANTED = {
    "PowerOnVM_Task": ON, "PowerOffVM_Task": OFF, "SuspendVM_Task": SUSPENDED, "ResetVM_Task": ON, "ShutdownGuest": ON,
    "RebootGuest": ON, "StandbyGuest": ON, "UnregisterVM": OFF, "Destroy_Task": OFF,
}  # fmt: skip
# They exist in the API of a host, but only a centre does them.
CENTRE_ONLY = (
    "setCustomValue", "AddTag", "RemoveTag", "RetrieveCustomValues", "MigrateVM_Task", "RelocateVM_Task", "CloneVM_Task",
    "InstantClone_Task", "MarkAsTemplate", "MarkAsVirtualMachine", "CustomizeVM_Task", "CheckCustomizationSpec",
    "PromoteDisks_Task", "AttachDisk_Task", "DetachDisk_Task", "CreateImportLease", "QueryFaultToleranceCompatibility",
    "QueryFaultToleranceCompatibilityEx", "QueryUnownedFiles", "reloadVirtualMachineFromPath_Task",
)  # fmt: skip
# What passes while another task holds the machine.
PASSES = frozenset({"PowerOffVM_Task"})


def require(operation: str, power: Power) -> None:
    """InvalidPowerState where the operation may not start from this state."""
    if power not in ALLOWED_FROM.get(operation, ANY):
        wanted = WANTED.get(operation)
        raise vim.InvalidPowerState(
            requestedState=POWER_STATES[wanted] if wanted is not None else None, existingState=POWER_STATES[power]
        )


def disabled(power: Power, centre: bool) -> list[str]:
    """The operations a client should not offer now."""
    names = [name for name, allowed in ALLOWED_FROM.items() if power not in allowed]
    return names if centre else [*CENTRE_ONLY, *names]
