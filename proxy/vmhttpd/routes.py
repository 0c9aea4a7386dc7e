"""The table of paths: what leads to a back end, by which methods, under which limits.

Law: what no row names is 404.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from .limits import Limits


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One row: `prefix` itself and all below it go to the back end at `socket`."""

    prefix: str
    socket: str
    methods: frozenset[bytes]
    body: int | None = None
    """Most bytes of a request's body; None: it is streamed without a limit."""
    answer: float
    """Seconds until the answer's first byte before the client is told 504."""
    strict_transport: bool = False
    """Answers carry Strict-Transport-Security."""
    secret: bool = False
    """What stands below the prefix is a ticket: it is not written into logs."""


class Routes:
    """The rows by the first segment of a path."""

    def __init__(self, routes: list[Route]):
        self._routes = {route.prefix.encode().lstrip(b"/"): route for route in routes}

    def find(self, path: bytes) -> Route | None:
        """The row for a canonical path, or None."""
        return self._routes.get(path.split(b"/", 2)[1])

    def sockets(self) -> list[str]:
        return sorted({route.socket for route in self._routes.values()})


def product_routes(backend: str, others: Mapping[str, str], limits: Limits) -> Routes:
    """The product's table: all to the socket `backend`, but for prefixes that `others` sends elsewhere.

    Raises ValueError for a prefix that the table does not hold.
    """
    read = frozenset((b"GET", b"HEAD"))
    post = read | {b"POST"}
    put = read | {b"PUT"}
    files = put | {b"POST", b"DELETE"}
    rows: dict[str, dict] = {
        "/sdk": {"methods": post, "body": limits.sdk_body, "answer": limits.long_poll},
        "/ui": {"methods": post, "body": limits.page_body, "strict_transport": True},
        "/folder": {"methods": files},
        "/nfc": {"methods": files},
        "/guestFile": {"methods": put},
        "/ticket": {"methods": read, "body": 0, "secret": True},
        "/screen": {"methods": read, "body": 0},
        "/host": {"methods": put, "body": limits.sdk_body},
    }
    unknown = set(others) - set(rows)
    if unknown:
        raise ValueError(f"There is no path {', '.join(sorted(unknown))} in the table: {', '.join(rows)}.")
    defaults = {"answer": limits.answer}
    return Routes(
        [Route(prefix=prefix, socket=others.get(prefix, backend), **defaults | row) for prefix, row in rows.items()]
    )
