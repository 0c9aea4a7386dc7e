"""One request while its body is read. Law: a back end hears of it when it is whole, or larger than `Limits.gather`.

So a client that is slow with a small body holds nothing but its own connection.
"""

from __future__ import annotations

from .access_log import AccessLog
from .bodies import ChunkedBody, CountedBody
from .exchange import Exchange
from .head import Head
from .paths import Target
from .rewriting import framing
from .routes import Route


class Turn:
    """What is known of the request at hand. `began` is the clock's time."""

    __slots__ = ("_gathered", "_gathered_bytes", "began", "body", "exchange", "head", "opening", "route", "target")

    def __init__(self, began: float):
        self.began = began
        self.head: Head | None = None
        self.target: Target | None = None
        self.route: Route | None = None
        self.opening = b""
        """What the back end is told, up to the framing of the body."""
        self.exchange: Exchange | None = None
        self.body: CountedBody | ChunkedBody | None = None
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0

    @property
    def body_is_in(self) -> bool:
        """Whether nothing of this request is still to come."""
        if self.head is None:
            return False
        return self.head.length == 0 or (self.body is not None and self.body.done)

    def begin(self, exchange: Exchange) -> None:
        """All above is known: read the body, by `feed`; or ask at once where there is none."""
        head, route = self.head, self.route
        assert head is not None and route is not None
        self.exchange = exchange
        if head.length == 0:
            exchange.start(self.opening + framing(head, 0), b"", whole=True)
        else:
            self.body = ChunkedBody(route.body) if head.length is None else CountedBody(head.length)

    def feed(self, data: bytes, gather: int) -> tuple[int, bytes]:
        """Take what belongs to the body: its size, and what follows. Raises OwnAnswer for a malformed body."""
        body, exchange = self.body, self.exchange
        assert body is not None and exchange is not None
        piece, rest = body.feed(data)
        size = len(piece)
        if exchange.started:
            exchange.more(piece)
            if body.done:
                exchange.complete()
            return size, rest
        self._gathered_bytes += size
        if body.done or self._gathered_bytes > gather:
            if self._gathered:
                piece = b"".join((*self._gathered, piece))
                self._gathered.clear()
            self._start(exchange, piece, whole=body.done)
        else:
            self._gathered.append(piece)
        return size, rest

    def _start(self, exchange: Exchange, body: bytes, *, whole: bool) -> None:
        head = self.head
        assert head is not None
        exchange.start(self.opening + framing(head, len(body) if whole else head.length), body, whole=whole)

    def log(self, log: AccessLog, address: str, status: int, now: float) -> None:
        """`status` 0: that of the answer."""
        path = b"-"
        if self.route is not None and self.route.secret:
            path = self.route.prefix.encode() + b"/..."
        elif self.target is not None:
            path = self.target.path
        exchange = self.exchange
        log.line(
            address,
            self.head.method if self.head is not None else b"-",
            path,
            status or (exchange.status if exchange is not None else 0),
            exchange.sent if exchange is not None else 0,
            now - self.began,
        )
