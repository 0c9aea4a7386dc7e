"""A real vmctld on a simulated host, as a process: for what only a process can show (memory, signals, sockets)."""

from __future__ import annotations

import json
import os
import re
import resource
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

LIMIT = 60  # seconds for anything to happen


class Vmctld:
    """`pid`, `url` of plain HTTP, `state`; `password` is root's."""

    def __init__(self, process: subprocess.Popen, facts: dict[str, Any], state: Path):
        self.process, self.url, self.state, self.password = process, facts["http_url"], state, "secret"
        self.socket, self.pid = facts["socket"], facts["pid"]

    def connection(self) -> HTTPConnection:
        parts = urlsplit(self.url)
        assert parts.hostname and parts.port
        return HTTPConnection(parts.hostname, parts.port, timeout=LIMIT)

    def post(self, body: bytes, path: str = "/sdk", **headers: str) -> tuple[int, bytes]:
        """(status, body) of one request on a connection of its own."""
        connection = self.connection()
        try:
            connection.request("POST", path, body, {"Content-Type": "text/xml; charset=utf-8", **headers})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def memory(self, word: str = "VmHWM") -> int:
        """Bytes: VmHWM the peak, VmRSS now."""
        found = re.search(rf"{word}:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text())
        assert found
        return int(found.group(1)) << 10


@contextmanager
def vmctld(state: Path, *arguments: str, memory: int = 0) -> Iterator[Vmctld]:
    """Start it, wait until it answers, stop it by SIGTERM. `memory` limits its address space in bytes."""
    state.mkdir(exist_ok=True)
    (state / "pw").write_text("secret\n")
    ready = state / "ready"
    ready.unlink(missing_ok=True)

    def limited() -> None:
        if memory:
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

    command = [sys.executable, "-m", "vmsdk", "--state", str(state), "--http", "127.0.0.1:0", "--hypervisor", "simulated",
               "--password-file", str(state / "pw"), "--ready-file", str(ready), *arguments]  # fmt: skip
    process = subprocess.Popen(command, preexec_fn=limited, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        facts = _await_ready(process, ready)
        yield Vmctld(process, facts, state)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise


def _await_ready(process: subprocess.Popen, ready: Path) -> dict[str, Any]:
    """Read its log until it says that it answers."""
    assert process.stdout is not None
    seen = b""
    while b"vmctld answers" not in seen:
        assert select.select([process.stdout], [], [], LIMIT)[0], f"vmctld says no more: {seen.decode(errors='replace')}"
        chunk = os.read(process.stdout.fileno(), 1 << 16)
        if not chunk:
            raise AssertionError(f"vmctld ended: {seen.decode(errors='replace')}")
        seen += chunk
    return json.loads(ready.read_text())
