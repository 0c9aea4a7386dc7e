"""Requests that one reader takes for one thing and another for another: refused, closed, and unseen by the back end."""

from __future__ import annotations

from contextlib import suppress

import pytest

from .lab import GOOD, Proxy

POST = b"POST /sdk HTTP/1.1\r\nHost: esx.example\r\n"
GET = b"GET /sdk HTTP/1.1\r\nHost: esx.example\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
LENGTH = b"Content-Length: 5\r\n"
# Where a lax reader sees the end of a request, this would be the next one.
HIDDEN = b"GET /ui/hidden HTTP/1.1\r\nHost: esx.example\r\n\r\n"

REFUSED: dict[str, tuple[int, bytes]] = {
    "a length and chunks": (400, POST + LENGTH + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "chunks and a length": (400, POST + b"Transfer-Encoding: chunked\r\n" + LENGTH + b"\r\n0\r\n\r\n"),
    "two equal lengths": (400, POST + LENGTH * 2 + b"\r\nhello"),
    "two lengths": (400, POST + LENGTH + b"Content-Length: 6\r\n\r\nhello"),
    "a list of lengths": (400, POST + b"Content-Length: 5, 5\r\n\r\nhello"),
    "a negative length": (400, POST + b"Content-Length: -1\r\n\r\n"),
    "a signed length": (400, POST + b"Content-Length: +5\r\n\r\nhello"),
    "a hexadecimal length": (400, POST + b"Content-Length: 0x5\r\n\r\nhello"),
    "a length with a space in it": (400, POST + b"Content-Length: 5 5\r\n\r\nhello"),
    "an empty length": (400, POST + b"Content-Length: \r\n\r\n"),
    "a length past all bounds": (400, POST + b"Content-Length: 99999999999999999999999\r\n\r\n"),
    "a coding that ends in chunked": (501, POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    "gzip before chunked": (501, POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    "identity": (501, POST + b"Transfer-Encoding: identity\r\n\r\n"),
    "chunked twice": (400, POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
    "two codings": (400, POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n"),
    "chunked with a vertical tab": (400, POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"),
    "chunked in quotes": (501, POST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n'),
    "chunks in HTTP/1.0": (400, b"POST /sdk HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "a space before the colon": (400, POST + b"Content-Length : 5\r\n\r\nhello"),
    "a tab before the colon": (400, POST + b"Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n"),
    "a folded line": (400, POST + b"X: a\r\n Content-Length: 5\r\n\r\n"),
    "a folded coding": (400, POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
    "a field before all others that is folded": (400, b"GET /sdk HTTP/1.1\r\n Host: esx.example\r\n\r\n"),
    "bare line feeds": (400, b"GET /sdk HTTP/1.1\nHost: esx.example\n\n"),
    "one bare line feed": (400, GET + b"X: b\nContent-Length: 5\r\n\r\n"),
    "a bare carriage return": (400, GET + b"X: b\rContent-Length: 5\r\n\r\n"),
    "a NUL": (400, GET + b"X: a\0b\r\n\r\n"),
    "a control character": (400, GET + b"X: a\x01b\r\n\r\n"),
    "an empty name": (400, GET + b": x\r\n\r\n"),
    "a line without a colon": (400, GET + b"Host\r\n\r\n"),
    "a name that is no token": (400, GET + b"Content-Length\xa0: 5\r\n\r\n"),
    "two Hosts": (400, GET + b"Host: other.example\r\n\r\n"),
    "no Host": (400, b"GET /sdk HTTP/1.1\r\n\r\n"),
    "a Host with a user": (400, b"GET /sdk HTTP/1.1\r\nHost: a@esx.example\r\n\r\n"),
    "a Host with a path": (400, b"GET /sdk HTTP/1.1\r\nHost: esx.example/x\r\n\r\n"),
    "a Host with a bad port": (400, b"GET /sdk HTTP/1.1\r\nHost: esx.example:99999\r\n\r\n"),
    "an empty Host": (400, b"GET /sdk HTTP/1.1\r\nHost:\r\n\r\n"),
    "HTTP/0.9": (400, b"GET /sdk\r\n\r\n"),
    "HTTP/2.0": (505, b"GET /sdk HTTP/2.0\r\nHost: esx.example\r\n\r\n"),
    "HTTP/1.2": (505, b"GET /sdk HTTP/1.2\r\nHost: esx.example\r\n\r\n"),
    "the preface of HTTP/2": (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "a version in lower case": (400, b"GET /sdk http/1.1\r\nHost: esx.example\r\n\r\n"),
    "RTSP": (400, b"GET /sdk RTSP/1.0\r\nHost: esx.example\r\n\r\n"),
    "ICE": (400, b"SOURCE /sdk ICE/1.0\r\nHost: esx.example\r\n\r\n"),
    "two spaces": (400, b"GET  /sdk HTTP/1.1\r\nHost: esx.example\r\n\r\n"),
    "a space after the version": (400, b"GET /sdk HTTP/1.1 \r\nHost: esx.example\r\n\r\n"),
    "tabs for spaces": (400, b"GET\t/sdk\tHTTP/1.1\r\nHost: esx.example\r\n\r\n"),
    "a space in the target": (400, b"GET /sdk HTTP/1.1 HTTP/1.1\r\nHost: esx.example\r\n\r\n"),
    "a method in lower case": (501, b"get /sdk HTTP/1.1\r\nHost: esx.example\r\n\r\n"),
    "an unknown method": (501, b"BREW /sdk HTTP/1.1\r\nHost: esx.example\r\n\r\n"),
    "TRACE": (405, b"TRACE /sdk HTTP/1.1\r\nHost: esx.example\r\n\r\n"),
    "CONNECT": (405, b"CONNECT esx.example:443 HTTP/1.1\r\nHost: esx.example\r\n\r\n"),
    "an absolute URI of another host": (400, b"GET http://other.example/sdk HTTP/1.1\r\nHost: esx.example\r\n\r\n"),
    "an absolute URI of a foreign host": (421, b"GET http://other.example/ HTTP/1.1\r\nHost: other.example\r\n\r\n"),
    "an absolute URI with a user": (400, b"GET http://a@localhost/sdk HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "binary": (400, bytes(range(256)) + b"\r\n\r\n"),
    "a chunk size that is none": (400, CHUNKED + b"g\r\nx\r\n0\r\n\r\n"),
    "a chunk size with 0x": (400, CHUNKED + b"0x1\r\nx\r\n0\r\n\r\n"),
    "a negative chunk size": (400, CHUNKED + b"-1\r\nx\r\n0\r\n\r\n"),
    "an empty chunk size": (400, CHUNKED + b"\r\nx\r\n0\r\n\r\n"),
    "a chunk size past all bounds": (400, CHUNKED + b"1" + b"0" * 16 + b"\r\nx\r\n0\r\n\r\n"),
    "a chunk size of five thousand digits": (400, CHUNKED + b"0" * 5000 + b"1\r\nx\r\n0\r\n\r\n"),
    "a chunk with a bare line feed": (400, CHUNKED + b"1\nx\r\n0\r\n\r\n"),
    "a chunk that is longer than it says": (400, CHUNKED + b"1\r\nxy\r\n0\r\n\r\n"),
    "a chunk that ends in a bare line feed": (400, CHUNKED + b"1\r\nx\n0\r\n\r\n"),
    "a chunk extension of a megabyte": (400, CHUNKED + b"1;" + b"a" * (1 << 20) + b"\r\nx\r\n0\r\n\r\n"),
    "a chunk extension with a bare line feed": (400, CHUNKED + b"1;a\nb\r\nx\r\n0\r\n\r\n"),
    "a chunk extension with a control character": (400, CHUNKED + b"1;a=\x00\r\nx\r\n0\r\n\r\n"),
    "a trailer that is none": (400, CHUNKED + b"1\r\nx\r\n0\r\nTrailer\r\n\r\n"),
    "trailers without an end": (400, CHUNKED + b"0\r\n" + b"A: b\r\n" * 20000),
    "thousands of tiny chunks": (400, CHUNKED + b"1\r\nx\r\n" * 20000 + b"0\r\n\r\n"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_ambiguous_request_ends_its_connection(proxy: Proxy, name: str) -> None:
    status, request = REFUSED[name]
    with proxy.client() as client:
        client.send(GOOD)
        assert client.answer().status == 200
        with suppress(OSError):  # it may be closed while we are sending
            client.send(request + HIDDEN)
        refused = client.answer()
        assert (refused.status, refused.fields["connection"]) == (status, "close")
        client.leave()
        assert client.closed()
    assert [asked.target for asked in proxy.backend.asked] == ["/sdk"]
