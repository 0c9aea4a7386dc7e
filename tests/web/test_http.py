"""The daemon's HTTP: bounded, in order, and with back-pressure."""

from __future__ import annotations

import gzip

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransport

from vmsdk.web.http import Response, Server


class Wire:
    """One connection in memory. `handler` may be replaced; answers are parsed from what was written."""

    def __init__(self, handler=None, max_body=1000):
        self.requests = []
        self.handler = handler or (lambda request: Response(200, (("Content-Type", "text/plain"),), request.body or b"ok"))
        self.connection = Server(self._handle, trusted=False, max_body=max_body).buildProtocol(None)
        self.transport = StringTransport(peerAddress=IPv4Address("TCP", "127.0.0.1", 4711))
        self.connection.makeConnection(self.transport)

    def _handle(self, request):
        self.requests.append(request)
        return self.handler(request)

    def send(self, data):
        self.connection.dataReceived(data)
        return self

    @property
    def answers(self):
        """(status, headers, body) of each answer so far."""
        data, found = self.transport.value(), []
        while data:
            head, _, rest = data.partition(b"\r\n\r\n")
            lines = head.decode().split("\r\n")
            status = int(lines[0].split()[1])
            headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}
            size = int(headers.get("content-length", 0))
            found.append((status, headers, rest[:size]))
            data = rest[size:]
        return found


def post(body=b"x", *headers, target="/sdk"):
    lines = [f"POST {target} HTTP/1.1", "Host: h", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def test_a_request_is_handed_over_whole_and_answered():
    wire = Wire().send(post(b"hello", "Cookie: a=b", "Cookie: c=d"))
    [request] = wire.requests
    assert (request.method, request.target, request.body, request.headers["cookie"]) == ("POST", "/sdk", b"hello", "a=b; c=d")
    [(status, headers, body)] = wire.answers
    assert (status, body, headers["content-length"]) == (200, b"hello", "5")


def test_a_request_may_come_byte_by_byte_and_in_chunks():
    wire = Wire()
    chunked = b"POST /sdk HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
    for byte in chunked:
        wire.send(bytes([byte]))
    assert [r.body for r in wire.requests] == [b"hello world"]


def test_pipelined_requests_are_answered_in_their_order():
    waiting = []

    def handler(request):
        if request.body == b"slow":
            waiting.append(Deferred())
            return waiting[0]
        return Response(200, (), request.body)

    wire = Wire(handler).send(post(b"slow") + post(b"fast"))
    assert wire.answers == []
    waiting[0].callback(Response(200, (), b"slow"))
    assert [body for _, _, body in wire.answers] == [b"slow", b"fast"]


def test_what_is_too_large_is_refused_before_it_is_read():
    wire = Wire(max_body=10).send(b"POST /sdk HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n")
    assert [status for status, _, _ in wire.answers] == [413]
    assert wire.transport.disconnecting


def test_a_chunked_body_that_grows_too_large_is_cut_off():
    wire = Wire(max_body=10).send(b"POST /sdk HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
    wire.send(b"8\r\n12345678\r\n").send(b"8\r\n12345678\r\n")
    assert [status for status, _, _ in wire.answers] == [413]


def test_a_head_without_end_is_cut_off():
    wire = Wire().send(b"GET / HTTP/1.1\r\nHost: h\r\n")
    for _ in range(100):
        wire.send(b"X-Long: " + b"x" * 1000 + b"\r\n")
        if wire.answers:
            break
    assert [status for status, _, _ in wire.answers] == [431]


@pytest.mark.parametrize(
    "junk", [b"\x16\x03\x01\x02\x00", b"hello\r\n\r\n", b"GET /\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"]
)
def test_what_is_no_http_is_answered_in_words_and_closed(junk):
    wire = Wire().send(junk)
    assert [status for status, _, _ in wire.answers] == [400] and wire.transport.disconnecting
    assert wire.requests == []


def test_100_continue_is_said_only_to_what_may_come_in():
    wire = Wire(max_body=10)
    wire.send(b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
    assert wire.transport.value() == b"HTTP/1.1 100 Continue\r\n\r\n"
    other = Wire(max_body=10)
    other.send(b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 50\r\n\r\n")
    assert [status for status, _, _ in other.answers] == [413]


def test_a_client_that_offers_gzip_gets_large_answers_packed():
    wire = Wire(lambda request: Response(200, (), b"<a/>" * 5000)).send(post(b"x", "Accept-Encoding: gzip, deflate"))
    [(_, headers, body)] = wire.answers
    assert (headers["content-encoding"], headers["vary"]) == ("gzip", "Accept-Encoding")
    assert gzip.decompress(body) == b"<a/>" * 5000


def test_a_slow_reader_of_a_large_answer_is_waited_for():
    wire = Wire(lambda request: Response(200, (), bytes(3 << 20)))
    wire.transport.registerProducer = lambda producer, streaming: setattr(wire, "producer", producer)
    wire.transport.unregisterProducer = lambda: setattr(wire, "producer", None)
    original = wire.transport.write

    def full(data):
        original(data)
        if len(wire.transport.value()) > 1 << 20 and getattr(wire, "producer", None):
            wire.producer.pauseProducing()

    wire.transport.write = full
    wire.send(post())
    assert len(wire.transport.value()) < 2 << 20
    while wire.producer is not None:
        wire.producer.resumeProducing()
    [(status, _, body)] = wire.answers
    assert (status, len(body)) == (200, 3 << 20)


def test_a_client_that_goes_away_cancels_what_it_waits_for():
    cancelled = []
    waiting = Deferred(lambda d: cancelled.append(d))
    wire = Wire(lambda request: waiting).send(post())
    wire.connection.connectionLost()
    assert cancelled == [waiting]


def test_an_old_client_is_closed_after_its_answer():
    wire = Wire().send(b"POST /sdk HTTP/1.0\r\nContent-Length: 1\r\n\r\nx")
    assert wire.answers[0][1]["connection"] == "close" and wire.transport.disconnecting


def test_a_head_request_gets_no_body():
    wire = Wire(lambda request: Response(200, (), b"body")).send(b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
    assert b"Content-Length: 4\r\n\r\n" in wire.transport.value()
    assert not wire.transport.value().endswith(b"body")
