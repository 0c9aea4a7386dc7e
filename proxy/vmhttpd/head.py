"""The head of a request: bytes to a Head, or the answer that says what is wrong with it.

Law: strict. httptools (llhttp) reads the head and is itself strict about what smuggles: white space before a colon,
folded lines, bare LF or CR, control characters, Content-Length with Transfer-Encoding, two or ill-formed lengths.
What it lets pass is refused here: other protocols and versions, codings before `chunked`, `chunked` from HTTP/1.0, a
second Host. tests/proxy/test_smuggling.py holds both to it. A parser reads one head and no byte more: what follows is
framed by bodies.py, so a request's end is never a matter of opinion.
"""

from __future__ import annotations

import re

import httptools

from .answers import OwnAnswer
from .authority import split_authority
from .fields import NOT_TO_BACKEND, is_ours, tokens
from .limits import Limits

REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([!-~]+) HTTP/([0-9])\.([0-9])\r\n")
METHODS = frozenset(b"GET HEAD POST PUT DELETE OPTIONS PATCH TRACE CONNECT".split())
SESSION_COOKIE = b"vmware_soap_session"
_DIGITS = re.compile(rb"[0-9]{1,18}")


class Head:
    """A request's head. `length` is None where the body is chunked."""

    __slots__ = (
        "connection",
        "expects_continue",
        "host",
        "keep_alive",
        "length",
        "lines",
        "method",
        "minor",
        "origin",
        "session",
        "special",
        "target",
        "upgrade",
    )

    def __init__(self) -> None:
        self.method = b""
        self.target = b""
        self.minor = 1
        """The minor version: HTTP/1.0 or HTTP/1.1."""
        self.lines: list[bytes] = []
        """What the back end gets to see, a line for each field; names are in lower case here and below."""
        self.special: list[tuple[bytes, bytes]] = []
        """What means something to a proxy, or is none of a back end's business."""
        self.host: bytes | None = None
        self.length: int | None = 0
        self.connection: list[bytes] = []
        """The tokens of Connection, in lower case."""
        self.keep_alive = True
        self.expects_continue = False
        self.session = False
        """It carries a session's cookie (whether a good one is for the back end to say)."""
        self.origin: bytes | None = None
        self.upgrade: bytes | None = None

    # httptools calls these two.
    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name in _SPECIAL or name[:1] == b"x":
            self.special.append((name, value))
        else:
            self.lines.append(b"%b: %b\r\n" % (name, value))


def bad(text: str, status: int = 400) -> OwnAnswer:
    return OwnAnswer(status, text, close=True)


def check_request_line(begin: bytes) -> re.Match[bytes]:
    """Match a request line, whole with its CRLF. Raises OwnAnswer."""
    match = REQUEST_LINE.match(begin)
    if match is None:
        raise bad("The request line is not one of HTTP/1.1.")
    if match[3] != b"1" or match[4] not in b"01":
        raise bad("HTTP/1.0 and HTTP/1.1 are spoken here.", 505)
    if match[1] not in METHODS:
        raise bad("This method is not known here.", 501)
    return match


def parse_head(data: bytes, limits: Limits) -> Head:
    """The head in `data`, which ends with the empty line. Raises OwnAnswer."""
    line = check_request_line(data)
    head = Head()
    head.method = line[1]
    head.minor = line[4][0] - ord("0")
    try:
        httptools.HttpRequestParser(head).feed_data(data)
    except httptools.HttpParserUpgrade:
        pass  # it stops where another protocol would begin: at the end of `data`
    except httptools.HttpParserError as error:
        if any(name == b"transfer-encoding" and value.lower() != b"chunked" for name, value in head.special):
            raise bad("Of the transfer codings, `chunked` alone is known here.", 501) from None
        raise bad(f"The request is malformed: {error.args[0]}.") from None
    if len(head.lines) + len(head.special) > limits.head_fields:
        raise bad("The request has too many header fields.", 431)
    head.keep_alive = head.minor == 1
    _read_special(head)
    return head


def _read_special(head: Head) -> None:
    seen: set[bytes] = set()
    for name, value in head.special:
        if name in _READERS:
            if name in seen:
                raise bad(f"A request has one {name.decode()} header.")
            seen.add(name)
            _READERS[name](head, value.strip(b" \t"))
        elif name == b"cookie":
            head.session = head.session or SESSION_COOKIE in value
        elif name == b"connection":
            head.connection += tokens(value)
        if name not in NOT_TO_BACKEND and not is_ours(name):
            head.lines.append(b"%b: %b\r\n" % (name, value))
    if head.connection:
        if b"close" in head.connection:
            head.keep_alive = False
        elif head.minor == 0:
            head.keep_alive = b"keep-alive" in head.connection
    if head.host is None and head.minor == 1:
        raise bad("A request of HTTP/1.1 names its Host.")


def _read_host(head: Head, value: bytes) -> None:
    if split_authority(value) is None:
        raise bad("The Host header is not a host and a port.")
    head.host = value


def _read_length(head: Head, value: bytes) -> None:
    if not _DIGITS.fullmatch(value):
        raise bad("The Content-Length is no length.")
    if head.length is None:
        raise bad("A body is either chunked or has a length.")
    head.length = int(value)


def _read_coding(head: Head, value: bytes) -> None:
    if value.lower() != b"chunked":
        raise bad("Of the transfer codings, `chunked` alone is known here.", 501)
    if head.minor == 0:
        raise bad("HTTP/1.0 has no chunked bodies.")
    head.length = None


def _read_expect(head: Head, value: bytes) -> None:
    if value.lower() != b"100-continue":
        raise bad("Of the expectations, `100-continue` alone is known here.", 417)
    head.expects_continue = head.minor == 1


def _read_origin(head: Head, value: bytes) -> None:
    head.origin = value


def _read_upgrade(head: Head, value: bytes) -> None:
    head.upgrade = value.lower()


def _read_session(head: Head, value: bytes) -> None:
    head.session = True


_READERS = {
    b"host": _read_host,
    b"content-length": _read_length,
    b"transfer-encoding": _read_coding,
    b"expect": _read_expect,
    b"origin": _read_origin,
    b"upgrade": _read_upgrade,
    b"vmware-api-session-id": _read_session,
}
_SPECIAL = NOT_TO_BACKEND | frozenset(_READERS) | {b"cookie"}
