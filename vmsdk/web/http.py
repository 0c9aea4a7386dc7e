"""HTTP/1.1 for one connection, on llhttp. Requests are answered in order; bodies and headers are bounded while they come.

Law: no path means anything here; a handler gets a whole Request and gives a Response or a Deferred of one. What is too big, or no
HTTP, is answered and the connection closed. A client that goes away cancels what it waits for.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, NamedTuple, Union

import httptools
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import Logger
from twisted.python.failure import Failure

log = Logger()
MAX_HEADERS = 64 << 10
GZIP_FROM = 1400
SLICE = 256 << 10


class Request(NamedTuple):
    """One request. Header names are lower case; a repeated header is joined with `, ` (cookies with `; `)."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    trusted: bool  # came over the socket of the front door
    address: str


class Response(NamedTuple):
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    close: bool = False


Handler = Callable[[Request], Union[Response, "Deferred[Response]"]]


def plain(status: int, text: str, *headers: tuple[str, str], close: bool = False) -> Response:
    """A short answer for people."""
    return Response(status, (("Content-Type", "text/plain; charset=utf-8"), *headers), f"{text}\n".encode(), close)


class Connection(Protocol):
    """One client. `max_body` bounds what a request may carry."""

    transport: Any = None  # a type checker cannot read zope interfaces

    def __init__(self, handler: Handler, trusted: bool, max_body: int):
        self._handler, self._trusted, self._max_body = handler, trusted, max_body
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[Request | Response] = deque()
        self._running: Deferred | None = None
        self._closing = False
        self._gone = False
        self._keep = True
        self._gzip = False
        self._sending: memoryview | None = None
        self._reset()

    def _reset(self) -> None:
        self._target, self._headers, self._body = b"", {}, []  # type: ignore[var-annotated]
        self._size = self._header_size = 0

    def connectionMade(self) -> None:
        peer: Any = self.transport.getPeer()
        self._address = getattr(peer, "host", "") or "local"
        if hasattr(self.transport, "setTcpNoDelay"):
            self.transport.setTcpNoDelay(True)

    def dataReceived(self, data: bytes) -> None:
        if self._closing:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse(plain(501, "Upgrades are not had here", close=True))
        except httptools.HttpParserError as error:
            mine = error.__context__  # what one of the calls below raised
            if isinstance(mine, _Refused):
                self._refuse(plain(mine.status, str(mine), close=True))
            else:
                self._refuse(plain(400, "This is not HTTP", close=True))
        if len(self._waiting) > 64 and self.transport is not None:
            self.transport.pauseProducing()

    def _refuse(self, response: Response) -> None:
        self._closing = True
        self._waiting.append(response)
        self._next()

    # -- the parser's calls -----------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._reset()

    def on_url(self, url: bytes) -> None:
        self._target += url
        self._count(len(url), 414)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + 4, 431)
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        if key in self._headers:
            self._headers[key] += ("; " if key == "cookie" else ", ") + text
        else:
            self._headers[key] = text

    def _count(self, size: int, status: int) -> None:
        self._header_size += size
        if self._header_size > MAX_HEADERS:
            raise _Refused(status, "The head of the request is too large")

    def on_headers_complete(self) -> None:
        if self._parser.get_http_version() not in ("1.0", "1.1"):
            raise _Refused(400, "Only HTTP/1.0 and HTTP/1.1 are spoken here")
        length = self._headers.get("content-length", "")
        if length and (not length.isascii() or not length.isdigit() or int(length) > self._max_body):
            raise _Refused(413, f"The request is larger than {self._max_body} bytes")
        if self._headers.get("expect", "").lower() == "100-continue" and not self._waiting and self._running is None:
            self._write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._max_body:
            raise _Refused(413, f"The request is larger than {self._max_body} bytes")
        self._body.append(data)

    def on_message_complete(self) -> None:
        self._keep = self._parser.should_keep_alive()
        request = Request(
            self._parser.get_method().decode("latin-1"), self._target.decode("latin-1"), self._headers,
            self._body[0] if len(self._body) == 1 else b"".join(self._body), self._trusted, self._address,
        )  # fmt: skip
        self._waiting.append(request)
        self._next()

    # -- answering, in order ----------------------------------------------------------------------------------

    def _next(self) -> None:
        while self._waiting and self._running is None and self._sending is None and not self._gone:
            item = self._waiting.popleft()
            if isinstance(item, Response):
                self._send(item, False)
                continue
            self._gzip = "gzip" in item.headers.get("accept-encoding", "")
            head = item.method == "HEAD"
            try:
                answer = self._handler(item)
            except Exception:
                log.failure("a request failed")
                answer = plain(500, "internal error", close=True)
            if isinstance(answer, Deferred):
                self._running = answer
                answer.addBoth(self._ready, head)
            else:
                self._send(answer, head)
        if len(self._waiting) < 8 and not self._gone and not self._closing and self.transport is not None:
            self.transport.resumeProducing()

    def _ready(self, answer: Response | Failure, head: bool) -> None:
        self._running = None
        if self._gone:
            return
        if isinstance(answer, Failure):
            if not answer.check(CancelledError):
                log.failure("a request failed", answer)
            answer = plain(500, "internal error", close=True)
        self._send(answer, head)
        self._next()

    def _send(self, answer: Response, head: bool) -> None:
        body, extra = answer.body, ""
        if self._gzip and len(body) >= GZIP_FROM and answer.status in (200, 500):
            packer = zlib.compressobj(1, zlib.DEFLATED, 31)
            body, extra = packer.compress(body) + packer.flush(), "Content-Encoding: gzip\r\n"
        if answer.close or not self._keep:
            self._closing = True
            extra += "Connection: close\r\n"
        lines = "".join(f"{name}: {value}\r\n" for name, value in answer.headers)
        text = (
            f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\nDate: {formatdate(usegmt=True)}\r\n{lines}"
            f"Vary: Accept-Encoding\r\n{extra}Content-Length: {len(body)}\r\n\r\n"
        )
        if head:
            body = b""
        if len(body) <= SLICE:
            self._write(text.encode("latin-1") + body)
            self._sent()
        else:
            self._write(text.encode("latin-1"))
            self._sending = memoryview(body)
            self.transport.registerProducer(self, True)
            self.resumeProducing()

    def _write(self, data: bytes | memoryview) -> None:
        if self.transport is not None and not self._gone:
            self.transport.write(bytes(data))

    def _sent(self) -> None:
        if self._closing and self.transport is not None:
            self.transport.loseConnection()

    # -- back-pressure for large answers ----------------------------------------------------------------------

    _paused = False

    def resumeProducing(self) -> None:
        self._paused = False
        while self._sending is not None and not self._paused:
            part, rest = self._sending[:SLICE], self._sending[SLICE:]
            self._sending = rest if len(rest) else None
            self._write(part)
            if self._sending is None:
                self.transport.unregisterProducer()
                self._sent()
                self._next()

    def pauseProducing(self) -> None:
        self._paused = True

    def stopProducing(self) -> None:
        self._sending = None

    def connectionLost(self, reason: Any = None) -> None:
        self._gone = True
        self._waiting.clear()
        self._sending = None
        running, self._running = self._running, None
        if running is not None:
            running.cancel()


class _Refused(Exception):
    def __init__(self, status: int, text: str):
        super().__init__(text)
        self.status = status


class Server(Factory):
    """Makes connections. `trusted` says that the peer is the front door."""

    noisy = False

    def __init__(self, handler: Handler, trusted: bool, max_body: int = 20 << 20):
        self._handler, self._trusted, self._max_body = handler, trusted, max_body

    def buildProtocol(self, addr: Any) -> Connection | None:
        return Connection(self._handler, self._trusted, self._max_body)
