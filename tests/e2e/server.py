"""Both programs as a person starts them, on real QEMU: a state directory of their own, TLS through the front door.

Law: nothing here knows how the server works inside. It sees a ready file, a port, processes, logs, and what lies on disk.
A stop is SIGTERM to the launcher, and both programs are gone within five seconds.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.hypervisor.kvm.machinery import CACHE, processes_of

START_LIMIT = 120.0  # the first start on a machine asks QEMU for all it can do
STOP_LIMIT = 5.0
STARTED = "starting up libvirt version"  # libvirt writes it into the machine's log with each QEMU that it starts
HERE = Path(__file__).resolve().parents[2]


def until(condition: Callable[[], Any], what: str, limit: float = 60.0) -> Any:
    """What `condition` gives once it is true; for what tells nobody when it happens (a process, a file)."""
    end = time.monotonic() + limit
    while not (found := condition()):
        assert time.monotonic() < end, f"waited {limit:.0f} s for {what}"
        time.sleep(0.01)
    return found


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Server:
    """`url`, `host`, `port`, `user`, `password` while it runs; `state`, `datastore` (a directory) always."""

    def __init__(self, *arguments: str):
        # Short: the embedded driver puts unix sockets below it. Open to pass through: the front door gives up root.
        self.folder = Path(tempfile.mkdtemp(prefix="ve-", dir="/tmp"))
        self.folder.chmod(0o711)
        self.state = self.folder / "s"
        self.datastore = self.state / "datastore1"
        self.libvirt = self.state / "libvirt"
        self.ready_file = self.folder / "ready"
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None
        self.ready: dict[str, Any] = {}
        self.booted = 0  # counted when the server is removed
        self.state.mkdir(mode=0o711)
        if CACHE.is_dir():
            shutil.copytree(CACHE, self._capabilities)

    @property
    def _capabilities(self) -> Path:
        return self.libvirt / "cache" / "qemu" / "capabilities"

    # -- while it runs ----------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        return self.ready["url"]

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 443

    @property
    def user(self) -> str:
        return self.ready["user"]

    @property
    def password(self) -> str:
        return self.ready["password"]

    @property
    def certificate(self) -> Path:
        return self.state / "vmhttpd" / "server.crt"

    def trusting(self) -> ssl.SSLContext:
        """A client's context that takes this server's certificate and no other."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def use(self, uri: str) -> None:
        """Another libvirt than the one of its own, from the next start on."""
        self._arguments += ("--hypervisor", uri)

    # -- start and stop ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start both; AssertionError with the launcher's words when they do not."""
        assert shutil.which("qemu-system-x86_64"), "QEMU is missing: a test of real machines fails without it"
        command = [sys.executable, "-P", "-m", "vmsdk.launch", "--state", str(self.state), "--port", "0"]
        command += ["--ready-file", str(self.ready_file), *self._arguments]
        log = self.folder / "log"
        with log.open("ab") as out:
            self._process = subprocess.Popen(command, cwd="/", stdin=subprocess.DEVNULL, stdout=out, stderr=out)

        def answers() -> bool:
            assert self._process is not None and self._process.poll() is None, log.read_text()
            return self.ready_file.exists()

        until(answers, "the ready file", START_LIMIT)
        self.ready = json.loads(self.ready_file.read_text())
        if self._capabilities.is_dir() and not CACHE.is_dir():
            CACHE.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(self._capabilities, CACHE, dirs_exist_ok=True)

    def stop(self) -> None:
        """SIGTERM; both have ended by themselves within five seconds."""
        assert self._process is not None
        began = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(timeout=STOP_LIMIT + 10)
        took = time.monotonic() - began
        left = [name for name in ("vmctld", "vmhttpd") if alive(self.ready[f"{name}_pid"])]
        assert code == 0 and not left, f"the launcher ended with {code}, {left} run on\n{self.logs()}"
        assert took < STOP_LIMIT, f"the stop took {took:.1f} s\n{self.logs()}"
        self._process = None

    def kill_vmctld(self) -> None:
        """SIGKILL; the launcher then takes the front door down and ends too."""
        assert self._process is not None
        os.kill(self.ready["vmctld_pid"], signal.SIGKILL)
        assert self._process.wait(timeout=10) == 1
        self._process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    # -- what is seen from outside ----------------------------------------------------------------------------

    def logs(self) -> str:
        """The last words of both programs."""
        return "\n".join(path.read_text(errors="replace")[-3000:] for path in sorted((self.state / "log").glob("*.log")))

    def qemus(self) -> list[int]:
        """Every QEMU that runs in this state directory."""
        return [pid for pid in processes_of(f"{self.folder}/") if alive(pid)]

    def qemus_of(self, instance_uuid: str) -> list[int]:
        """The QEMU of one machine, if it runs."""
        return [pid for pid in self.qemus() if instance_uuid in Path(f"/proc/{pid}/cmdline").read_text()]

    def boots(self) -> int:
        """How many machines were started in here so far, as libvirt's own logs have it."""
        logs = (self.libvirt / "log" / "qemu").glob("*.log*")
        return sum(log.read_text(errors="replace").count(STARTED) for log in logs)

    def files(self) -> set[str]:
        """Everything on the datastore, relative to it, but the datastore's own mark."""
        return {str(path.relative_to(self.datastore)) for path in self.datastore.rglob("*")} - {".vmsdk-datastore"}

    def domains(self) -> set[str]:
        """Names of the machines that libvirt has on disk."""
        return {path.stem for path in (self.libvirt / "etc" / "qemu").glob("*.xml")}

    def remove(self) -> None:
        """End what is left, then the folder."""
        self.booted += self.boots()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for name in ("vmctld", "vmhttpd"):
                if alive(self.ready.get(f"{name}_pid", 0)):
                    os.kill(self.ready[f"{name}_pid"], signal.SIGKILL)
        for pid in self.qemus():
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)
