"""Every number that bounds what a client or a back end may cost: seconds, bytes, counts. Law: facts only."""

from __future__ import annotations

import msgspec

KiB = 1024
MiB = 1024 * KiB
DAY = 86400.0


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Durations are seconds, sizes are bytes. `--limit NAME=VALUE` sets one of them."""

    # Connections.
    connections: int = 4000
    """Open connections in all; one more is answered 503 and closed."""
    connections_per_address: int = 1000
    """The same for one IPv4 address or one IPv6 /64."""
    refused_connections: int = 64
    """Connections over the caps that are open at one time to be told 503; past that they are dropped untold."""
    handshake: float = 20.0
    idle_new: float = 60.0
    """Idle time of a connection that has carried no session cookie yet."""
    idle_session: float = 1000.0
    """Idle time once it has. pyVmomi reuses a connection that was idle for up to 900 s."""
    linger: float = 2.0
    """How long what a refused client still sends is read and dropped, so that it gets to read its answer."""
    closing: float = 5.0
    """How long a closed connection may take to drain what was written before it is cut."""

    # Requests.
    head_time: float = 20.0
    """From the first byte of a request's head to its last."""
    head_bytes: int = 32 * KiB
    head_fields: int = 100
    body_stall: float = 30.0
    body_rate: int = 1024
    """A body must come in at this many bytes a second, `body_stall` seconds of credit given."""
    sdk_body: int = 16 * MiB
    page_body: int = 1 * MiB
    gather: int = 64 * KiB
    """A body up to this size is read whole before a back end hears of the request: slow clients cost it nothing."""
    pipelined: int = 64 * KiB
    """What a client may send ahead while its last request is being answered."""

    # Answers.
    answer: float = 600.0
    """Until an answer begins, and between two pieces of it. Else 504, or the connection is cut."""
    long_poll: float = DAY
    """The same for paths where a client may wait for something to happen (/sdk)."""
    reader_stall: float = 300.0
    """How long a client may leave an answer unread once the buffers are full."""

    # Back ends.
    connect: float = 5.0
    backend_idle: float = 30.0
    """A kept connection to a back end is closed after this; the back end's own limit must be longer."""
    backend_idle_connections: int = 64

    # The process.
    sweep: float = 1.0
    """How often deadlines are looked at, so their resolution."""
    grace: float = 2.0
    """What running answers get at SIGTERM before they are cut."""
