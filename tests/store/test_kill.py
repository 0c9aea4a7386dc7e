"""A server killed at any moment: what was acknowledged is there, in order and whole."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vmsdk.store.database import Database
from vmsdk.store.store import Store

LIMIT = 30.0

# A server on a real reactor: it works without pause and writes a line for what is flushed, as a server answers.
SERVER = """
import os, sys
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from vmsdk.store.store import Store

store = Store.open(sys.argv[1], reactor)
lane = 0

async def work(lane):
    number = 0
    while True:
        number += 1
        key = f"{lane}-{number}"
        intent = store.intents.begin("Create", key)
        store.intents.add(intent, ("undo", key))
        await store.intents.flushed()
        reference = store.references.allocate("machine", key)
        store.intents.done(intent)
        await store.flushed_now()
        os.write(1, f"{key} {reference}\\n".encode())

for lane in range(8):
    reactor.callWhenRunning(lambda lane=lane: Deferred.fromCoroutine(work(lane)))
reactor.run()
"""


@pytest.mark.parametrize("lines", [1, 150, 777])
def test_what_was_acknowledged_survives_sigkill(tmp_path: Path, lines: int) -> None:
    path = tmp_path / "store.sqlite"
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(path)], stdout=subprocess.PIPE)
    assert server.stdout is not None
    told = b""
    end = time.monotonic() + LIMIT
    try:
        while told.count(b"\n") < lines:
            ready, _, _ = select.select([server.stdout], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"{told.count(10)} acknowledgements within {LIMIT:g} s"
            piece = os.read(server.stdout.fileno(), 65536)
            assert piece, "the server ended"
            told += piece
    finally:
        server.send_signal(signal.SIGKILL)
        told += server.communicate(timeout=LIMIT)[0]
    acknowledged = {key: int(number) for key, number in (line.split() for line in told.decode().splitlines())}
    assert len(acknowledged) >= lines

    store = Store(Database(path, threaded=False), time.time)

    assert {key: store.references.find("machine", key) for key in acknowledged} == acknowledged
    numbers = [store.references.find("machine", key) for key in store.references.keys("machine")]
    assert len(set(numbers)) == len(numbers)
    # One intent a lane at the most was under way; each is whole, and none that was acknowledged is among them.
    left = store.intents.unfinished()
    assert len(left) <= 8
    keys = store.intents.unfinished_keys()
    assert not set(keys.values()) & set(acknowledged)
    assert all(undos in ([], [("undo", keys[intent])]) for intent, _, undos in left)
    assert store.references.allocate("machine", "new") > max(acknowledged.values())
    store.close()
