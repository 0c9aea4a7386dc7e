"""What all connections share: limits, paths, links to back ends, the census, the clock.

Law: handed in, never global.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from twisted.logger import Logger

from .access_log import AccessLog
from .backend import Pool
from .census import Census
from .limits import Limits
from .routes import Routes


class Site:
    """`names`: hosts that this server is called by, besides its addresses. `reactor` gives time and unix sockets."""

    def __init__(
        self,
        reactor: Any,
        limits: Limits,
        routes: Routes,
        names: Iterable[str],
        log: Logger,
        access_log: AccessLog | None = None,
    ):
        self.limits = limits
        self.routes = routes
        self.census = Census(limits)
        self.access_log = access_log
        self.now: Callable[[], float] = reactor.seconds
        """Seconds that only ever go forward."""
        self.default_host = b"localhost"
        """What a back end is told where a client of HTTP/1.0 names no host."""
        self._names = frozenset(name.lower().encode() for name in names)
        self._pools = {socket: Pool(reactor, socket, limits, log) for socket in routes.sockets()}

    def own_hosts(self, address: str) -> frozenset[bytes]:
        """The hosts that a request may name in an absolute URI where it was received at `address`."""
        return self._names | {address.lower().encode()}

    def pool(self, socket: str) -> Pool:
        return self._pools[socket]

    def sweep(self) -> None:
        now = self.now()
        self.census.sweep(now)
        for pool in self._pools.values():
            pool.sweep(now)

    def close_pools(self) -> None:
        for pool in self._pools.values():
            pool.close()
