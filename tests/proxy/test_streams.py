"""Large bodies both ways: with bounded memory, with back-pressure, and with an honest end when a side leaves."""

from __future__ import annotations

import threading
import time

from .lab import GOOD, LIMIT, Conversation, Proxy, answer
from .test_requests import get, post

MiB = 1 << 20


def test_a_slow_reader_of_a_large_answer_costs_no_memory(proxy: Proxy) -> None:
    size = 100 * MiB
    written = [0]

    def handler(talk: Conversation) -> None:
        if talk.head() is None:
            return
        talk.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        while written[0] < size:
            talk.write(bytes(MiB))
            written[0] += MiB

    assert proxy.ask(GOOD).status == 200
    proxy.backend.drop_links()
    proxy.backend.handler = handler
    before = proxy.memory()
    with proxy.client(buffer=65536) as client:
        client.send(get(b"/folder/x-flat.vmdk"))
        assert client.head().status == 200
        got = len(client.stream.read(MiB))
        was = -1
        while written[0] != was:  # until the back end can write no more
            was = written[0]
            time.sleep(0.1)
        assert written[0] < 20 * MiB
        assert proxy.memory() - before < 8 * MiB
        while got < size:
            got += len(client.stream.read(min(4 * MiB, size - got)))
            assert proxy.memory() - before < 8 * MiB
        assert got == size


def test_a_slow_back_end_holds_a_large_upload_back(proxy: Proxy) -> None:
    size = 64 * MiB
    go_on = threading.Event()
    received = []

    def handler(talk: Conversation) -> None:
        asked = talk.head()
        if asked is None:
            return
        assert go_on.wait(LIMIT)
        received.append(len(talk.body(asked)))
        talk.write(answer(b"stored", "201 Created"))

    proxy.backend.handler = handler
    before = proxy.memory()
    with proxy.client() as client:
        sent = [0]

        def send() -> None:
            client.send(get(b"/folder/x.vmdk", b"Content-Length: %d" % size, method=b"PUT"))
            while sent[0] < size:
                client.send(bytes(MiB))
                sent[0] += MiB

        sending = threading.Thread(target=send)
        sending.start()
        was = -1
        while sent[0] != was or not sent[0]:
            was = sent[0]
            time.sleep(0.1)
        assert sent[0] < 30 * MiB
        assert proxy.memory() - before < 8 * MiB
        go_on.set()
        assert client.answer().status == 201
        sending.join(LIMIT)
    assert received == [size]


def test_a_chunked_upload_streams_without_a_limit(proxy: Proxy) -> None:
    chunk = b"10000\r\n%b\r\n" % (b"u" * 65536)
    with proxy.client() as client:
        client.send(get(b"/folder/x.vmdk", b"Transfer-Encoding: chunked", method=b"PUT"))
        for _ in range(320):  # 20 MiB, past the limit of /sdk
            client.send(chunk)
        client.send(b"0\r\n\r\n")
        assert client.answer().status == 200
    assert proxy.backend.asked[0].body == b"u" * 65536 * 320


def test_a_client_that_leaves_ends_its_request_at_the_back_end(proxy: Proxy) -> None:
    came, left = threading.Event(), threading.Event()

    def handler(talk: Conversation) -> None:
        if talk.head() is None:
            return
        came.set()
        assert talk.closed_by_peer()
        left.set()

    proxy.backend.handler = handler
    client = proxy.client()
    client.send(get(b"/sdk/wait"))
    assert came.wait(LIMIT)
    client.close()
    assert left.wait(LIMIT)


def test_a_client_that_leaves_half_way_through_an_upload_is_seen_as_broken(proxy: Proxy) -> None:
    short_of = threading.Event()

    def handler(talk: Conversation) -> None:
        asked = talk.head()
        if asked is None:
            return
        talk.link.settimeout(LIMIT)
        if len(talk.body(asked)) < 10 * MiB:
            short_of.set()

    proxy.backend.handler = handler
    client = proxy.client()
    client.send(get(b"/folder/x.vmdk", b"Content-Length: %d" % (10 * MiB), method=b"PUT") + bytes(MiB))
    client.close()
    assert short_of.wait(LIMIT)


def test_an_answer_that_breaks_off_is_not_made_to_look_whole(proxy: Proxy) -> None:
    def handler(talk: Conversation) -> None:
        asked = talk.head()
        if asked is None:
            return
        framing = b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
        if asked.target.endswith("length"):
            framing = b"Content-Length: 10\r\n\r\nhello"
        talk.write(b"HTTP/1.1 200 OK\r\n" + framing)

    proxy.backend.handler = handler
    for target in (b"/sdk/length", b"/sdk/chunked"):
        with proxy.client() as client:
            client.send(get(target))
            assert client.head().status == 200
            rest = client.stream.read()
            assert b"hello" in rest and b"0\r\n" not in rest


def test_a_refusal_by_the_back_end_reaches_a_client_that_is_still_sending(proxy: Proxy) -> None:
    def handler(talk: Conversation) -> None:
        if talk.head() is not None:
            talk.write(answer(b"no", "403 Forbidden"))
            assert talk.closed_by_peer()

    proxy.backend.handler = handler
    with proxy.client() as client:
        client.send(get(b"/folder/x.vmdk", b"Content-Length: %d" % (10 * MiB), method=b"PUT") + bytes(MiB))
        got = client.answer()
        assert (got.status, got.body, got.fields["connection"]) == (403, b"no", "close")
    assert proxy.ask(post(b"/nothing", b"x")).status == 404


def test_a_back_end_that_dies_before_it_answers_is_502(proxy: Proxy) -> None:
    proxy.backend.handler = lambda talk: talk.head() and None
    with proxy.client() as client:
        assert client.ask(GOOD).status == 502
        assert client.ask(get(b"/nothing")).status == 404  # the connection is kept


def test_a_back_end_that_speaks_nonsense_is_502(proxy: Proxy) -> None:
    def handler(talk: Conversation) -> None:
        talk.head()
        talk.write(b"SSH-2.0-x\r\n\r\n")

    proxy.backend.handler = handler
    assert proxy.ask(GOOD).status == 502


def test_an_answer_never_reaches_another_request(proxy: Proxy) -> None:
    def handler(talk: Conversation) -> None:
        while asked := talk.head():
            # One answer more than was asked for, as a confused back end would.
            talk.write(answer(asked.target.encode()) + answer(b"stray"))

    proxy.backend.handler = handler
    with proxy.client() as client:
        for number in range(5):
            got = client.ask(get(b"/sdk/%d" % number))
            assert got.body == b"/sdk/%d" % number or got.status == 502


def test_a_back_end_that_is_away_is_503_until_it_is_back(proxy: Proxy) -> None:
    with proxy.client() as client:
        assert client.ask(GOOD).status == 200
        proxy.backend.leave()
        for _ in range(3):
            got = client.ask(GOOD)
            assert (got.status, got.fields["retry-after"]) == (503, "1")
        proxy.backend.listen()
        assert client.ask(GOOD).status == 200
    log = proxy.log.read_text()
    assert log.count("the back end is away") == log.count("the back end is back") == 1
