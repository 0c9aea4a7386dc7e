"""One request on its way: from a client's connection to a link of a back end, and the answer back.

Law: back-pressure goes both ways. A client that does not read stops our reading of the answer; a back end that does
not read stops our reading of the body. What waits here is at most one read of either side. An answer that breaks off
is shown as broken: the client's connection is cut, never ended as if the answer were whole.
"""

from __future__ import annotations

from typing import Protocol

from .answers import OwnAnswer, away
from .backend import AnswerHead, Link, Pool
from .head import Head
from .rewriting import answer_head
from .tls import Wire


class Client(Protocol):
    """What an exchange asks of the client's connection."""

    wire: Wire

    def hold(self) -> None:
        """Take no more of the body for now: the back end is behind."""

    def go_on(self) -> None: ...

    def progressed(self) -> None:
        """A piece of the answer came: the time limit for the next one starts."""

    def unread(self) -> None:
        """The client does not read its answer: its time limit starts."""

    def refuse(self, own: OwnAnswer) -> None:
        """The proxy answers instead. The exchange is over."""

    def answered(self, *, keep: bool) -> None:
        """The answer is written whole. `keep`: the client was told that its connection stays open."""

    def cut(self) -> None:
        """The answer broke off."""


class Exchange:
    """`start` once, then `more` and `complete` while the body comes in; `abandon` when the client is gone."""

    def __init__(self, client: Client, head: Head, pool: Pool, *, strict_transport: bool):
        self.status = 0
        """Of the answer; 0 until it begins."""
        self.sent = 0
        """Bytes of the answer's body."""
        self.started = False
        self._client = client
        self._head = head
        self._pool = pool
        self._strict_transport = strict_transport
        self._link: Link | None = None
        self._waiting: list[bytes] = []  # of the request, until there is a link
        self._whole = False  # the request's body has come in
        self._over = False
        self._chunk_body = False  # to the back end
        self._chunk_answer = False
        self._keep = False
        self._held = False  # the client waits until there is a link
        self._feeds_link = False  # the client's body is the producer of the link's transport
        self._feeds_wire = False

    # The request.

    def start(self, head: bytes, body: bytes, *, whole: bool) -> None:
        """`head` is for the back end; it frames the body as chunked where its length is not known yet."""
        self.started = True
        self._chunk_body = not whole and self._head.length is None
        self._whole = whole
        self._waiting = [head, self._framed(body)]
        link = self._pool.take()
        if link is not None:
            self._linked(link)
            return
        if not whole:
            self._held = True
            self._client.hold()
        self._pool.open(self._linked, self._failed)

    def more(self, body: bytes) -> None:
        self._send(self._framed(body))

    def complete(self) -> None:
        """The body has come in whole."""
        self._whole = True
        if self._chunk_body:
            self._send(b"0\r\n\r\n")
        if self._feeds_link and self._link is not None:
            self._feeds_link = False
            self._link.fed()
            self._client.go_on()  # a client that waits for its answer is read, to notice when it leaves

    def abandon(self) -> None:
        """The client is gone, or was told something else: the back end learns it by losing its link."""
        if self._over:
            return
        link = self._finish()
        if link is not None:
            link.cut()

    def _framed(self, body: bytes) -> bytes:
        if self._chunk_body and body:
            return b"%x\r\n%b\r\n" % (len(body), body)
        return body

    def _send(self, data: bytes) -> None:
        if self._link is None:
            self._waiting.append(data)
        else:
            self._link.send(data)

    def _linked(self, link: Link) -> None:
        if self._over:
            link.release(clean=True)
            return
        self._link = link
        link.ask(self, bodiless=self._head.method == b"HEAD")
        opening = b"".join(self._waiting)
        self._waiting = []
        if not self._whole:
            self._feeds_link = True
            link.fed_by(_Body(self._client))
        if self._held:
            self._held = False
            self._client.go_on()
        link.send(opening)

    def _failed(self) -> None:
        if not self._over:
            self._finish()
            self._client.refuse(away())

    # The answer; the link calls these.

    def answer(self, head: AnswerHead | None, pieces: list[bytes], done: bool) -> None:
        out: list[bytes] = []
        if head is not None:
            out.append(self._begin(head))
        for piece in pieces:
            self.sent += len(piece)
            if self._chunk_answer:
                out += (b"%x\r\n" % len(piece), piece, b"\r\n")
            else:
                out.append(piece)
        if done and self._chunk_answer:
            out.append(b"0\r\n\r\n")
        if not done:
            self._client.progressed()
            if not self._feeds_wire:
                self._feeds_wire = True
                self._client.wire.fed_by(self)
        if out:
            self._client.wire.send(b"".join(out))
        if done and not self._over:
            link = self._finish()
            if link is not None:
                link.release(clean=self._whole)
            self._client.answered(keep=self._keep)

    def _begin(self, head: AnswerHead) -> bytes:
        asked = self._head
        self.status = head.status
        bodiless = asked.method == b"HEAD" or head.status in (204, 304)
        known_end = bodiless or head.length is not None
        self._chunk_answer = not known_end and asked.minor == 1
        self._keep = asked.keep_alive and self._whole and (known_end or self._chunk_answer)
        return answer_head(
            head,
            length=head.length if head.status != 204 else None,
            chunked=self._chunk_answer,
            keep=self._keep,
            say_keep=asked.minor == 0,
            strict_transport=self._strict_transport,
        )

    def broken(self) -> None:
        if self._over:
            return
        self._finish()
        if self.status:
            self._client.cut()
        else:
            self._client.refuse(OwnAnswer(502, "The service broke off before it answered."))

    def _finish(self) -> Link | None:
        """Let go of both sides; the link, if there was one."""
        self._over = True
        self._waiting = []
        link, self._link = self._link, None
        if self._feeds_wire:
            self._feeds_wire = False
            self._client.wire.fed()
        if self._feeds_link and link is not None:
            self._feeds_link = False
            link.fed()
        return link

    # The client's transport calls these (IPushProducer).

    def pauseProducing(self) -> None:
        if self._link is not None:
            self._link.pause()
        self._client.unread()

    def resumeProducing(self) -> None:
        if self._link is not None:
            self._link.resume()
        self._client.progressed()

    def stopProducing(self) -> None:
        self.abandon()


class _Body:
    """The body of a request as the producer of a link's transport."""

    def __init__(self, client: Client):
        self._client = client

    def pauseProducing(self) -> None:
        self._client.hold()

    def resumeProducing(self) -> None:
        self._client.go_on()

    def stopProducing(self) -> None:
        pass  # the link is lost; it says so itself
