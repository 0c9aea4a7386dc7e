"""`vmctl vm`: machines, by name."""

from __future__ import annotations

import click

from .. import machines
from ..app import App
from ..cli import Group
from ..sizes import Size

_STATES = {"poweredOn": "on", "poweredOff": "off", "suspended": "suspended"}


@click.group(cls=Group)
def group() -> None:
    """Machines."""


@group.command("list")
@click.pass_obj
def list_(app: App) -> None:
    """All machines."""
    paths = ("name", "runtime.powerState", "summary.config.numCpu", "summary.config.memorySizeMB", "guest.ipAddress")
    found = sorted(app.session.find("VirtualMachine", *paths), key=lambda f: str(f["name"]))
    app.table(["name", "state", "cpus", "memory_mib", "ip", "id"], ([
        f["name"], _STATES.get(f["runtime.powerState"]), f["summary.config.numCpu"], f["summary.config.memorySizeMB"],
        f["guest.ipAddress"], f.ref] for f in found))  # fmt: skip


@group.command()
@click.argument("name")
@click.pass_obj
def info(app: App, name: str) -> None:
    """What a machine is and has."""
    vm = app.vm(name, "summary", "config.hardware.device", "guest.ipAddress")
    config = vm["summary"].config
    labels = [d.deviceInfo.label for d in vm["config.hardware.device"] or [] if d.deviceInfo]
    app.facts({
        "name": config.name, "id": vm.ref, "state": _STATES.get(vm["summary"].runtime.powerState), "guest": config.guestId,
        "cpus": config.numCpu, "memory_mib": config.memorySizeMB, "ip": vm["guest.ipAddress"], "uuid": config.uuid,
        "instance_uuid": config.instanceUuid, "path": config.vmPathName, "note": config.annotation or None, "devices": labels,
    })  # fmt: skip


@group.command()
@click.argument("names", nargs=-1, required=True)
@click.pass_obj
def on(app: App, names: tuple[str, ...]) -> None:
    """Switch the power on."""
    app.run_on("PowerOnVM_Task", names)


@group.command()
@click.argument("names", nargs=-1, required=True)
@click.pass_obj
def off(app: App, names: tuple[str, ...]) -> None:
    """Switch the power off, at once; `shutdown` asks the guest."""
    app.run_on("PowerOffVM_Task", names)


@group.command()
@click.argument("names", nargs=-1, required=True)
@click.pass_obj
def reset(app: App, names: tuple[str, ...]) -> None:
    """Press the reset button."""
    app.run_on("ResetVM_Task", names)


@group.command()
@click.argument("names", nargs=-1, required=True)
@click.pass_obj
def suspend(app: App, names: tuple[str, ...]) -> None:
    """Save the memory to disk and stop; `on` resumes."""
    app.run_on("SuspendVM_Task", names)


@group.command()
@click.argument("names", nargs=-1, required=True)
@click.pass_obj
def shutdown(app: App, names: tuple[str, ...]) -> None:
    """Ask the guest to shut down; needs its tools."""
    app.run_on("ShutdownGuest", names)


@group.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--force", is_flag=True, help="switch the power off first")
@click.confirmation_option("--yes", "-y", prompt="This deletes the machines and their disks. Go on?")
@click.pass_obj
def rm(app: App, names: tuple[str, ...], force: bool) -> None:
    """Delete machines with their disks."""
    for name in names:
        if force and app.vm(name, "runtime.powerState")["runtime.powerState"] != "poweredOff":
            app.run_on("PowerOffVM_Task", [name])
        app.run_on("Destroy_Task", [name])


@group.command()
@click.argument("name")
@click.option("--memory", type=Size(), default="1G", show_default=True, help="512M, 4G …")
@click.option("--cpus", type=click.IntRange(1), default=1, show_default=True)
@click.option("--disk", "disks", type=Size(), multiple=True, help="size of a new thin disk; once for each")
@click.option("--iso", help="CD to boot from: `[datastore] folder/file.iso`")
@click.option("--network", "networks", multiple=True, help="a card on that network; once for each")
@click.option("--datastore", help="where it lies  [default: the first]")
@click.option("--guest", default="otherGuest64", show_default=True, help="guestId of the contract")
@click.pass_obj
def create(app: App, name: str, memory: int, cpus: int, disks: tuple[int, ...], iso: str | None, networks: tuple[str, ...],
           datastore: str | None, guest: str) -> None:  # fmt: skip
    """Make a machine, powered off."""
    task = machines.create(app.session, name, memory=memory, cpus=cpus, disks=disks, iso=iso, networks=networks,
                           datastore=datastore, guest=guest)  # fmt: skip
    made = app.run(name, task)
    app.facts({"name": name, "id": made})
