"""How a machine comes and goes: create, register, unregister, destroy. Each effect has its undo written before it runs.

Law: name, folder, UUID and reference are taken before the first await; a kill between two steps leaves no folder, disk, definition or
reference behind.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec

from ..datastores import names, vmx
from ..devices import build
from ..engine.call import Call
from ..engine.machine import MachineCells
from ..engine.site import Site
from ..hypervisor.errors import FileMissing
from ..hypervisor.records import Definition, Disk, FilePlace, Nic
from ..wsdl import MoRef, vim
from . import virtual_machine_spec as specs
from .managed_entity import checked_name


def _here(site: Site, pool: MoRef | None, host: MoRef | None) -> None:
    if pool is not None:
        site.inventory.find(pool)
    if host is not None:
        site.inventory.find(host)


def taken_name(site: Site, name: str, but: str = "") -> MoRef | None:
    """The machine that has this name already."""
    for uuid, cells in site.machines.items():
        if uuid != but and cells.defined.name == name:
            return site.machine_refs.get(uuid)
    return None


def _free_name(site: Site, name: str) -> None:
    other = taken_name(site, name)
    if other is not None:
        raise vim.DuplicateName(name=name, object=other)


def around(site: Site, definition: Definition) -> build.Surroundings:
    """What device specs of this machine are judged against."""
    used = {d.file.path for d in definition.devices if isinstance(d, Disk)}

    def default_disk(number: int) -> FilePlace:
        stem = names.stem(definition.home)
        candidates = (names.beside(definition.home, f"{stem}{f'_{n}' if n else ''}.vmdk") for n in range(1000))
        free = [place for place in candidates if place.path not in used]
        return free[number]

    def mac_taken(mac: str) -> bool:
        return any(
            isinstance(d, Nic) and d.mac == mac
            for uuid, cells in site.machines.items() if uuid != definition.uuid
            for d in cells.defined.devices
        )  # fmt: skip

    return build.Surroundings(
        parse=lambda text: names.parse(text, site.datastore_named),
        networks=frozenset(n.name for n in site.host.networks.get()), default_disk=default_disk, mac_taken=mac_taken,
    )  # fmt: skip


async def _home(site: Site, name: str, path: str | None) -> tuple[FilePlace, bool]:
    """(the configuration file's place, whether its folder is to be made)."""
    if not path:
        raise vim.InvalidDatastorePath(datastorePath=path or "", msg="The specification names no datastore: config.files.vmPathName")
    place = names.parse(path, site.datastore_named)
    if place.path.endswith(".vmx"):
        folder = names.folder_of(place)
        return place, bool(folder.path) and not await exists(site, folder)
    base = place.path or names.safe_name(name)
    claimed = {c.defined.home.path.rpartition("/")[0] for c in site.machines.values()}
    for attempt in range(1000):
        folder = FilePlace(datastore=place.datastore, path=f"{base}_{attempt}" if attempt else base)
        if site.claims.holder(("folder", folder)) is None and folder.path not in claimed and not await exists(site, folder):
            return FilePlace(datastore=place.datastore, path=f"{folder.path}/{names.safe_name(name)}.vmx"), True
    raise vim.FileAlreadyExists(file=names.text(place, site.datastore_name))


async def exists(site: Site, place: FilePlace) -> bool:
    try:
        await site.hypervisor.storage.stat(place)
    except FileMissing:
        return False
    return True


async def create_machine(site: Site, call: Call, config: Any, pool: MoRef | None, host: MoRef | None) -> MoRef:
    """CreateVM_Task."""
    assert call.task is not None
    _here(site, pool, host)
    name = checked_name(config.name, site.fixed("vm", "Folder"))
    _free_name(site, name)
    site.claims.take(("name", name), call.task.ref)
    uuid = specs.instance_uuid(config)
    if uuid in site.machines:
        raise vim.AlreadyExists(name=uuid)
    site.claims.take(("uuid", uuid), call.task.ref)
    home, make_folder = await _home(site, name, config.files.vmPathName if config.files is not None else None)
    folder = names.folder_of(home)
    site.claims.take(("folder", folder), call.task.ref)
    if await exists(site, home):
        raise vim.FileAlreadyExists(file=names.text(home, site.datastore_name))
    now = site.clock.seconds()
    blank = Definition(uuid=uuid, bios_uuid=specs.bios_uuid(config), name=name, home=home, created=now, changed=now)
    definition = specs.settings(blank, config, now, site.host.host.get().max_cpus_per_machine)
    plan = build.apply(definition, config.deviceChange, around(site, definition))
    definition = msgspec.structs.replace(definition, devices=tuple(plan.devices))
    definition = await existing_media(site, definition, plan)
    call.task.progress(10)
    storage = site.hypervisor.storage
    async with site.steps.begin("CreateVM_Task", uuid) as work:
        if make_folder:
            await work.do(lambda: storage.make_directory(folder, parents=True), ("delete_file", folder.datastore, folder.path))
        for disk in plan.create:
            await make_disk(site, work, disk)
        call.task.progress(60)
        await work.do(lambda: vmx.write(site, definition), ("delete_file", home.datastore, home.path))
        ref = await _publish(site, work, definition)
    return ref


async def _publish(site: Site, work: Any, definition: Definition) -> MoRef:
    """Reserve the reference, define, and wait until the mirror has the face."""
    await work.do(lambda: _reserve(site, definition.uuid), ("forget_machine", definition.uuid))
    await work.do(lambda: site.hypervisor.define(definition), ("undefine", definition.uuid))
    if site.refresh_files is not None:
        await site.refresh_files(site.machines[definition.uuid])
    return site.machine_refs[definition.uuid]


async def make_disk(site: Site, work: Any, disk: Disk) -> None:
    """A new disk, and the folder it lies in where that is another than the machine's and not there yet."""
    storage, place, folder = site.hypervisor.storage, disk.file, names.folder_of(disk.file)
    if folder.path and not await exists(site, folder):
        await work.do(partial(storage.make_directory, folder, True), ("delete_file", folder.datastore, folder.path))
    await work.do(partial(storage.create_disk, place, disk.capacity, disk.thin), ("delete_file", place.datastore, place.path))


async def _reserve(site: Site, uuid: str) -> None:
    site.numbers.allocate("machine", uuid)


async def existing_media(site: Site, definition: Definition, plan: build.Plan) -> Definition:
    """Disks that exist must be there and tell their size; media must be there."""
    sizes: dict[int, int] = {}
    for disk in plan.existing:
        sizes[disk.key] = (await site.hypervisor.storage.disk(disk.file)).capacity
    for disk in plan.create:
        if await exists(site, disk.file):
            raise vim.FileAlreadyExists(file=names.text(disk.file, site.datastore_name))
    for place in plan.media:
        await site.hypervisor.storage.stat(place)
    if not sizes:
        return definition
    devices = tuple(
        msgspec.structs.replace(d, capacity=sizes[d.key]) if isinstance(d, Disk) and d.key in sizes else d
        for d in definition.devices
    )
    return msgspec.structs.replace(definition, devices=devices)


async def register_machine(
    site: Site, call: Call, path: str, template: bool, name: str | None, pool: MoRef | None, host: MoRef | None
) -> MoRef:
    """RegisterVM_Task: the machine that a configuration file describes."""
    assert call.task is not None
    _here(site, pool, host)
    if template and not site.personality.clones:
        raise vim.NotSupported()
    home = names.parse(path, site.datastore_named)
    for uuid, cells in site.machines.items():
        if cells.defined.home == home:
            raise vim.AlreadyExists(name=site.machine_refs[uuid].value)
    site.claims.take(("folder", names.folder_of(home)), call.task.ref)
    try:
        definition = await vmx.read(site, home)
    except FileMissing:
        raise vim.NotFound() from None
    if definition.uuid in site.machines:
        raise vim.AlreadyExists(name=site.machine_refs[definition.uuid].value)
    definition = msgspec.structs.replace(definition, name=checked_name(name or definition.name, site.fixed("vm", "Folder")))
    _free_name(site, definition.name)
    site.claims.take(("name", definition.name), call.task.ref)
    for device in definition.devices:
        if isinstance(device, Disk):
            await site.hypervisor.storage.disk(device.file)
    async with site.steps.begin("RegisterVM_Task", definition.uuid) as work:
        ref = await _publish(site, work, definition)
    return ref


async def unregister_machine(site: Site, cells: MachineCells) -> None:
    """The inventory forgets the machine; its files stay, with a fresh configuration file."""
    definition = cells.defined
    if not cells.power.get().foreign:
        await vmx.write(site, definition)
    async with site.steps.begin("UnregisterVM", definition.uuid) as work:
        # Forward only: once forgetting began, it is finished at the next start too.
        await work.do(None, ("finish_unregister", definition.uuid))
        await finish_unregister(site, definition.uuid)


async def finish_unregister(site: Site, uuid: str) -> None:
    """Idempotent: undefine and forget."""
    await site.hypervisor.undefine(uuid)
    site.numbers.forget("machine", uuid)


async def destroy_machine(site: Site, cells: MachineCells) -> None:
    """The machine and its files go."""
    definition = cells.defined
    own = own_files(definition)
    files = sorted({(p.datastore, p.path) for p in own})
    # Inner folders first: an outer one is empty only after them.
    folders = sorted({(f.datastore, f.path) for f in map(names.folder_of, own) if f.path}, reverse=True)
    async with site.steps.begin("Destroy_Task", definition.uuid) as work:
        await work.do(None, ("finish_destroy", definition.uuid, files, folders))
        await finish_destroy(site, definition.uuid, files, folders)


async def finish_destroy(site: Site, uuid: str, files: Any, folders: Any) -> None:
    """Idempotent: undefine, delete the machine's own files, and each folder of theirs that nothing else is in. `files` and
    `folders` are (datastore, path) pairs."""
    await finish_unregister(site, uuid)
    storage = site.hypervisor.storage
    for datastore, path in files:
        await storage.delete(FilePlace(datastore=datastore, path=path))
    for datastore, path in folders:
        place = FilePlace(datastore=datastore, path=path)
        if await exists(site, place) and not await storage.list(place):
            await storage.delete(place)


def own_files(definition: Definition) -> list[FilePlace]:
    """What belongs to the machine alone: its configuration, logs, NVRAM, and its disks (not ISO images)."""
    stem = names.stem(definition.home)
    own = [names.beside(definition.home, f"{stem}.{end}") for end in ("vmx", "nvram", "vmsd", "vmxf", "log", "vmss")]
    own.append(names.beside(definition.home, "vmware.log"))
    return own + [d.file for d in definition.devices if isinstance(d, Disk)]


def undoers(site: Site) -> dict[str, Any]:
    """What each word of undo does; all idempotent, all with JSON arguments."""

    async def delete_file(datastore: str, path: str) -> None:
        await site.hypervisor.storage.delete(FilePlace(datastore=datastore, path=path))

    async def undefine(uuid: str) -> None:
        await site.hypervisor.undefine(uuid)

    async def forget_machine(uuid: str) -> None:
        if uuid not in site.machines:
            site.numbers.forget("machine", uuid)

    async def redefine(text: str) -> None:
        await site.hypervisor.redefine(msgspec.json.decode(text, type=Definition))

    async def write_vmx(text: str) -> None:
        await vmx.write(site, msgspec.json.decode(text, type=Definition))

    return {
        "delete_file": delete_file, "undefine": undefine, "forget_machine": forget_machine, "redefine": redefine,
        "write_vmx": write_vmx, "finish_unregister": lambda uuid: finish_unregister(site, uuid),
        "finish_destroy": lambda uuid, files, folders: finish_destroy(site, uuid, files, folders),
    }  # fmt: skip
