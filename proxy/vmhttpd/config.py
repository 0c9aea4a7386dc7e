"""What a person may set, on the command line. Law: refused with a sentence before anything is touched."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from .limits import Limits
from .routes import Routes, product_routes

LONGEST_SOCKET_PATH = 107  # sun_path, less its final NUL


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one process."""

    host: str
    """The address to listen at, without brackets."""
    port: int
    """0: any free one; the ready file says which."""
    state: Path
    routes: Routes
    limits: Limits
    names: tuple[str, ...] = ()
    user: str | None = None
    ready_file: Path | None = None
    access_log: Path | None = None


def parse(arguments: Sequence[str]) -> Config:
    """Exits with status 2 and a sentence for what is wrong."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        limits = _limits(options.limit)
        others = dict(_pair(pair, "--route") for pair in options.route)
        host, port = _listen(options.listen)
        routes = product_routes(options.backend, others, limits)
        for path in routes.sockets():
            if len(path.encode()) > LONGEST_SOCKET_PATH:
                raise ValueError(f"{path}: a unix socket's path has at most {LONGEST_SOCKET_PATH} bytes.")
    except ValueError as error:
        parser.error(str(error))
    return Config(
        host=host,
        port=port,
        state=options.state,
        routes=routes,
        limits=limits,
        names=tuple(options.name),
        user=options.user,
        ready_file=options.ready_file,
        access_log=options.access_log,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vmhttpd", description="TLS in front of vmctld: one port, paths to back ends on unix sockets."
    )
    add = parser.add_argument
    add("--listen", default="0.0.0.0:443", metavar="ADDRESS:PORT", help="where to listen (%(default)s; port 0: any)")
    add("--backend", required=True, metavar="SOCKET", help="the unix socket that all paths lead to")
    add("--route", action="append", default=[], metavar="/PATH=SOCKET", help="another socket for one path")
    add("--state", required=True, type=Path, metavar="DIR", help="holds server.crt and server.key, made when missing")
    add("--name", action="append", default=[], help="a further name or address that clients know this server by")
    add("--user", help="the account to run as once the port is bound, when started by root (nobody)")
    add("--ready-file", type=Path, metavar="FILE", help="is written (JSON) when connections are accepted")
    add("--access-log", type=Path, metavar="FILE", help="gets one line per request; reopened on SIGHUP")
    add("--limit", action="append", default=[], metavar="NAME=VALUE", help=", ".join(Limits.__struct_fields__))
    return parser


def _limits(pairs: list[str]) -> Limits:
    values: dict[str, Any] = dict(_pair(pair, "--limit") for pair in pairs)
    try:
        limits = msgspec.convert(values, Limits, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(f"--limit: {error}") from None
    if any(value < 0 for value in msgspec.structs.astuple(limits)):
        raise ValueError("--limit: a limit is not negative.")
    return limits


def _pair(text: str, option: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not (name and mark and value):
        raise ValueError(f"{option} takes NAME=VALUE, not {text!r}.")
    return name, value


def _listen(text: str) -> tuple[str, int]:
    host, mark, port = text.rpartition(":")
    if not (host and mark and port.isdecimal() and int(port) < 65536):
        raise ValueError(f"--listen takes ADDRESS:PORT, not {text!r}.")
    return host.removeprefix("[").removesuffix("]"), int(port)
