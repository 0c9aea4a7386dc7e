"""Header fields on their way through: what a back end gets to see of a request, and a client of an answer.

Law: a head is written anew from what was understood of it. Fields of one hop end here, and the fields by which a back
end learns who asks (`X-Forwarded-For`, `X-Forwarded-Proto`) come from nobody but us.
"""

from __future__ import annotations

from .answers import status_line
from .head import Head
from .paths import Target

_ONE_HOP = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer transfer-encoding "
    b"upgrade http2-settings content-length".split()
)
_NOT_TO_BACKEND = _ONE_HOP | frozenset(b"host expect forwarded x-real-ip via".split())
_OURS = (b"x-forwarded-", b"x-vmsdk-")
_KEPT_TOKENS = frozenset((b"close", b"keep-alive", b"upgrade", b"te", b""))
_HSTS = b"Strict-Transport-Security: max-age=31536000\r\n"


def request_head(head: Head, target: Target, host: bytes, client: bytes, *, length: int | None) -> bytes:
    """The head that goes to the back end. `length` of the body: None is chunked. `client` is an address."""
    dropped = _NOT_TO_BACKEND
    if head.connection:
        named = [token for token in head.connection if token not in _KEPT_TOKENS]
        if named:
            dropped = dropped.union(named)
    lines = [b"%b %b HTTP/1.1\r\nhost: %b\r\n" % (head.method, target.wire(), host)]
    for name, value in head.fields:
        if name in dropped or (name[:1] == b"x" and name.replace(b"_", b"-").startswith(_OURS)):
            continue
        lines.append(b"%b: %b\r\n" % (name, value))
    lines.append(b"x-forwarded-for: %b\r\nx-forwarded-proto: https\r\n" % client)
    if length is None:
        lines.append(b"transfer-encoding: chunked\r\n\r\n")
    elif length or head.method not in (b"GET", b"HEAD", b"DELETE"):
        lines.append(b"content-length: %d\r\n\r\n" % length)
    else:
        lines.append(b"\r\n")
    return b"".join(lines)


def answer_head(
    status: int,
    fields: list[tuple[bytes, bytes]],
    *,
    length: bytes | None,
    chunked: bool,
    keep: bool,
    say_keep: bool,
    strict_transport: bool,
) -> bytes:
    """The head that goes to the client: `fields` as the back end spelt them, `length` its Content-Length.

    `say_keep`: a client of HTTP/1.0 must be told that its connection is kept.
    """
    dropped = _ONE_HOP
    lines = [status_line(status)]
    for name, value in fields:
        if name.lower() == b"connection":
            dropped = dropped.union(token.strip().lower() for token in value.split(b","))
    for name, value in fields:
        lower = name.lower()
        if lower in dropped or lower.startswith(b"x-vmsdk-"):
            continue
        if lower == b"strict-transport-security":
            strict_transport = False
        lines.append(b"%b: %b\r\n" % (name, value))
    if strict_transport:
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
