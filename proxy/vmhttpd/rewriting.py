"""Heads on their way through: a request's to the back end, an answer's to the client.

Law: a head is written anew from what was understood of it, so both ends of the proxy read the same.
"""

from __future__ import annotations

from .answers import status_line
from .backend import AnswerHead
from .fields import named_by_connection
from .head import Head
from .paths import Target

_WITHOUT_BODY = (b"GET", b"HEAD", b"DELETE")
_HSTS = b"Strict-Transport-Security: max-age=31536000\r\n"


def _left(lines: list[bytes], connection: list[bytes]) -> list[bytes]:
    named = named_by_connection(connection)
    return [line for line in lines if not line.lower().startswith(named)] if named else lines


def request_opening(head: Head, target: Target, host: bytes, client: bytes) -> bytes:
    """The head that goes to the back end, up to its framing. `client` is an address."""
    return b"%b %b HTTP/1.1\r\nhost: %b\r\n%bx-forwarded-for: %b\r\nx-forwarded-proto: https\r\n" % (
        head.method,
        target.wire(),
        host,
        b"".join(_left(head.lines, head.connection) if head.connection else head.lines),
        client,
    )


def framing(head: Head, length: int | None) -> bytes:
    """The end of the head that goes to the back end. `length` of the body: None is chunked."""
    if length is None:
        return b"transfer-encoding: chunked\r\n\r\n"
    if length or head.method not in _WITHOUT_BODY:
        return b"content-length: %d\r\n\r\n" % length
    return b"\r\n"


def answer_head(
    head: AnswerHead, *, length: bytes | None, chunked: bool, keep: bool, say_keep: bool, strict_transport: bool
) -> bytes:
    """The head that goes to the client. `length`: its Content-Length, as the back end wrote it.

    `say_keep`: a client of HTTP/1.0 must be told that its connection is kept.
    """
    lines = [status_line(head.status), *(_left(head.lines, head.connection) if head.connection else head.lines)]
    if strict_transport and not head.strict_transport:
        lines.append(_HSTS)
    if chunked:
        lines.append(b"Transfer-Encoding: chunked\r\n")
    elif length is not None:
        lines.append(b"Content-Length: %b\r\n" % length)
    if not keep:
        lines.append(b"Connection: close\r\n")
    elif say_keep:
        lines.append(b"Connection: keep-alive\r\n")
    lines.append(b"\r\n")
    return b"".join(lines)
