"""One request while its body is read. Law: a back end hears of it when it is whole, or larger than `Limits.gather`.

So a client that is slow with a small body holds nothing but its own connection.
"""

from __future__ import annotations

from .access_log import AccessLog
from .bodies import ChunkedBody, CountedBody
from .exchange import Exchange
from .fields import request_head
from .head import Head
from .paths import Target
from .routes import Route


class Turn:
    """`head`, `target` and `route` are set as they become known; the rest by `begin`. `began`: the clock's time."""

    __slots__ = (
        "_address",
        "_gathered",
        "_gathered_bytes",
        "_host",
        "_target",
        "began",
        "body",
        "exchange",
        "head",
        "route",
        "target",
    )

    def __init__(self, began: float):
        self.began = began
        self.head: Head | None = None
        self.target: Target | None = None
        self.route: Route | None = None
        self.exchange: Exchange | None = None
        self.body: CountedBody | ChunkedBody | None = None
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0
        self._host = b""
        self._address = b""

    @property
    def body_is_in(self) -> bool:
        """Whether nothing of this request is still to come."""
        if self.head is None:
            return False
        return not self.head.has_body or (self.body is not None and self.body.done)

    def begin(self, exchange: Exchange, *, default_host: bytes, address: str) -> None:
        """All is known: read the body, then `feed`; or ask at once where there is none."""
        head, target, route = self.head, self.target, self.route
        assert head is not None and target is not None and route is not None
        self.exchange = exchange
        self._host = target.authority or head.host or default_host
        self._address = address.encode()
        if head.has_body:
            self.body = ChunkedBody(route.body) if head.length is None else CountedBody(head.length)
        else:
            self._start(b"", whole=True)

    def feed(self, data: bytes, gather: int) -> tuple[int, bytes]:
        """Take what belongs to the body: its size, and what follows. Raises OwnAnswer for a malformed body."""
        body, exchange = self.body, self.exchange
        assert body is not None and exchange is not None
        piece, rest = body.feed(data)
        if exchange.started:
            exchange.more(piece)
            if body.done:
                exchange.complete()
            return len(piece), rest
        self._gathered.append(piece)
        self._gathered_bytes += len(piece)
        if body.done or self._gathered_bytes > gather:
            gathered = b"".join(self._gathered)
            self._gathered.clear()
            self._start(gathered, whole=body.done)
        return len(piece), rest

    def _start(self, body: bytes, *, whole: bool) -> None:
        head, target, exchange = self.head, self.target, self.exchange
        assert head is not None and target is not None and exchange is not None
        length = len(body) if whole else head.length
        exchange.start(request_head(head, target, self._host, self._address, length=length), body, whole=whole)

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
