"""ReconfigVM_Task: a spec judged whole, then applied as one change of definition with its files."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec

from ..datastores import vmx
from ..devices import build
from ..engine.call import Call
from ..engine.machine import MachineCells
from ..engine.site import Site
from ..hypervisor.records import Definition, Disk, Power
from ..wsdl import MoRef, vim
from . import virtual_machine_create as create
from . import virtual_machine_facts as facts
from . import virtual_machine_spec as specs
from .managed_entity import checked_name


async def reconfigure(site: Site, call: Call, cells: MachineCells, ref: MoRef, spec: Any) -> None:
    """Apply a VirtualMachineConfigSpec. Nothing is changed when any part of it is refused."""
    assert call.task is not None
    old = cells.defined
    if spec.changeVersion and spec.changeVersion != facts.change_version(old):
        raise vim.ConcurrentAccess()
    now = site.clock.seconds()
    new = specs.settings(old, spec, now, site.host.host.get().max_cpus_per_machine)
    if spec.instanceUuid and spec.instanceUuid.lower() != old.uuid:
        raise specs.argument("instanceUuid", "The instance UUID of a machine is its identity on this host and stays.")
    if spec.name is not None and spec.name != old.name:
        name = checked_name(spec.name, ref)
        other = create.taken_name(site, name, old.uuid)
        if other is not None:
            raise vim.DuplicateName(name=name, object=other)
        site.claims.take(("name", name), call.task.ref)
        new = msgspec.structs.replace(new, name=name)
    plan = build.apply(new, spec.deviceChange, create.around(site, new))
    new = msgspec.structs.replace(new, devices=tuple(plan.devices))
    new = await create.existing_media(site, new, plan)
    if cells.power.get().power is not Power.OFF:
        _running(cells.power.get().power, old, new)
    if new == old:
        return
    await replace(site, "ReconfigVM_Task", old, msgspec.structs.replace(new, changed=now), plan)


def _running(power: Power, old: Definition, new: Definition) -> None:
    """What a machine that is not off cannot take."""
    state = facts.POWER_STATES[power]
    if new.cpus != old.cpus:
        raise vim.CpuHotPlugNotSupported(msg="CPUs of this virtual machine can be changed only while it is powered off.")
    if new.memory_mib != old.memory_mib:
        raise vim.MemoryHotPlugNotSupported(msg="Memory of this virtual machine can be changed only while it is powered off.")
    fixed = ("firmware", "secure_boot", "cores_per_socket", "guest_id", "hardware_version", "bios_uuid", "devices")
    if any(getattr(old, name) != getattr(new, name) for name in fixed):
        raise vim.InvalidPowerState(requestedState="poweredOff", existingState=state)


async def replace(site: Site, operation: str, old: Definition, new: Definition, plan: build.Plan | None = None) -> None:
    """One definition for another: new disks made, the definition replaced, the `.vmx` written, dropped disks deleted."""
    storage = site.hypervisor.storage
    grown = [
        (d, before)
        for d in new.devices if isinstance(d, Disk)
        for before in old.devices if isinstance(before, Disk) and before.key == d.key and d.capacity > before.capacity
    ]  # fmt: skip
    async with site.steps.begin(operation, new.uuid) as work:
        for disk in plan.create if plan is not None else ():
            await create.make_disk(site, work, disk)
        for disk, _ in grown:
            await work.do(partial(storage.resize_disk, disk.file, disk.capacity))
        await work.do(
            lambda: site.hypervisor.redefine(new), ("redefine", msgspec.json.encode(old).decode())
        )
        await work.do(lambda: vmx.write(site, new), ("write_vmx", msgspec.json.encode(old).decode()))
    dropped = plan.delete if plan is not None else []
    if dropped:
        async with site.steps.begin(operation, new.uuid) as work:
            # Forward only: a disk that the machine has no more is deleted, by the next start if need be.
            for disk in dropped:
                await work.do(None, ("delete_file", disk.file.datastore, disk.file.path))
            for disk in dropped:
                await storage.delete(disk.file)
