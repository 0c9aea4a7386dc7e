"""Connections to one back end on its unix socket, kept and used again. Law: one exchange at a time on each.

A link that is not known to be clean after an exchange is not used again: an answer that belongs to another request is
the worst a proxy can give.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, Protocol

import httptools
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from .fields import ONE_HOP, is_ours, tokens
from .limits import Limits
from .sending import send_now

_WITHOUT_BODY = (204, 304)
_BUSY = 0.02  # seconds between two attempts to connect
_SURE = 1.0  # seconds; no back end closes a link that soon


class AnswerHead:
    """The head of an answer."""

    __slots__ = ("chunked", "connection", "length", "lines", "status", "strict_transport")

    def __init__(self) -> None:
        self.status = 0
        self.lines: list[bytes] = []
        """What the client gets to see, a line for each field, spelt as the back end spelt it."""
        self.length: bytes | None = None
        """Its Content-Length as written."""
        self.chunked = False
        self.connection: list[bytes] = []
        """The tokens of Connection, in lower case."""
        self.strict_transport = False

    def add(self, name: bytes, value: bytes) -> None:
        lower = name.lower()
        if lower in ONE_HOP:
            if lower == b"content-length":
                self.length = value.strip()
            elif lower == b"transfer-encoding":
                self.chunked = True
            elif lower == b"connection":
                self.connection += tokens(value)
            return
        if lower[:1] == b"x" and is_ours(lower):
            return
        if lower == b"strict-transport-security":
            self.strict_transport = True
        self.lines.append(b"%b: %b\r\n" % (name, value))


class Asker(Protocol):
    """Who is answered by a link."""

    def answer(self, head: AnswerHead | None, pieces: list[bytes], done: bool) -> None:
        """What came in one read: the head once, then pieces of the body, `done` with the last of them."""

    def broken(self) -> None:
        """The link is gone before the answer is whole. Said at most once, never after `done`."""


class Link(TwistedProtocol):
    """One connection to a back end."""

    transport: Any

    def __init__(self, pool: Pool):
        self._pool = pool
        self._asker: Asker | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._bodiless = False
        self._announced = False
        self._clean = True
        self.idle_since = 0.0
        self._reset()

    def _reset(self) -> None:
        self._coming = AnswerHead()
        self._pieces: list[bytes] = []
        self._head: AnswerHead | None = None
        self._done = False

    # From above.

    def ask(self, asker: Asker, *, bodiless: bool) -> None:
        """Begin an exchange; its request follows by `send`. `bodiless`: the answer to HEAD."""
        self._asker = asker
        self._bodiless = bodiless
        self._announced = False
        self._clean = True
        self._reset()
        if self._parser is None:
            self._parser = httptools.HttpResponseParser(self)

    def send(self, data: bytes) -> None:
        send_now(self.transport, data)

    def fed_by(self, producer: Any) -> None:
        self.transport.registerProducer(producer, True)

    def fed(self) -> None:
        self.transport.unregisterProducer()

    def pause(self) -> None:
        self.transport.pauseProducing()

    def resume(self) -> None:
        self.transport.resumeProducing()

    def release(self, *, clean: bool) -> None:
        """The exchange is over. `clean`: the request went out whole, so the link may serve another."""
        self._asker = None
        if clean and self._clean and self.transport.connected:
            self._pool.give_back(self)
        else:
            self.cut()

    def cut(self) -> None:
        self._asker = None
        self.transport.abortConnection()

    def alive(self, now: float) -> bool:
        """Whether the back end has neither closed the link nor said anything on it: asked just before it is used.

        The kernel is asked only where the link was idle for long enough that a back end may close it.
        """
        if not self.transport.connected:
            return False
        if now - self.idle_since < _SURE:
            return True
        try:
            self.transport.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    # From the back end.

    def dataReceived(self, data: bytes) -> None:
        asker = self._asker
        if asker is None or self._parser is None:
            self.cut()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.cut()
            asker.broken()
            return
        if self._head is None:
            return
        head = None if self._announced else self._head
        self._announced = True
        pieces, self._pieces = self._pieces, []
        asker.answer(head, pieces, self._done)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._pool.lost(self)
        asker, self._asker = self._asker, None
        if asker is None:
            return
        head = self._head
        if head is not None and head.length is None and not head.chunked and not self._done:
            asker.answer(None, [], True)  # its end is the end of such an answer
        else:
            asker.broken()

    # From the parser; nothing is called from within it.

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head is None:  # not a trailer
            self._coming.add(name, value)

    def on_headers_complete(self) -> None:
        parser = self._parser
        assert parser is not None
        status = parser.get_status_code()
        if status < 200:
            return
        self._head = self._coming
        self._head.status = status
        self._clean = parser.should_keep_alive()
        if self._bodiless:
            # The parser cannot know that no body follows, so it is done with.
            self._done = True
            self._parser = None
        elif status in _WITHOUT_BODY:
            self._done = True

    def on_body(self, data: bytes) -> None:
        self._pieces.append(data)

    def on_message_complete(self) -> None:
        if self._head is None:  # 100 and its like
            self._coming = AnswerHead()
        else:
            self._done = True


class Pool:
    """The links to one socket."""

    def __init__(self, reactor: Any, path: str, limits: Limits, log: Logger):
        self.path = path
        self._log = log
        self._away = False
        self._reactor = reactor
        self._limits = limits
        self._idle: list[Link] = []
        self._closed = False

    def take(self) -> Link | None:
        """A link that is open and clean, or None."""
        now = self._reactor.seconds()
        while self._idle:
            link = self._idle.pop()
            if link.alive(now):
                return link
            link.cut()
        return None

    def open(self, opened: Callable[[Link], None], failed: Callable[[], None]) -> None:
        """Open one more. `opened(link)` or `failed()` is called, now or within `Limits.connect` seconds."""
        self._try(opened, failed, self._reactor.seconds() + self._limits.connect)

    def _try(self, opened: Callable[[Link], None], failed: Callable[[], None], deadline: float) -> None:
        # Not connectUNIX: where a back end accepts too slowly it would try again without a pause, at full CPU.
        link = Link(self)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as stream:
                stream.connect(self.path)
                self._reactor.adoptStreamConnection(stream.fileno(), socket.AF_UNIX, _Adopting(link))
        except BlockingIOError as error:  # its queue of new connections is full
            if self._reactor.seconds() < deadline:
                self._reactor.callLater(_BUSY, self._try, opened, failed, deadline)
                return
            self._tried(error.strerror)
            failed()
        except OSError as error:
            self._tried(error.strerror)
            failed()
        else:
            self._tried(None)
            opened(link)

    def _tried(self, why: str | None) -> None:
        """An attempt to connect failed for that reason, or went well: said once for each change."""
        if self._away == (why is not None):
            return
        self._away = why is not None
        if self._away:
            self._log.error("the back end is away: {socket}: {why}", socket=self.path, why=why)
        else:
            self._log.info("the back end is back: {socket}", socket=self.path)

    def give_back(self, link: Link) -> None:
        if self._closed or len(self._idle) >= self._limits.backend_idle_connections:
            link.cut()
            return
        link.idle_since = self._reactor.seconds()
        self._idle.append(link)

    def lost(self, link: Link) -> None:
        if link in self._idle:
            self._idle.remove(link)

    def sweep(self, now: float) -> None:
        """Close what was idle for too long."""
        while self._idle and self._idle[0].idle_since + self._limits.backend_idle <= now:
            self._idle.pop(0).cut()

    def close(self) -> None:
        self._closed = True
        for link in self._idle[:]:
            link.cut()


class _Adopting(Factory):
    """Gives the transport of a connected socket its link."""

    def __init__(self, link: Link):
        self._link = link

    def buildProtocol(self, address: object) -> Link:
        return self._link
