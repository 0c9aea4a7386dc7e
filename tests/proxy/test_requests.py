"""What reaches a back end, what is answered in its place, and in which order."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest
from vmhttpd.limits import Limits
from vmhttpd.routes import product_routes

from .lab import GOOD, LIMIT, Answer, Client, Conversation, Proxy, answer
from .path_corpus import ACCEPTED, REFUSED

HOST = b"Host: esx.example\r\n"
ROUTES = product_routes("x", {}, Limits())


def get(target: bytes, *fields: bytes, method: bytes = b"GET") -> bytes:
    return b"%b %b HTTP/1.1\r\n%b%b\r\n" % (method, target, HOST, b"".join(field + b"\r\n" for field in fields))


def post(target: bytes, body: bytes, *fields: bytes, method: bytes = b"POST") -> bytes:
    return get(target, *fields, b"Content-Length: %d" % len(body), method=method) + body


def only(proxy: Proxy):
    assert len(proxy.backend.asked) == 1
    return proxy.backend.asked[0]


def test_the_back_end_sees_canonical_targets_of_the_table_and_no_others(proxy: Proxy) -> None:
    expected = []
    with proxy.client() as client:
        for raw, canonical in ACCEPTED.items():
            if raw.lower().startswith(b"https://"):
                raw = raw.replace(b"esx.example", b"localhost")
                client.send(b"GET %b HTTP/1.1\r\nHost: localhost\r\n\r\n" % raw)
            else:
                client.send(get(raw))
            got = client.answer()
            path = canonical.partition(b"?")[0]
            if path == b"/":
                assert (got.status, got.fields["location"]) == (302, "/ui/"), raw
            elif ROUTES.find(path) is None:
                assert got.status == 404, raw
            else:
                assert (got.status, got.body) == (200, canonical), raw
                expected.append(canonical.decode())
    for raw in REFUSED:
        with proxy.client() as client:
            client.send(get(raw))
            assert client.answer().status in (400, 414), raw
    assert [asked.target for asked in proxy.backend.asked] == expected


def test_an_answer_passes_with_its_fields_but_for_those_of_one_hop(proxy: Proxy) -> None:
    def handler(talk: Conversation) -> None:
        while talk.head():
            cookie = 'Set-Cookie: vmware_soap_session="1"; Path=/; HttpOnly; Secure;'
            hop = ("Keep-Alive: timeout=5", "Connection: X-Hop", "X-Hop: 1", "X-Vmsdk-Inner: 1", "Upgrade: h2c")
            talk.write(answer(b"\x1f\x8bzip", "500 Fault", "Content-Encoding: gzip", cookie, *hop))

    proxy.backend.handler = handler
    got = proxy.ask(get(b"/sdk"))
    assert (got.status, got.body) == (500, b"\x1f\x8bzip")
    assert got.fields == {
        "content-length": "5",
        "content-encoding": "gzip",
        "set-cookie": 'vmware_soap_session="1"; Path=/; HttpOnly; Secure;',
    }


def test_only_the_proxy_says_who_asks(proxy: Proxy) -> None:
    lies = (
        b"X-Forwarded-For: 6.6.6.6",
        b"x-forwarded-proto: http",
        b"X_Forwarded_For: 6.6.6.6",
        b"Forwarded: for=6.6.6.6",
    )
    more = (
        b"X-Vmsdk-User: root",
        b"X-Real-IP: 6.6.6.6",
        b"Connection: Cookie-2, x-forwarded-for, TE, close",
        b"Cookie-2: x",
    )
    kept = (
        b"X-Requested-With: y",
        b"SOAPAction: urn:vim25/8.0.3.0",
        b"Cookie: a=b",
        b"TE: trailers",
        b"Upgrade: h2c",
    )
    proxy.ask(get(b"/sdk", *lies, *more, *kept))
    assert only(proxy).fields == {
        "host": "esx.example",
        "x-requested-with": "y",
        "soapaction": "urn:vim25/8.0.3.0",
        "cookie": "a=b",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "https",
    }


def test_hsts_is_said_by_the_page_alone(proxy: Proxy) -> None:
    assert proxy.ask(get(b"/ui/")).fields["strict-transport-security"] == "max-age=31536000"
    assert "strict-transport-security" not in proxy.ask(get(b"/sdk")).fields


def test_a_path_serves_its_methods(proxy: Proxy) -> None:
    with proxy.client() as client:
        for method, target in (
            (b"PUT", b"/sdk"),
            (b"DELETE", b"/ui/"),
            (b"OPTIONS", b"/sdk"),
            (b"DELETE", b"/nothing"),
        ):
            client.send(get(target, method=method))
            got = client.answer()
            assert got.status == (404 if target == b"/nothing" else 405)
            assert got.status == 404 or method.decode() not in got.fields["allow"]
    assert proxy.backend.asked == []


ORIGINS = {
    b"https://esx.example": 200,
    b"https://esx.example:443": 200,
    b"https://ESX.example.": 200,
    b"http://esx.example": 403,
    b"https://esx.example:8443": 403,
    b"https://esx.example.evil.example": 403,
    b"https://evil.example": 403,
    b"null": 403,
    b"": 403,
}


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_page_of_another_origin_cannot_post(proxy: Proxy, origin: bytes) -> None:
    field = b"Origin: " + origin
    assert proxy.ask(post(b"/sdk", b"ok", field)).status == ORIGINS[origin]
    assert proxy.ask(get(b"/sdk", field)).status == 200
    assert (
        proxy.ask(get(b"/ticket/1", field, b"Connection: Upgrade", b"Upgrade: websocket")).status == ORIGINS[origin]
    )


def test_the_origin_is_compared_with_the_host_and_its_port(proxy: Proxy) -> None:
    request = (
        b"POST /sdk HTTP/1.1\r\nHost: 127.0.0.1:8443\r\nOrigin: https://127.0.0.1:%b\r\nContent-Length: 0\r\n\r\n"
    )
    assert proxy.ask(request % b"8443").status == 200
    assert proxy.ask(request % b"443").status == 403


def test_answers_come_in_the_order_of_the_requests(proxy: Proxy) -> None:
    targets = [b"/sdk/%d" % number if number % 3 else b"/nothing/%d" % number for number in range(1000)]
    with proxy.client() as client:
        client.send(b"".join(get(target) for target in targets) + post(b"/sdk/last", b"x"))
        for target in targets:
            got = client.answer()
            assert got.status == 404 if target.startswith(b"/nothing") else got.body == target
        assert client.answer().body == b"/sdk/last"
    assert [asked.target for asked in proxy.backend.asked] == [
        target.decode() for target in [*targets, b"/sdk/last"] if not target.startswith(b"/nothing")
    ]


def test_what_is_sent_ahead_is_held_back_and_answered_in_order(proxy: Proxy) -> None:
    count = 3000
    with proxy.client() as client:
        sending = threading.Thread(target=client.send, args=(b"".join(get(b"/sdk/%d" % n) for n in range(count)),))
        sending.start()
        assert [client.answer().body for _ in range(count)] == [b"/sdk/%d" % n for n in range(count)]
        sending.join(LIMIT)


def test_one_connection_serves_many_requests_on_one_link(proxy: Proxy) -> None:
    before = proxy.backend.connections
    with proxy.client() as client:
        for number in range(20):
            assert client.ask(post(b"/sdk/%d" % number, b"x" * number)).body == b"/sdk/%d" % number
    assert proxy.backend.connections - before <= 1


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 1_000_000])
def test_a_chunked_body_arrives_whole(proxy: Proxy, size: int) -> None:
    body = bytes(range(251)) * (size // 251 + 1)
    body = body[:size]
    chunks = b"".join(
        b"%X;ext=1\r\n%b\r\n" % (len(part), part) for part in (body[i : i + 9973] for i in range(0, size, 9973))
    )
    with proxy.client() as client:
        client.send(get(b"/sdk", b"Transfer-Encoding: chunked", method=b"POST") + chunks + b"0\r\nTrailer: x\r\n\r\n")
        assert client.answer().status == 200
        assert client.ask(GOOD).status == 200
    assert proxy.backend.asked[0].body == body


def test_one_blank_line_between_requests_is_forgiven(proxy: Proxy) -> None:
    with proxy.client() as client:
        client.send(GOOD + b"\r\n" + GOOD)
        assert [client.answer().status, client.answer().status] == [200, 200]


def old(target: bytes, *fields: bytes) -> bytes:
    return b"GET %b HTTP/1.0\r\n%b\r\n" % (target, b"".join(field + b"\r\n" for field in fields))


def test_http_1_0_is_served_and_closed_or_kept_as_it_asks(proxy: Proxy) -> None:
    with proxy.client() as client:
        got = client.ask(old(b"/sdk", b"Connection: keep-alive"))
        assert (got.status, got.fields["connection"]) == (200, "keep-alive")
        got = client.ask(old(b"/sdk"))
        assert (got.status, got.fields["connection"]) == (200, "close")
        assert client.closed()
    assert proxy.backend.asked[0].fields["host"] == "localhost"


def test_an_answer_of_unknown_length_is_chunked_or_for_http_1_0_ends_with_the_connection(proxy: Proxy) -> None:
    chunked = [True]

    def handler(talk: Conversation) -> None:
        while talk.head():
            if chunked[0]:
                talk.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
            else:
                talk.write(b"HTTP/1.1 200 OK\r\n\r\nabcde")
                return

    proxy.backend.handler = handler
    for kind in (True, False):
        chunked[0] = kind
        proxy.backend.drop_links()
        with proxy.client() as client:
            got = client.ask(get(b"/sdk"))
            assert (got.body, got.fields["transfer-encoding"]) == (b"abcde", "chunked")
            got = client.ask(old(b"/sdk", b"Connection: keep-alive"))
            assert (got.body, got.fields) == (b"abcde", {"connection": "close"})
            assert client.closed()


def test_head_and_bodiless_answers_leave_the_connection_usable(proxy: Proxy) -> None:
    def handler(talk: Conversation) -> None:
        while asked := talk.head():
            if asked.method == "HEAD":
                talk.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n\r\n")
            elif asked.target.endswith("204"):
                talk.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            elif asked.target.endswith("304"):
                talk.write(b"HTTP/1.1 304 Not Modified\r\nETag: x\r\nContent-Length: 7\r\n\r\n")
            else:
                talk.write(b"HTTP/1.1 102 Processing\r\n\r\n" + answer(b"end"))

    proxy.backend.handler = handler
    with proxy.client() as client:
        client.send(get(b"/folder/x-flat.vmdk", method=b"HEAD"))
        assert client.answer(bodiless=True).fields == {"content-length": "5000000000"}
        assert client.ask(get(b"/sdk/204")).status == 204
        assert client.ask(get(b"/sdk/304")).fields["etag"] == "x"
        client.send(get(b"/nothing", method=b"HEAD"))
        assert client.answer(bodiless=True).status == 404
        assert client.ask(get(b"/sdk")).body == b"end"


def expecting(
    length: bytes, target: bytes = b"/sdk", method: bytes = b"POST", expect: bytes = b"100-continue"
) -> bytes:
    return get(target, b"Expect: " + expect, b"Content-Length: " + length, method=method)


def test_a_body_that_waits_is_called_for_only_where_it_may_come(proxy: Proxy) -> None:
    with proxy.client() as client:
        client.send(expecting(b"5"))
        assert client.head().status == 100
        assert proxy.backend.asked == []
        assert client.ask(b"hello").status == 200
        client.send(expecting(b"0"))
        assert client.answer().status == 200  # no 100 where no body is to come
        client.send(expecting(b"5") + b"hello")
        assert client.answer().status == 200  # nor where it came unasked
        client.send(get(b"/sdk", b"Expect: 100-Continue", b"Transfer-Encoding: chunked", method=b"POST"))
        assert client.head().status == 100
        assert client.ask(b"5\r\nhello\r\n0\r\n\r\n").status == 200
    assert [asked.body for asked in proxy.backend.asked] == [b"hello", b"", b"hello", b"hello"]
    assert "expect" not in proxy.backend.asked[0].fields


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (expecting(b"10737418240"), 413),
        (expecting(b"16777217"), 413),
        (expecting(b"5", expect=b"a-pony"), 417),
        (expecting(b"5", target=b"/nothing"), 404),
        (expecting(b"5", method=b"PUT"), 405),
        (expecting(b"1", target=b"/ticket/1", method=b"GET"), 413),
    ],
)
def test_a_body_that_may_not_come_is_refused_before_it_is_let_in(proxy: Proxy, request_: bytes, status: int) -> None:
    with proxy.client() as client:
        got = client.ask(request_)
        assert (got.status, got.fields["connection"]) == (status, "close")
    assert proxy.backend.asked == []


def test_a_chunked_body_past_the_limit_is_cut_off(proxy: Proxy) -> None:
    def send(client: Client) -> Answer:
        client.send(get(b"/ui/form", b"Transfer-Encoding: chunked", method=b"POST"))
        for _ in range(40):
            client.send(b"8000\r\n%b\r\n" % bytes(0x8000))
        return client.answer()

    with proxy.client() as client:
        assert send(client).status == 413


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (get(b"/" + b"u" * 20000), 414),
        (get(b"/" + b"u" * 65536), 414),
        (get(b"/sdk", b"SOAPAction: " + b"x" * (1 << 20)), 431),
        (get(b"/sdk", *[b"A: b"] * 101), 431),
        (get(b"/sdk", *[b"A: b"] * 40000), 431),
    ],
)
def test_a_head_past_the_limits_is_refused(proxy: Proxy, request_: bytes, status: int) -> None:
    with proxy.client() as client:
        with suppress(OSError):  # it may be closed while we are sending
            client.send(request_)
        assert client.answer().status == status


def test_a_header_may_be_large_and_many(proxy: Proxy) -> None:
    assert proxy.ask(get(b"/sdk", b"SOAPAction: " + b"x" * 30000)).status == 200
    assert proxy.ask(get(b"/sdk", *[b"A: b"] * 99)).status == 200
