"""The connection to libvirt: opened, watched, and made again when it breaks.

Law: a verb gets a living connection or Lost, at once. Going down and coming back are told to the owner, in turn; on
the way back `up` has read everything before anyone is told.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

import libvirt
from twisted.internet.base import DelayedCall
from twisted.logger import Logger

from ..errors import HypervisorError, Lost, TimedOut
from .background import Background
from .events import Told, ensure_event_loop, subscribe
from .lanes import Lane
from .refusals import translate
from .uri import Address

log = Logger()

OPEN_DEADLINE = 30.0
CLOSE_DEADLINE = 2.0
BACKOFF = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
KEEPALIVE = (5, 3)  # seconds between probes, and how many may stay unanswered


class Link:
    """`told(kind, uuid, numbers)`: an event, on libvirt's thread. `down()`: the connection broke. `up()`: it is
    back.
    """

    def __init__(
        self,
        reactor: Any,
        address: Address,
        lane: Lane,
        told: Told,
        down: Callable[[], None],
        up: Callable[[], Awaitable[None]],
    ):
        self._reactor, self._address, self._lane, self._told = reactor, address, lane, told
        self._down, self._up = down, up
        self._connection: libvirt.virConnect | None = None
        self._callbacks: list[int] = []
        self._retry: DelayedCall | None = None
        self._tries = 0
        self._background = Background()
        self._closed = False

    def need(self) -> libvirt.virConnect:
        if self._connection is None:
            raise Lost("The connection to libvirt is gone; it is being made again.")
        return self._connection

    async def open(self) -> None:
        """Connect. Raises HypervisorError in words; Lost where nobody answers."""
        ensure_event_loop()
        self._address.prepare()
        connection, callbacks = await self._lane.run(
            self._connect, OPEN_DEADLINE, "opening libvirt", late=self._too_late
        )
        if self._closed:
            self._let_go(connection, callbacks)
            raise Lost("The hypervisor was closed meanwhile.")
        self._connection, self._callbacks, self._tries = connection, callbacks, 0

    def _connect(self) -> tuple[libvirt.virConnect, list[int]]:
        try:
            connection = libvirt.open(self._address.uri)
        except libvirt.libvirtError as error:
            raise self._refused(error) from error
        if not self._address.embedded:
            connection.registerCloseCallback(self._broke, None)
            try:
                connection.setKeepAlive(*KEEPALIVE)
            except libvirt.libvirtError as error:
                log.info("no keepalive on {uri}: {error}", uri=self._address.uri, error=error)
        return connection, subscribe(connection, self._told)

    def _refused(self, error: libvirt.libvirtError) -> HypervisorError:
        text = str(error)
        if "libvirt-qemu" in text and "parse" in text:
            text += (
                " (libvirt wants that user to exist, even where another one is set: useradd --system libvirt-qemu)"
            )
        if "pid file" in text:
            text += f" (another process holds {self._address.root}; the embedded driver belongs to one)"
        return Lost(text) if not self._address.embedded else HypervisorError(text)

    def _broke(self, connection: libvirt.virConnect, reason: int, _: Any) -> None:
        self._reactor.callFromThread(self._lost, connection, reason)

    def suspect(self) -> None:
        """A call failed as if the connection were gone: treat it as gone."""
        if self._connection is not None:
            self._lost(self._connection, -1)

    def _lost(self, connection: libvirt.virConnect, reason: int) -> None:
        if self._closed or connection is not self._connection:
            return
        log.warn("libvirt is gone ({reason})", reason=reason)
        callbacks, self._connection, self._callbacks = self._callbacks, None, []
        self._background.spawn(self._release(connection, callbacks), "releasing a broken connection")
        self._down()
        self._later()

    def _later(self) -> None:
        if not self._closed:
            delay = BACKOFF[min(self._tries, len(BACKOFF) - 1)]
            self._tries += 1
            self._retry = self._reactor.callLater(
                delay, lambda: self._background.spawn(self._again(), "reconnecting")
            )

    async def _again(self) -> None:
        try:
            await self.open()
            await self._up()
        except HypervisorError as error:
            log.info("libvirt is still gone: {error}", error=error)
            await self.release()
            self._later()

    async def release(self) -> None:
        """Let the connection go; `open` makes a new one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await self._release(connection, self._callbacks)

    async def close(self) -> None:
        self._closed = True
        if self._retry is not None and self._retry.active():
            self._retry.cancel()
        self._background.close()
        await self.release()

    async def _release(self, connection: libvirt.virConnect, callbacks: list[int]) -> None:
        try:
            await self._lane.run(partial(self._let_go, connection, callbacks), CLOSE_DEADLINE, "closing libvirt")
        except TimedOut:
            log.warn("libvirt does not let go of its connection; it is left alone")

    def _too_late(self, result: Any) -> None:
        if isinstance(result, tuple):
            self._background.spawn(self._release(*result), "closing a connection that came late")

    @staticmethod
    def _let_go(connection: libvirt.virConnect, callbacks: list[int]) -> None:
        for identity in callbacks:
            with suppress(libvirt.libvirtError):  # it may have gone down with the connection
                connection.domainEventDeregisterAny(identity)
        try:
            connection.close()
        except libvirt.libvirtError as error:
            log.info("closing: {error}", error=translate(error))
