"""Time limits and caps: what is slow, idle or too much is answered or cut, and costs the back end nothing."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress

from .lab import GOOD, LIMIT, Conversation, Proxy, answer
from .test_requests import get, post

SESSION = b'Cookie: vmware_soap_session="abc"; Path=/; HttpOnly; Secure;'


def lasted(closed: Callable[[], bool]) -> float:
    began = time.monotonic()
    with suppress(ConnectionError):
        assert closed()
    return time.monotonic() - began


def test_an_idle_connection_is_closed_late_once_it_carried_a_session(short: Proxy) -> None:
    with short.client() as new, short.client() as session:
        assert new.ask(GOOD).status == 200
        assert session.ask(post(b"/sdk", b"ok", SESSION)).status == 200
        assert 0.2 < lasted(new.closed) < 1.1
        assert session.ask(GOOD).status == 200
        assert 1.0 < lasted(session.closed) < 5.0


def test_a_head_that_drips_is_refused(short: Proxy) -> None:
    with short.client() as client:
        client.send(b"GET /sdk HTTP/1.1\r\nHost: ")
        stop = threading.Event()

        def drip() -> None:
            try:
                while not stop.wait(0.05):
                    client.send(b"a")
            except OSError:
                pass

        dripping = threading.Thread(target=drip)
        dripping.start()
        assert client.answer().status == 408
        stop.set()
        dripping.join(LIMIT)
    assert short.backend.asked == []


def test_a_body_that_drips_is_refused_and_never_reaches_the_back_end(short: Proxy) -> None:
    with short.client() as client:
        client.send(get(b"/sdk", b"Content-Length: 1000", method=b"POST"))
        for _ in range(3):
            client.send(b"a")
        assert client.answer().status == 408
    assert short.backend.asked == []


def test_a_connection_that_says_nothing_is_closed(short: Proxy) -> None:
    with socket.create_connection(("127.0.0.1", short.port), LIMIT) as silent, short.client() as secured:
        assert lasted(lambda: silent.recv(1) == b"") < 2.0
        assert lasted(secured.closed) < 2.0


def test_a_back_end_that_does_not_answer_is_504_but_a_long_poll_waits(short: Proxy) -> None:
    release = threading.Event()

    def handler(talk: Conversation) -> None:
        asked = talk.head()
        if asked is None:
            return
        if asked.target == "/ui/slow":
            assert talk.closed_by_peer()
        else:
            assert release.wait(LIMIT)
            talk.write(answer(b"at last"))

    short.backend.handler = handler
    with short.client() as waiting, short.client() as client:
        waiting.send(get(b"/sdk/wait"))
        assert client.ask(get(b"/ui/slow")).status == 504
        release.set()
        assert waiting.answer().body == b"at last"


def test_an_answer_that_stops_half_way_is_cut(short: Proxy) -> None:
    def handler(talk: Conversation) -> None:
        talk.head()
        talk.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        assert talk.closed_by_peer()

    short.backend.handler = handler
    with short.client() as client:
        client.send(get(b"/ui/x"))
        assert client.head().status == 200
        assert client.stream.read(5) == b"half"


def test_one_connection_too_many_is_told_so(short: Proxy) -> None:
    with ExitStack() as stack:
        for _ in range(6):
            client = stack.enter_context(short.client())
            assert client.ask(post(b"/sdk", b"ok", SESSION)).status == 200
        refused = stack.enter_context(short.client())
        got = refused.answer()
        assert (got.status, got.fields["retry-after"], got.fields["connection"]) == (503, "1", "close")
        assert refused.closed()
        client.close()
        deadline = time.monotonic() + LIMIT
        while short.ask(GOOD).status != 200:
            assert time.monotonic() < deadline


def test_a_storm_of_connections_leaves_it_serving(short: Proxy) -> None:
    storm = [socket.create_connection(("127.0.0.1", short.port), LIMIT) for _ in range(200)]
    for stream in storm:
        stream.close()
    deadline = time.monotonic() + LIMIT
    while True:
        try:
            if short.ask(GOOD).status == 200:
                break
        except (OSError, EOFError):
            pass
        assert time.monotonic() < deadline


def test_a_back_end_that_accepts_too_slowly_is_waited_for_and_then_503(short: Proxy) -> None:
    short.backend.leave()
    with socket.socket(socket.AF_UNIX) as deaf, socket.socket(socket.AF_UNIX) as first, short.client() as client:
        deaf.bind(short.backend.path)
        deaf.listen(0)
        first.connect(short.backend.path)  # its queue is full
        began = time.monotonic()
        assert client.ask(GOOD).status == 503
        assert time.monotonic() - began > 0.4
        client.send(GOOD)
        deaf.accept()[0].close()
        late, _ = deaf.accept()
        late.sendall(answer(b"late"))
        assert client.answer().body == b"late"
        late.close()
    short.backend.listen()
