"""`./dev run` as a person has it: started, its greeting believed, logged in to with pyVmomi, stopped.

Run by check.sh inside the bare root, after everything is installed; the start must be quick by now.
"""

from __future__ import annotations

import re
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path

from pyVim.connect import Disconnect, SmartConnect

CHECKOUT = Path(__file__).parents[2]
START_LIMIT = 60.0  # seconds to give up after
QUICK = 3.0  # seconds that a start may take once all is installed


def main() -> int:
    began = time.monotonic()
    run = subprocess.Popen([CHECKOUT / "dev", "run", "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        greeting = read_greeting(run, began + START_LIMIT)
        seconds = time.monotonic() - began
        print(f"smoke: up after {seconds:.1f} s")
        visit(greeting)
    finally:
        run.send_signal(signal.SIGTERM)
        code = run.wait(timeout=6)
    if code != 0:
        print(f"smoke: ./dev run ended with {code}")
    if seconds > QUICK:  # told, not judged: a speed is no assertion on a shared machine
        print(f"smoke: that is more than the {QUICK:.0f} s promised")
    return int(code != 0)


def read_greeting(run: subprocess.Popen[str], deadline: float) -> dict[str, str]:
    """The facts that stand in it: URL, user, password (a file), certificate."""
    assert run.stdout is not None
    facts: dict[str, str] = {}
    for line in run.stdout:
        if found := re.match(r"  (URL|user|password|certificate) +(.*)", line):
            facts[found[1]] = found[2]
        if line.startswith("Ctrl-C") or time.monotonic() > deadline:
            break
    assert len(facts) == 4, f"the greeting says only {facts}"
    return facts


def visit(greeting: dict[str, str]) -> None:
    password_file = Path(greeting["password"].removeprefix("in "))
    assert password_file.stat().st_mode & 0o777 == 0o600
    port = int(re.search(r":(\d+)/sdk$", greeting["URL"])[1])  # type: ignore[index]
    server = SmartConnect(
        host="127.0.0.1", port=port, user=greeting["user"], pwd=password_file.read_text().strip(),
        sslContext=ssl._create_unverified_context(),
    )  # fmt: skip
    content = server.RetrieveContent()
    print(f"smoke: {content.about.fullName}, API {content.about.apiVersion}, {content.rootFolder.childEntity[0].name}")
    Disconnect(server)


if __name__ == "__main__":
    sys.exit(main())
