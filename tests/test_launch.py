"""`./dev serve` seen from outside, with stand-ins for the two programs: what it writes, how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

LIMIT = 20.0

# Stands for either program: writes its ready file, then waits. A word in the environment makes it misbehave.
CHILD = """
import json, os, signal, sys
name, args = sys.argv[1], sys.argv[2:]
option = dict(zip(args[::2], args[1::2]))
trouble = os.environ.get("TROUBLE_" + name, "")
if trouble == "dies early":
    print("no such hypervisor", file=sys.stderr)
    sys.exit(3)
if trouble == "leaves an orphan" and os.fork() == 0:
    if os.fork() == 0:
        os._exit(0)  # after its parent, most likely; either way it is nobody's now
    os._exit(0)
if trouble == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
ready = {"pid": os.getpid(), "arguments": option}
if name == "vmctld":
    ready["http_url"] = "http://127.0.0.1:1/sdk" if "--http" in option else None
else:
    ready |= {"url": "https://" + option["--listen"] + "/sdk", "fingerprint": "AB:CD"}
draft = option["--ready-file"] + ".draft"
open(draft, "w").write(json.dumps(ready))
os.rename(draft, option["--ready-file"])
signal.pause()
"""

LAUNCHER = """
import sys
from vmsdk import launch
child = sys.argv.pop(1)
sys.exit(launch.main(vmctld=[sys.executable, child, "vmctld"], vmhttpd=[sys.executable, child, "vmhttpd"]))
"""


class Serving:
    """A launcher as a process of its own, ended with the test."""

    def __init__(self, folder: Path):
        self.state = folder / "state"
        self.ready_file = folder / "ready.json"
        self._folder = folder
        self._running: list[subprocess.Popen[str]] = []
        (folder / "child.py").write_text(CHILD)

    def start(self, *more: str, before: tuple[str, ...] = (), **environment: str) -> subprocess.Popen[str]:
        command = [*before, sys.executable, "-c", LAUNCHER, str(self._folder / "child.py")]
        command += ["--port", "0", "--state", str(self.state), "--hypervisor", "simulated"]
        command += ["--ready-file", str(self.ready_file), *more]
        pipe, environment = subprocess.PIPE, {**os.environ, **environment}
        process = subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True)
        self._running.append(process)
        return process

    def await_ready(self) -> dict:
        until(lambda: self.ready_file.exists(), "the ready file")
        return json.loads(self.ready_file.read_text())

    def end(self) -> None:
        for process in self._running:
            process.terminate()
            try:
                process.communicate(timeout=6)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


def until(condition, what: str) -> None:
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, f"waited {LIMIT} s for {what}"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    lab = Serving(tmp_path)
    yield lab
    lab.end()


def test_the_ready_file_tells_all_and_is_for_its_owner_only(serving):
    serving.start("--machines", "7")
    ready = serving.await_ready()

    assert ready["url"] == "https://127.0.0.1:0/sdk"
    assert ready["vmctld_url"] == "http://127.0.0.1:1/sdk"
    assert ready["user"] == "root"
    assert ready["password"] == (serving.state / "password").read_text().strip() != ""
    assert alive(ready["vmctld_pid"]) and alive(ready["vmhttpd_pid"])
    assert serving.ready_file.stat().st_mode & 0o777 == (serving.state / "password").stat().st_mode & 0o777 == 0o600
    given = json.loads((serving.state / "vmctld.ready").read_text())["arguments"]
    assert given["--machines"] == "7" and given["--hypervisor"] == "simulated"


def test_a_stop_ends_both_and_takes_the_ready_file_away(serving):
    process = serving.start()
    ready = serving.await_ready()

    process.send_signal(signal.SIGINT)

    assert process.wait(timeout=5) == 0
    assert not alive(ready["vmctld_pid"]) and not alive(ready["vmhttpd_pid"])
    assert not serving.ready_file.exists()


def test_a_program_that_does_not_listen_to_the_stop_is_killed_within_five_seconds(serving):
    process = serving.start(TROUBLE_vmctld="deaf")
    ready = serving.await_ready()

    process.terminate()

    assert process.wait(timeout=5) == 0
    assert not alive(ready["vmctld_pid"]) and not alive(ready["vmhttpd_pid"])


@pytest.mark.parametrize("victim, other", [("vmctld", "vmhttpd"), ("vmhttpd", "vmctld")])
def test_when_one_dies_the_other_is_stopped_and_the_launcher_fails(serving, victim, other):
    process = serving.start()
    ready = serving.await_ready()

    os.kill(ready[f"{victim}_pid"], signal.SIGKILL)

    _, errors = process.communicate(timeout=5)
    assert process.returncode == 1
    assert f"{victim} was killed by signal 9" in errors
    assert not alive(ready[f"{other}_pid"])


def test_a_program_that_cannot_start_is_reported_with_its_last_words(serving):
    process = serving.start(TROUBLE_vmctld="dies early")

    _, errors = process.communicate(timeout=LIMIT)
    assert process.returncode == 1
    assert "vmctld ended with code 3" in errors and "no such hypervisor" in errors
    assert not serving.ready_file.exists()


def test_a_state_directory_takes_one_server_at_a_time(serving):
    serving.start()
    serving.await_ready()
    second = serving.start("--ready-file", str(serving.state / "second.json"))

    _, errors = second.communicate(timeout=LIMIT)
    assert second.returncode == 1 and "A server runs in" in errors


def test_the_password_survives_a_restart(serving):
    first = serving.start()
    password = serving.await_ready()["password"]
    first.terminate()
    first.wait(timeout=5)

    serving.start()
    assert serving.await_ready()["password"] == password


def test_as_the_first_process_of_a_container_it_leaves_no_zombies(serving):
    unprivileged = () if os.geteuid() == 0 else ("--map-root-user",)
    container = ("unshare", *unprivileged, "--pid", "--fork", "--kill-child")
    outside = serving.start(before=container, TROUBLE_vmctld="leaves an orphan")
    serving.await_ready()

    launcher = children(outside.pid)[0]
    until(lambda: all(alive(pid) for pid in children(launcher)), "the orphan to be gone")
    assert len(children(launcher)) == 2
    os.kill(launcher, signal.SIGTERM)  # unshare itself passes none on
    assert outside.wait(timeout=5) == 0


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
