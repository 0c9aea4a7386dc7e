"""`vmctl host`: the host itself."""

from __future__ import annotations

import click

from ..app import App
from ..cli import Group


@click.group(cls=Group)
def group() -> None:
    """The host."""


@group.command()
@click.pass_obj
def info(app: App) -> None:
    """What the host is, has and uses."""
    about = app.session.content.about
    for host in app.session.find("HostSystem", "name", "summary", "runtime.bootTime"):
        hardware, use = host["summary"].hardware, host["summary"].quickStats
        app.facts({
            "name": host["name"], "product": about.fullName, "api": about.apiVersion,
            "vendor": hardware.vendor, "model": hardware.model, "uuid": hardware.uuid,
            "cpu": hardware.cpuModel, "cores": hardware.numCpuCores, "threads": hardware.numCpuThreads,
            "cpu_mhz": hardware.cpuMhz, "cpu_used_mhz": use.overallCpuUsage,
            "memory_mib": hardware.memorySize >> 20, "memory_used_mib": use.overallMemoryUsage,
            "maintenance": host["summary"].runtime.inMaintenanceMode, "booted": host["runtime.bootTime"],
        })  # fmt: skip
