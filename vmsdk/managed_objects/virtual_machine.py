"""VirtualMachine: the face of one machine. Facts are in `virtual_machine_facts`, coming and going in `virtual_machine_create`."""

from __future__ import annotations

from typing import Any

import msgspec

from ..engine.call import Call
from ..engine.machine import MachineCells
from ..engine.managed_object import operation, prop
from ..engine.site import Site
from ..wsdl import MoRef, vim
from . import virtual_machine_create as create
from . import virtual_machine_facts as facts
from . import virtual_machine_file_facts as files
from . import virtual_machine_guest_facts as guest
from . import virtual_machine_power as power
from . import virtual_machine_reconfigure as reconfigure
from .managed_entity import ManagedEntity, checked_name


class VirtualMachine(ManagedEntity):
    def __init__(self, site: Site, value: str, cells: MachineCells):
        super().__init__(site, value)
        self.machine = cells

    # -- what dispatch asks -----------------------------------------------------------------------------------

    def claim_for(self, operation_name: str) -> MoRef | None:
        return None if operation_name in power.PASSES else self.ref

    def _require_power(self, operation_name: str) -> None:
        power.require(operation_name, self.machine.power.get().power)

    # -- properties -------------------------------------------------------------------------------------------

    @prop
    def name(self) -> str:
        return self.machine.defined.name

    @prop
    def parent(self) -> MoRef:
        return self.site.fixed("vm", "Folder")

    @prop
    def config(self) -> Any:
        return facts.config(self.site, self.machine)

    @prop
    def runtime(self) -> Any:
        return facts.runtime(self.site, self.machine)

    @prop
    def guest(self) -> Any:
        return guest.guest(self.site, self.machine)

    @prop
    def storage(self) -> Any:
        return files.storage(self.site, self.machine)

    @prop
    def summary(self) -> Any:
        site, cells = self.site, self.machine
        return vim.VirtualMachineSummary(
            vm=self.ref, runtime=facts.runtime(site, cells), guest=guest.guest_summary(guest.guest(site, cells)),
            config=facts.summary_config(site, cells.defined), storage=files.storage_summary(files.storage(site, cells)),
            quickStats=facts.quick_stats(site, cells), overallStatus=self.overallStatus(),
            customValue=self.customValue() or (),
        )  # fmt: skip

    @prop
    def overallStatus(self) -> str:
        return "red" if self.machine.power.get().trouble else "green"

    @prop
    def guestHeartbeatStatus(self) -> str:
        return guest.heartbeat(self.machine)

    @prop
    def disabledMethod(self) -> list[str]:
        return power.disabled(self.machine.power.get().power, bool(self.site.personality.column))

    @prop
    def datastore(self) -> tuple[MoRef, ...]:
        return files.datastores(self.site, self.machine.defined)

    @prop
    def network(self) -> tuple[MoRef, ...]:
        return facts.networks(self.site, self.machine.defined)

    @prop
    def resourcePool(self) -> MoRef:
        return self.site.fixed("pool", "ResourcePool")

    @prop
    def environmentBrowser(self) -> MoRef:
        return MoRef("EnvironmentBrowser", self.site.personality.environment(self.machine.number))

    @prop
    def capability(self) -> Any:
        return facts.capability(self.site, self.machine)

    @prop
    def layout(self) -> Any:
        return files.layout(self.site, self.machine)

    @prop
    def layoutEx(self) -> Any:
        return files.layout_ex(self.site, self.machine)

    @prop
    def resourceConfig(self) -> Any:
        d = self.machine.defined
        return vim.ResourceConfigSpec(
            entity=self.ref, cpuAllocation=facts.cpu_allocation(d), memoryAllocation=facts.memory_allocation(d)
        )

    @prop
    def rootSnapshot(self) -> Any:
        return () if self.site.personality.column else None

    # -- power ------------------------------------------------------------------------------------------------

    @operation
    async def PowerOnVM_Task(self, call: Call, host: MoRef | None = None) -> None:
        """Start the machine, or resume it. `host` is ignored: there is only one."""
        self._require_power("PowerOnVM_Task")
        await self.site.hypervisor.start(self.machine.uuid)

    @operation
    async def PowerOffVM_Task(self, call: Call) -> None:
        """Pull the plug."""
        self._require_power("PowerOffVM_Task")
        await self.site.hypervisor.stop(self.machine.uuid)

    @operation
    async def ResetVM_Task(self, call: Call) -> None:
        self._require_power("ResetVM_Task")
        await self.site.hypervisor.reset(self.machine.uuid)

    @operation
    async def SuspendVM_Task(self, call: Call) -> None:
        self._require_power("SuspendVM_Task")
        await self.site.hypervisor.suspend(self.machine.uuid)

    @operation
    async def TerminateVM(self, call: Call) -> None:
        """End the machine's process at once."""
        self._require_power("TerminateVM")
        with self.site.machine_events.by(self.machine, call.user):
            await self.site.hypervisor.stop(self.machine.uuid)

    @operation
    async def ShutdownGuest(self, call: Call) -> None:
        """Ask the guest; the answer does not wait for it. ToolsUnavailable without an agent."""
        self._require_power("ShutdownGuest")
        await self.site.hypervisor.ask_shutdown(self.machine.uuid)
        self.site.machine_events.say(self.machine, "VmGuestShutdownEvent", user=call.user)

    @operation
    async def RebootGuest(self, call: Call) -> None:
        self._require_power("RebootGuest")
        await self.site.hypervisor.ask_reboot(self.machine.uuid)
        self.site.machine_events.say(self.machine, "VmGuestRebootEvent", user=call.user)

    @operation
    async def StandbyGuest(self, call: Call) -> None:
        self._require_power("StandbyGuest")
        await self.site.hypervisor.ask_standby(self.machine.uuid)
        self.site.machine_events.say(self.machine, "VmGuestStandbyEvent", user=call.user)

    # -- definition -------------------------------------------------------------------------------------------

    @operation
    async def ReconfigVM_Task(self, call: Call, spec: Any) -> None:
        """Everything of a spec or nothing. ConcurrentAccess for a stale changeVersion."""
        await reconfigure.reconfigure(self.site, call, self.machine, self.ref, spec)

    @operation
    async def Rename_Task(self, call: Call, newName: str) -> None:
        """The name in the inventory; files keep theirs, as on ESXi."""
        assert call.task is not None
        name = checked_name(newName, self.ref)
        other = create.taken_name(self.site, name, self.machine.uuid)
        if other is not None:
            raise vim.DuplicateName(name=name, object=other)
        self.site.claims.take(("name", name), call.task.ref)
        old = self.machine.defined
        changed = msgspec.structs.replace(old, name=name, changed=self.site.clock.seconds())
        await reconfigure.replace(self.site, "Rename_Task", old, changed)

    @operation
    async def UnregisterVM(self, call: Call) -> None:
        self._require_power("UnregisterVM")
        with self.site.machine_events.by(self.machine, call.user):
            await create.unregister_machine(self.site, self.machine)

    @operation
    async def Destroy_Task(self, call: Call) -> None:
        """The machine and its files go."""
        self._require_power("Destroy_Task")
        await create.destroy_machine(self.site, self.machine)

    @operation
    async def RefreshStorageInfo(self, call: Call) -> None:
        if self.site.refresh_files is not None:
            await self.site.refresh_files(self.machine)

    @operation
    async def Reload(self, call: Call) -> None:  # type: ignore[override]
        await self.site.hypervisor.read(self.machine.uuid)
