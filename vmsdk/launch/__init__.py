"""Starts vmctld and vmhttpd side by side, tells when both answer, stops both as one: `./dev run` and `./dev serve`.

Law: standard library only and nothing of the house: what it knows of the two programs is their command line and the
JSON file that each writes when it listens. It owns no machine: stopping it leaves them running.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import secrets
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .children import Bell, CannotLaunch, Program, Stopped, await_ready, stop

VMCTLD = (sys.executable, "-P", "-m", "vmsdk")
VMHTTPD = (sys.executable, "-P", "-m", "vmhttpd")
LOGIN = (
    "<Envelope xmlns='http://schemas.xmlsoap.org/soap/envelope/'><Body><Login xmlns='urn:vim25'>"
    "<_this type='SessionManager'>ha-sessionmgr</_this><userName>{user}</userName><password>$(cat {password})</password>"
    "</Login></Body></Envelope>"
)


@contextlib.contextmanager
def claimed(state: Path) -> Iterator[None]:
    """Hold the state directory, made when missing: two servers on one would destroy each other's machines."""
    # Others may pass through it (vmhttpd without root) but not look around; what is secret inside is 0600.
    state.mkdir(mode=0o711, parents=True, exist_ok=True)
    with (state / "launch.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotLaunch(f"A server runs in {state} already: stop it, or give another --state.") from None
        yield


def password_file(given: Path | None, state: Path) -> Path:
    """The file whose first line is the password; made with a random one, mode 0600, unless it is there or given."""
    if given is not None:
        if not given.is_file():
            raise CannotLaunch(f"The password file {given} does not exist.")
        return given.absolute()
    path = state / "password"
    with contextlib.suppress(FileExistsError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(12) + "\n")
    return path


def write_ready(path: Path, facts: dict[str, Any]) -> None:
    """As one step: a reader sees nothing or all. Mode 0600, since the password stands in it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(facts, file, indent=1)
        file.write("\n")
    draft.replace(path)


def refuse_taken(address: str, port: int) -> None:
    """Say it at once and in words when the port is in use."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            why = f"Cannot listen on {address}:{port} ({error.strerror}); --port 0 takes a free one."
            raise CannotLaunch(why) from None


def default_state() -> Path:
    """Short on purpose: libvirt's embedded driver puts unix sockets below it."""
    return Path("/var/lib/vmsdk") if os.geteuid() == 0 else Path.home() / ".vmsdk"


def settings(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dev serve", description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--hypervisor", metavar="simulated|URI", help="`simulated`, or a libvirt URI (default: QEMU of our own)")
    add("--machines", type=int, metavar="N", help="fill a simulated host with N machines that are on")
    add("--port", type=int, default=8443, help="HTTPS port on 127.0.0.1; 0 takes a free one (default 8443)")
    add("--state", type=Path, default=default_state(), metavar="DIR", help="where it keeps all (default %(default)s)")
    add("--user", default="root", metavar="NAME", help="the administrator's name (default root)")
    add("--password-file", type=Path, metavar="F", help="its first line is the password (default: DIR/password)")
    add("--ready-file", type=Path, metavar="F", help="written, as JSON, when everything listens")
    add("--greet", action="store_true", help=argparse.SUPPRESS)  # `./dev run`: for a person; no plain HTTP
    found = parser.parse_args(arguments)
    if found.machines is not None and found.hypervisor != "simulated":
        parser.error("--machines needs --hypervisor simulated")
    found.state = found.state.absolute()
    found.hypervisor = found.hypervisor or f"qemu:///embed?root={found.state}/libvirt"
    return found


def passable(folder: Path) -> bool:
    """Whether an account without rights of its own gets as far as into the folder."""
    return all(place.stat().st_mode & 0o001 for place in (folder, *folder.parents))


def commands(chosen: argparse.Namespace, password: Path) -> tuple[list[str], list[str]]:
    """The arguments of vmctld and of vmhttpd."""
    state, backend = chosen.state, chosen.state / "vmctld.sock"
    vmctld = [
        *("--state", str(state), "--socket", str(backend), "--hypervisor", chosen.hypervisor),
        *("--user", chosen.user, "--password-file", str(password)),
    ]
    if chosen.machines is not None:
        vmctld += ["--machines", str(chosen.machines)]
    if not chosen.greet:
        vmctld += ["--http", "127.0.0.1:0"]
    vmhttpd = ["--listen", f"127.0.0.1:{chosen.port}", "--backend", str(backend), "--state", str(state / "vmhttpd")]
    if os.geteuid() == 0 and not passable(state):
        tell(f"vmhttpd stays root: the way to {state} is closed to the account that it would become")
        vmhttpd += ["--user", "root"]
    return vmctld, vmhttpd


def tell(line: str) -> None:
    print(f"vmsdk: {line}", file=sys.stderr, flush=True)


def greeting(url: str, user: str, password: Path, fingerprint: str, seconds: float) -> str:
    base = url.removesuffix("/sdk")
    login = f"curl -k {url} -H 'Content-Type: text/xml' -d \"{LOGIN.format(user=user, password=password)}\""
    return f"""
vmsdk is up after {seconds:.1f} s.

  URL          {url}
  user         {user}
  password     in {password}
  certificate  SHA-256 {fingerprint}

Try next, in another terminal:
  curl -k {base}/sdk/vimServiceVersions.xml
  curl -k {base}/sdk/vim-types.xsd | grep -c complexType
  {login}

Ctrl-C stops it; machines run on.
"""


def serve(chosen: argparse.Namespace, vmctld: Sequence[str], vmhttpd: Sequence[str]) -> None:
    """Run both until asked to stop. CannotLaunch when they cannot start, or when one ends by itself."""
    began = time.monotonic()

    if chosen.ready_file:
        chosen.ready_file.unlink(missing_ok=True)
    with claimed(chosen.state):
        password = password_file(chosen.password_file, chosen.state)
        if chosen.port:
            refuse_taken("127.0.0.1", chosen.port)
        to_vmctld, to_vmhttpd = commands(chosen, password)
        daemon = Program("vmctld", [*vmctld, *to_vmctld], chosen.state)
        front = Program("vmhttpd", [*vmhttpd, *to_vmhttpd], chosen.state)
        programs = (front, daemon)
        bell = Bell(programs)
        try:
            for program in programs:
                program.start()
            await_ready(programs, bell, tell)
            url = f"{front.ready['url'].rstrip('/').removesuffix('/sdk')}/sdk"
            if chosen.ready_file:
                facts = {
                    "url": url, "vmctld_url": daemon.ready.get("http_url"), "user": chosen.user,
                    "password": password.read_text().split("\n")[0],
                    "vmctld_pid": daemon.pid, "vmhttpd_pid": front.pid, "fingerprint": front.ready.get("fingerprint"),
                }  # fmt: skip
                write_ready(chosen.ready_file, facts)
            if chosen.greet:
                seconds = time.monotonic() - began
                print(greeting(url, chosen.user, password, front.ready["fingerprint"], seconds), flush=True)
            while True:
                bell.wait(None)
                for program in programs:
                    program.must_live()
        finally:
            stop(programs, bell)
            if chosen.ready_file:
                chosen.ready_file.unlink(missing_ok=True)


def main(arguments: Sequence[str] | None = None, vmctld: Sequence[str] = VMCTLD, vmhttpd: Sequence[str] = VMHTTPD) -> int:
    """0 after a stop that was asked for, else 1 and a sentence on standard error. Tests hand in other programs."""
    try:
        serve(settings(arguments), vmctld, vmhttpd)
    except Stopped:
        return 0
    except (CannotLaunch, OSError) as error:
        tell(str(error))
        return 1
    return 0
