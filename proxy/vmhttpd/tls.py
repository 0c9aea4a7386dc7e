"""TLS on a TCP connection: bytes of the net on one side, a ClientConnection on the other.

Law: knows no HTTP. Python's own `ssl` on memory buffers, since Twisted's TLS (pyOpenSSL, cffi) takes 80 us of CPU
for an exchange of 1 KB where this takes 30 (bench/proxy_bench.py --floors). Encryption happens as we write, so
back-pressure is that of the TCP transport below. Renegotiation is off: a write never waits for a read.
"""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from typing import Any, Protocol

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.python.failure import Failure

from .sending import send_now

_RECORD = 16384
_HANDSHAKE = 0x16  # the first byte of every TLS connection
_PLAIN_HTTP = (
    b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 28\r\n\r\nThis port speaks HTTPS only.\n"[:-1]
)
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
# A peer that is gone without a word while it waits for us is noticed after two minutes.
_KEEPALIVE = {socket.TCP_KEEPIDLE: 60, socket.TCP_KEEPINTVL: 15, socket.TCP_KEEPCNT: 4}


def server_context(certificate: str, key: str) -> ssl.SSLContext:
    """TLS 1.2 and 1.3, forward secrecy and authenticated ciphers only. Raises OSError or ssl.SSLError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(certificate, key)
    return context


class Upper(Protocol):
    """What a wire talks to."""

    def secured(self) -> None:
        """The handshake is done."""

    def received(self, data: bytes) -> None: ...

    def farewell(self) -> None:
        """The client says that it sends no more."""

    def lost(self) -> None:
        """The connection is gone; said once."""


class Wire(TwistedProtocol):
    """One client's connection. `upper` is set by the factory that made it."""

    upper: Upper
    transport: Any

    def __init__(self, context: ssl.SSLContext):
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._begun = False
        self._secure = False
        self._closed = False

    # From the net.

    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(True)
        self.transport.setTcpKeepAlive(True)
        for option, value in _KEEPALIVE.items():
            self.transport.socket.setsockopt(socket.IPPROTO_TCP, option, value)

    def dataReceived(self, data: bytes) -> None:
        if not self._begun:
            self._begun = True
            if data[0] != _HANDSHAKE:
                self.transport.write(_PLAIN_HTTP)
                self.transport.loseConnection()
                self._closed = True
                return
        self._incoming.write(data)
        if not self._secure and not self._shake_hands():
            return
        while not self._closed and (self._incoming.pending or self._tls.pending()):
            try:
                plain = self._tls.read(_RECORD)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLZeroReturnError:
                self.upper.farewell()
                return
            except ssl.SSLError:
                self._flush()  # the alert that says why
                self.abort()
                return
            if plain:
                self.upper.received(plain)
        if self._outgoing.pending:
            self._flush()

    def _shake_hands(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return False
        except ssl.SSLError:
            self._flush()  # the alert that says why
            self._closed = True
            self.transport.loseConnection()
            return False
        self._secure = True
        self._flush()
        self.upper.secured()
        return True

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._closed = True
        self.upper.lost()

    # From above.

    def send(self, data: bytes) -> None:
        """Encrypt and write."""
        if self._closed:
            return
        try:
            sent = self._tls.write(data)
            while sent < len(data):
                sent += self._tls.write(memoryview(data)[sent:])
        except ssl.SSLError:  # the peer broke the protocol; reading would say so next
            self.abort()
            return
        self._flush()

    def _flush(self) -> None:
        if self._outgoing.pending:
            send_now(self.transport, self._outgoing.read())

    def pause(self) -> None:
        """Read no more from the client. What has been read already is still delivered."""
        self.transport.pauseProducing()

    def resume(self) -> None:
        self.transport.resumeProducing()

    def fed_by(self, producer: Any) -> None:
        """`producer` (IPushProducer) is paused while the client does not read what we write."""
        self.transport.registerProducer(producer, True)

    def fed(self) -> None:
        """The producer has no more."""
        self.transport.unregisterProducer()

    def close(self) -> None:
        """Say farewell, and close when all is written."""
        if self._closed:
            return
        self._closed = True
        if self._secure:
            with suppress(ssl.SSLError):
                self._tls.unwrap()  # writes our farewell and would wait for theirs
            self._flush()
        self.transport.loseConnection()

    def abort(self) -> None:
        """Close now; what is not written is lost, and the client sees that its answer is cut short."""
        self._closed = True
        self.transport.abortConnection()


class WireFactory(Factory):
    """Makes a Wire and its upper side for each connection, with the certificate of the moment."""

    noisy = False

    def __init__(self, context: ssl.SSLContext, enter: Any):
        self.context = context
        """New connections use it; assigning another one renews the certificate."""
        self._enter = enter

    def buildProtocol(self, address: IAddress | None) -> Wire | None:
        """`enter(wire, peer)` gives the upper side, or None for a connection that is dropped."""
        wire = Wire(self.context)
        upper = self._enter(wire, address)
        if upper is None:
            return None
        wire.upper = upper
        return wire
