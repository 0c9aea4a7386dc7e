"""A client's connection: requests are read one after another, and each is answered before the next is looked at.

Law: one request at a time, so answers are in order and pipelining costs no more than `Limits.pipelined` bytes.
Nothing waits without a deadline. What cannot be framed with certainty ends the connection.

The hand-over of a WebSocket (/ticket) will leave from `_take_head`: there the request is judged, and `_buffer` holds
exactly what followed its head. Until then no upgrade is granted: the request is passed on as the GET it also is.
"""

from __future__ import annotations

from enum import Enum, auto

from .access_log import CLIENT_LEFT
from .answers import CONTINUE, OwnAnswer, away
from .exchange import Exchange
from .head import Head, check_request_line, parse_head
from .judge import judge, target_of
from .paths import LONGEST_TARGET, Target
from .rewriting import request_opening
from .routes import Route
from .site import Site
from .tls import Wire
from .turn import Turn

_REMEMBERED = 2048  # bytes of a head


class State(Enum):
    HANDSHAKE = auto()
    HEAD = auto()
    """Idle, or within a head."""
    BODY = auto()
    ANSWER = auto()
    """The request is in; its answer is not out."""
    DRAINING = auto()
    """The last answer is out; what the client still sends is dropped."""
    CLOSING = auto()


class ClientConnection:
    """The upper side of a Wire, and the client of its Exchange."""

    def __init__(self, site: Site, wire: Wire, address: str):
        self.wire = wire
        self.address = address
        self.over_cap = False
        """It is one connection too many: it gets 503 and nothing else."""
        self._site = site
        self._limits = site.limits
        self._now = site.now
        self.deadline = self._now() + self._limits.handshake
        self._state = State.HANDSHAKE
        self._own_hosts: frozenset[bytes] = frozenset()
        self._buffer = b""
        self._said = b""
        self._meant: tuple[Head, Target, Route, bytes]
        self._turn: Turn | None = None
        self._busy = False  # within _advance, which goes on by itself
        self._session = False
        self._held = False  # a back end is behind with the body, so the client is not read
        self._last = False  # the request at hand is the last one here

    # From the wire.

    def secured(self) -> None:
        self._state = State.HEAD
        self._own_hosts = self._site.own_hosts(self.wire.transport.getHost().host)
        self._set_deadline(self._limits.idle_new)
        if self.over_cap:
            self.refuse(away("Too many connections are open."))

    def received(self, data: bytes) -> None:
        state = self._state
        if state is State.DRAINING or state is State.CLOSING:
            return
        self._buffer = self._buffer + data if self._buffer else data
        if state is State.ANSWER:
            if len(self._buffer) > self._limits.pipelined:
                self.wire.pause()
        elif not self._busy:
            self._advance()

    def farewell(self) -> None:
        if self._state is State.HEAD or self._state is State.DRAINING:
            self._end(drain=False)
        else:
            self.wire.abort()

    def lost(self) -> None:
        self._state = State.CLOSING
        self._buffer = b""
        turn, self._turn = self._turn, None
        if turn is not None and turn.exchange is not None:
            turn.exchange.abandon()
            self._log(turn, CLIENT_LEFT)
        self._site.census.leave(self)

    # Reading requests.

    def _advance(self) -> None:
        self._busy = True
        try:
            while self._buffer:
                if self._state is State.HEAD:
                    if not self._take_head():
                        break
                elif self._state is State.BODY:
                    self._take_body()
                else:
                    break
        finally:
            self._busy = False

    def _take_head(self) -> bool:
        """Go on with the head in the buffer; False when it is not all there."""
        if self._buffer.startswith(b"\r\n"):
            self._buffer = self._buffer[2:]  # some clients end a body with one too many
            if not self._buffer:
                return False
        turn = self._turn
        if turn is None:
            turn = self._turn = Turn(self._now())
            self._set_deadline(self._limits.head_time)
        end = self._buffer.find(b"\r\n\r\n") + 4
        try:
            if end == 3 or end > self._limits.head_bytes:
                self._check_incomplete_head()
                return False
            data, self._buffer = self._buffer[:end], self._buffer[end:]
            head, route = self._understand(data, turn)
        except OwnAnswer as own:
            self.refuse(own)
            return True
        if head.length != 0:
            self._state = State.BODY
            self._set_deadline(self._limits.body_stall)
        else:
            self._state = State.ANSWER
            self._set_deadline(route.answer)
        exchange = Exchange(self, head, self._site.pool(route.socket), strict_transport=route.strict_transport)
        turn.begin(exchange)
        if head.expects_continue and head.length != 0 and not self._buffer:
            self.wire.send(CONTINUE)
        return True

    def _understand(self, data: bytes, turn: Turn) -> tuple[Head, Route]:
        """Fill the turn from a whole head. Raises OwnAnswer.

        Clients say the same head again and again on a connection, so the last good one is remembered.
        """
        if data == self._said:
            turn.head, turn.target, turn.route, turn.opening = self._meant
            return self._meant[0], self._meant[2]
        turn.head = head = parse_head(data, self._limits)
        self._session = self._session or head.session
        turn.target = target = target_of(head, self._own_hosts)
        turn.route = route = judge(head, target, self._site.routes)
        host = target.authority or head.host or self._site.default_host
        turn.opening = request_opening(head, target, host, self.address.encode())
        if len(data) <= _REMEMBERED:
            self._said, self._meant = data, (head, target, route, turn.opening)
        return head, route

    def _check_incomplete_head(self) -> None:
        """Raises OwnAnswer for a head that cannot become a good one."""
        line_end = self._buffer.find(b"\n") + 1
        if line_end:
            check_request_line(self._buffer[:line_end])
        elif len(self._buffer) > LONGEST_TARGET:
            raise OwnAnswer(414, "The target is too long.", close=True)
        if len(self._buffer) > self._limits.head_bytes:
            raise OwnAnswer(431, "The header fields are too large.", close=True)

    def _take_body(self) -> None:
        turn = self._turn
        assert turn is not None and turn.exchange is not None and turn.body is not None and turn.route is not None
        try:
            size, self._buffer = turn.feed(self._buffer, self._limits.gather)
        except OwnAnswer as own:
            turn.exchange.abandon()
            if turn.exchange.status:
                self.cut()  # an answer is under way already
            else:
                self.refuse(own)
            return
        if self._turn is not turn or self._state is not State.BODY:
            return
        if turn.body.done:
            self._state = State.ANSWER
            self._set_deadline(turn.route.answer)
        elif not self._held:
            limits = self._limits
            self.deadline = min(self._now() + limits.body_stall, self.deadline + size / limits.body_rate)

    # From the exchange.

    def hold(self) -> None:
        self._held = True
        self.wire.pause()
        self._set_deadline(self._limits.answer)

    def go_on(self) -> None:
        self._held = False
        self.wire.resume()
        if self._state is State.BODY:
            self._set_deadline(self._limits.body_stall)

    def progressed(self) -> None:
        if self._state is State.ANSWER:
            self._set_deadline(self._limits.answer)

    def unread(self) -> None:
        self._set_deadline(self._limits.reader_stall)

    def refuse(self, own: OwnAnswer) -> None:
        turn = self._turn
        head = turn.head if turn is not None else None
        keep = (
            turn is not None
            and turn.body_is_in
            and head is not None
            and head.keep_alive
            and head.minor == 1
            and not (own.close or self._last)
        )
        self.wire.send(own.wire(close=not keep, with_body=head is None or head.method != b"HEAD"))
        self._over(own.status, keep)

    def answered(self, *, keep: bool) -> None:
        self._over(0, keep and not self._last)

    def cut(self) -> None:
        turn, self._turn = self._turn, None
        if turn is not None:
            self._log(turn, CLIENT_LEFT)
        self._state = State.CLOSING
        self.wire.abort()

    def _over(self, status: int, keep: bool) -> None:
        """The answer is out: on to the next request, or to the end."""
        turn, self._turn = self._turn, None
        if turn is not None:
            self._log(turn, status)
        if not keep:
            self._end(drain=turn is None or not turn.body_is_in or bool(self._buffer))
            return
        self._state = State.HEAD
        self._held = False
        self._set_deadline(self._limits.idle_session if self._session else self._limits.idle_new)
        self.wire.resume()
        if self._buffer and not self._busy:
            self._advance()

    def _end(self, *, drain: bool) -> None:
        """Close after the last answer. A client that may still be sending is read on for a moment: closing under it
        would reset the connection, and with it the answer that says why."""
        self._buffer = b""
        if drain and self._limits.linger:
            self._state = State.DRAINING
            self._set_deadline(self._limits.linger)
            self.wire.resume()
            return
        self._state = State.CLOSING
        self._set_deadline(self._limits.closing)
        self.wire.close()

    # Deadlines and the end.

    def _set_deadline(self, seconds: float) -> None:
        self.deadline = self._now() + seconds

    def overdue(self, now: float) -> None:
        self.deadline = now + 1.0
        state, turn = self._state, self._turn
        if state is State.DRAINING or (state is State.HEAD and turn is None):
            self._end(drain=False)
        elif state is State.HEAD:
            self.refuse(OwnAnswer(408, "The request took too long to come in.", close=True))
        elif turn is not None and turn.exchange is not None:
            turn.exchange.abandon()
            if turn.exchange.status:
                self.cut()
            elif state is State.BODY:
                self.refuse(OwnAnswer(408, "The body took too long to come in.", close=True))
            else:
                self.refuse(OwnAnswer(504, "The service did not answer in time."))
        else:
            self.wire.abort()

    def finish(self) -> None:
        """The process is ending: close when idle, else after the answer that is under way."""
        self._last = True
        if self._state is State.HEAD:
            self._end(drain=False)
        elif self._state is State.HANDSHAKE:
            self.wire.abort()

    def _log(self, turn: Turn, status: int) -> None:
        if self._site.access_log is not None:
            turn.log(self._site.access_log, self.address, status, self._now())
