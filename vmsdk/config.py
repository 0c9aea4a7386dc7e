"""What a person may set, with defaults that just work: the command line of `vmctld` and the settings behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from .wsdl import DEFAULT_VERSION


@dataclass
class Settings:
    """All settings of one daemon."""

    state: Path = Path("/var/lib/vmsdk")
    socket: Path | None = None
    http: str = ""  # host:port on loopback; port 0 takes a free one
    hypervisor: str = "simulated"
    machines: int = 0
    shape: str = "small"
    user: str = "root"
    password_file: Path | None = None
    ready_file: Path | None = None
    accelerator: str = "auto"
    datastores: tuple[tuple[str, Path], ...] = ()
    networks: tuple[tuple[str, str, str, int], ...] = ()  # name, kind, bridge, vlan
    personality: str = "HostAgent"
    api_version: str = DEFAULT_VERSION
    product_name: str = "vmsdk"
    product_version: str = "0.1.0"
    build: str = "1"
    vendor: str = "The vmsdk project"
    idle_seconds: int = 0  # 0: the personality's
    max_sessions: int = 2000
    cache_bytes: int = 64 << 20
    extra: dict[str, Any] = field(default_factory=dict)


def _datastore(value: str) -> tuple[str, Path]:
    name, equals, path = value.partition("=")
    if not equals or not name or not path:
        raise click.BadParameter(f"{value!r} is not NAME=DIRECTORY")
    return name, Path(path).absolute()


def _network(value: str) -> tuple[str, str, str, int]:
    """`VM Network=user`, `LAN=bridge:br0`, `VLAN 10=openvswitch:br0:10`."""
    name, _, rest = value.partition("=")
    kind, bridge, vlan = ([*rest.split(":"), "", ""])[:3]
    if not name or kind not in ("user", "bridge", "openvswitch") or (kind != "user" and not bridge):
        raise click.BadParameter(f"{value!r} is not NAME=user, NAME=bridge:BRIDGE or NAME=openvswitch:BRIDGE[:VLAN]")
    return name, kind, bridge, int(vlan or 0)


@click.command(help="vmctld: owns this host's machines and answers /sdk.")
@click.option("--state", type=click.Path(path_type=Path), default=Path("/var/lib/vmsdk"), show_default=True, help="where everything is kept")
@click.option("--socket", type=click.Path(path_type=Path), help="unix socket for the front door (default STATE/vmctld.sock)")
@click.option("--http", default="", help="also answer plain HTTP on loopback, e.g. 127.0.0.1:0")
@click.option("--hypervisor", default="", help="`simulated` or a libvirt URI (default: QEMU embedded in STATE)")
@click.option("--machines", type=click.IntRange(0, 1_000_000), default=0, help="fill a simulated host with N machines")
@click.option("--shape", default="small", help="which simulated host")
@click.option("--user", default="root", help="the administrator")
@click.option("--password-file", type=click.Path(path_type=Path, exists=True), help="its first line is the administrator's password")
@click.option("--ready-file", type=click.Path(path_type=Path), help="written as JSON when everything listens")
@click.option("--accelerator", type=click.Choice(["auto", "kvm", "tcg"]), default="auto", help="auto: KVM when a guest really boots on it")
@click.option("--datastore", "datastores", multiple=True, metavar="NAME=DIR", help="a datastore (default: datastore1 in STATE)")
@click.option("--network", "networks", multiple=True, metavar="NAME=KIND[:BRIDGE[:VLAN]]", help="a port group (default: VM Network=user)")
@click.option("--personality", type=click.Choice(["HostAgent", "VirtualCenter"]), default="HostAgent", help="which kind of server to be")
@click.option("--api-version", default=DEFAULT_VERSION, show_default=True, help="newest API version served")
@click.option("--max-sessions", type=click.IntRange(1, 100_000), default=2000, show_default=True, help="sessions open at once")
@click.pass_context
def _command(context: click.Context, datastores: tuple[str, ...], networks: tuple[str, ...], **given: Any) -> None:
    context.obj.update(given, datastores=tuple(map(_datastore, datastores)), networks=tuple(map(_network, networks)))


def read(arguments: Sequence[str] | None = None) -> Settings:
    """Settings from the command line. Exits with a usage message when they make no sense."""
    found: dict[str, Any] = {}
    code = _command.main(args=list(arguments) if arguments is not None else None, obj=found, standalone_mode=False)
    if not found:
        raise SystemExit(code or 0)
    settings = Settings(**found)
    settings.state = settings.state.absolute()
    settings.socket = settings.socket or settings.state / "vmctld.sock"
    settings.hypervisor = settings.hypervisor or f"qemu:///embed?root={settings.state}/libvirt"
    return settings
