"""The two programs as child processes: started, awaited, watched and stopped together.

Law: a program is known by its command line, its log and the JSON file that it writes when it listens; nothing more.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

START_LIMIT = 120.0  # seconds; the first start on a machine asks QEMU for all it can do
STOP_LIMIT = 4.5  # seconds from the first signal to the kill, so that all is over within 5
LOG_LIMIT = 16 << 20  # bytes; a longer log is put aside at start
TAIL = 30  # lines of a dead program's log to show


class CannotLaunch(Exception):
    """Why nothing runs; `str()` is a sentence for a person."""


class Stopped(Exception):
    """Someone asked us to end."""


class Program:
    """One child: its process, its log, and the ready file it writes."""

    def __init__(self, name: str, command: Sequence[str], state: Path):
        self.name = name
        self.ready_file = state / f"{name}.ready"
        self.ready: dict[str, Any] = {}
        self._command = [*command, "--ready-file", str(self.ready_file)]
        self._log = state / "log" / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.ready_file.unlink(missing_ok=True)
        self._log.parent.mkdir(mode=0o700, exist_ok=True)
        if self._log.exists() and self._log.stat().st_size > LOG_LIMIT:
            self._log.replace(self._log.with_suffix(".log.1"))
        with self._log.open("ab") as log:
            self._log_start = log.tell()
            # A session of its own: Ctrl-C reaches us alone, and we stop the two in order.
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def look(self) -> bool:
        """Whether it is ready; reads the ready file when it has come."""
        if not self.ready and self.ready_file.exists():
            self.ready = json.loads(self.ready_file.read_text())
        return bool(self.ready)

    def must_live(self) -> None:
        """CannotLaunch with the end of its log when it has died."""
        if self._process is not None and (code := self._process.poll()) is not None:
            how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
            raise CannotLaunch(f"{self.name} {how}. The end of {self._log}:\n{self._tail()}")

    def signal(self, number: int) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def wait(self) -> None:
        if self._process is not None:
            self._process.wait()

    def _tail(self) -> str:
        with self._log.open("rb") as log:
            log.seek(self._log_start)
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-TAIL:]) or "  (it wrote nothing)"


class Bell:
    """Wakes the main thread for a signal: one that asks us to stop, or a child's end."""

    def __init__(self, programs: Sequence[Program]) -> None:
        self._programs = programs
        self._inside, outside = socket.socketpair()
        self._outside = outside
        for end in (self._inside, outside):
            end.setblocking(False)
        self._asked = False
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._ask)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(outside.fileno(), warn_on_full_buffer=False)

    def _ask(self, *_: object) -> None:
        self._asked = True

    def wait(self, seconds: float | None, heed: bool = True) -> None:
        """Until a signal or the time is over. Stopped when asked to stop, unless `heed` is False."""
        if not (heed and self._asked):
            select.select([self._inside], [], [], seconds)
            with contextlib.suppress(BlockingIOError):
                self._inside.recv(4096)
        if os.getpid() == 1:
            self._reap()
        if heed and self._asked:
            raise Stopped

    def _reap(self) -> None:
        """As the first process of a container we inherit orphans: libvirt waits until a QEMU that it asked is gone."""
        with contextlib.suppress(ChildProcessError):
            while dead := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                if not any(program.ended() for program in self._programs if program.pid == dead.si_pid):
                    os.waitpid(dead.si_pid, 0)


def stop(programs: Sequence[Program], bell: Bell) -> None:
    """Ask all to end, and kill what has not by the limit."""
    deadline = time.monotonic() + STOP_LIMIT
    for program in programs:
        program.signal(signal.SIGTERM)
    while not all(program.ended() for program in programs) and (left := deadline - time.monotonic()) > 0:
        bell.wait(min(left, 0.2), heed=False)
    for program in programs:
        program.signal(signal.SIGKILL)
        program.wait()
        program.ready_file.unlink(missing_ok=True)


def await_ready(programs: Sequence[Program], bell: Bell, tell: Callable[[str], None]) -> None:
    """Return when every program has written its ready file; CannotLaunch when one dies or the limit is over."""
    began = time.monotonic()
    waiting = list(programs)
    slow = 3.0
    while waiting:
        for program in list(waiting):
            program.must_live()
            if program.look():
                waiting.remove(program)
        past = time.monotonic() - began
        names = " and ".join(program.name for program in waiting)
        if waiting and past > START_LIMIT:
            raise CannotLaunch(f"{names} did not listen within {START_LIMIT:.0f} s.")
        if waiting and past > slow:
            tell(f"{names}: not there yet after {past:.0f} s (the first start asks QEMU what it can do)")
            slow *= 2
        if waiting:
            bell.wait(0.02)
