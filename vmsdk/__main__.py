"""vmctld: read settings, build, open the doors, wait for a signal. The reactor's only owner."""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.logger import Logger, LogLevel, globalLogBeginner, textFileLogObserver

from . import build, config
from .engine.accounts import hashing_pool
from .hypervisor.errors import HypervisorError
from .store.store import Store, StoreBroken
from .web.http import Server

log = Logger("vmsdk.vmctld")
reactor: Any = _reactor
WARM_AFTER = 0.5  # seconds: what the first cold operation needs is imported once everything answers


def steady_clock() -> Callable[[], float]:
    """Epoch seconds that a change of the system's clock does not move: sessions and timers go by it."""
    wall, began = time.time(), time.monotonic()
    return lambda: wall + time.monotonic() - began


def main(arguments: Sequence[str] | None = None) -> None:
    """Run until SIGTERM or SIGINT. Exits with 1 and one sentence when it cannot start."""
    settings = config.read(arguments)
    globalLogBeginner.beginLoggingTo([_observer()], redirectStandardIO=False)
    reactor.seconds = steady_clock()
    outcome: list[int] = []
    reactor.callWhenRunning(lambda: Deferred.fromCoroutine(_start(settings, outcome)))
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: reactor.callFromThread(_stop))
    reactor.run(installSignalHandlers=False)
    sys.exit(outcome[0] if outcome else 0)


def _observer() -> Any:
    text = textFileLogObserver(sys.stderr)

    def observe(event: Any) -> None:
        if event.get("log_level", LogLevel.info) >= LogLevel.warn or event.get("log_namespace", "").startswith("vmsdk"):
            text(event)

    return observe


def _stop() -> None:
    if reactor.running:
        reactor.stop()


async def _start(settings: config.Settings, outcome: list[int]) -> None:
    try:
        await _open(settings)
    except (HypervisorError, StoreBroken, OSError) as error:
        print(f"vmctld: {error}", file=sys.stderr, flush=True)
        outcome.append(1)
        _stop()
    except Exception:
        log.failure("vmctld cannot start")
        outcome.append(1)
        _stop()


async def _open(settings: config.Settings) -> None:
    settings.state.mkdir(mode=0o711, parents=True, exist_ok=True)
    run = hashing_pool(reactor)
    store = Store.open(settings.state / "vmctld.sqlite", reactor)
    daemon = build.Daemon(settings, reactor, build.choose_hypervisor(settings, reactor), store, run)
    reactor.addSystemEventTrigger("before", "shutdown", lambda: Deferred.fromCoroutine(daemon.close()))
    password_file = build.first_account(daemon)
    await daemon.open()
    await store.flushed_now()
    handler = daemon.handler()
    _listen_unix(settings.socket, Server(handler, trusted=True))
    url = None
    if settings.http:
        host, _, port = settings.http.rpartition(":")
        if host not in ("127.0.0.1", "localhost"):
            raise OSError(f"--http {settings.http}: plain HTTP is for loopback only")
        listening = await TCP4ServerEndpoint(reactor, int(port), interface=host, backlog=1024).listen(Server(handler, trusted=False))
        url = f"http://127.0.0.1:{listening.getHost().port}/sdk"
    if settings.ready_file is not None:
        _write(settings.ready_file, {
            "socket": str(settings.socket), "http_url": url, "user": settings.user, "password_file": str(password_file or ""),
            "pid": os.getpid(),
        })  # fmt: skip
    reactor.callLater(WARM_AFTER, _warm, daemon)
    log.info("vmctld answers at {socket}", socket=str(settings.socket))


def _warm(daemon: build.Daemon) -> None:
    """In a quiet moment: import what the first cold operation needs, and take what lives for ever out of the collector's way."""
    daemon.cold_stop()
    gc.collect()
    gc.freeze()  # a full collection over 10,000 machines stops the reactor for 120 ms; afterwards it sees only what is new


def _listen_unix(path: Path | None, factory: Server) -> None:
    assert path is not None
    path.unlink(missing_ok=True)
    old = os.umask(0o117)
    try:
        door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        door.bind(str(path))
    finally:
        os.umask(old)
    path.chmod(0o666)  # the front door runs as nobody; a session is what gives power, not this socket
    door.listen(1024)
    reactor.adoptStreamPort(door.fileno(), socket.AF_UNIX, factory)
    door.close()


def _write(path: Path, facts: dict[str, Any]) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    draft.replace(path)


if __name__ == "__main__":
    main()
