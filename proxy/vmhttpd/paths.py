"""The one grammar of request targets: a target is made canonical, or refused.

Law: pure, and of the standard library only, since the daemon holds what it is sent to the same grammar: proxy and
back end that read a path differently are the classic way past a proxy. `canonical_target` is idempotent, and the
proxy never sends on a target that it would change.

The grammar. A path is decoded once. `..`, `.`, empty segments (`//`), `;`, `\\`, `#`, control characters, NUL,
ill-formed percent signs and anything that is not plain UTF-8 (overlong forms, surrogates) are refused, encoded or
not. Outside `/folder` only the unreserved characters and `! $ & ' ( ) * + , = : @` may stand in a path, so `%2F` and
`%25` are refused too. Below `/folder/` stand names of files: any character but those refused above, an encoded `;` or
`#` included, and an encoded slash is a slash (`/folder/acc-1%2Facc-1.vmx`). A name may hold a percent sign (vSphere
writes `/` in a machine's name as `%2f`), so `%252f` is the three characters `%2f` there and stays so.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote_from_bytes, unquote_to_bytes

LONGEST_TARGET = 16 * 1024
LONGEST_PATH = 4096  # bytes, decoded
LONGEST_SEGMENT = 255  # bytes, decoded: no file system here has longer names

_FOLDER = b"/folder/"
_PLAIN_CHARACTERS = r"A-Za-z0-9_~!$&'()*+,=:@\-"
# A path that is canonical as it stands; a segment that begins with a dot is looked at more closely.
_PLAIN = re.compile(rb"/|(?:/[%b][%b.]*)+/?" % ((_PLAIN_CHARACTERS.encode(),) * 2))
_RAW = re.compile(rb"/[%b./%%]*" % _PLAIN_CHARACTERS.encode())
_RAW_IN_FOLDER = re.compile(rb"/[%b./%%\[\]{}]*" % _PLAIN_CHARACTERS.encode())
_DECODED = re.compile(rf"/[{_PLAIN_CHARACTERS}./]*")
_ENCODED_SLASH = re.compile(rb"%2[Ff]")
_BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_QUERY = re.compile(rb"(?:[!$-\[\]-~]|\")*")  # visible ASCII but `#` and `\`
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)
_SAFE = "/!$&'()*+,=:@"


class BadTarget(ValueError):
    """A target outside the grammar. `str()` says why, in words fit for the client; `status` is the HTTP status."""

    def __init__(self, why: str, status: int = 400):
        super().__init__(why)
        self.status = status


class Target(NamedTuple):
    """A canonical target: `path` percent-encoded in the one way, `query` as sent (None: none)."""

    path: bytes
    query: bytes | None
    authority: bytes | None = None
    """The host of an absolute-form target, as sent; who it must be is the caller's question."""

    def text(self) -> str:
        """The decoded path."""
        return unquote_to_bytes(self.path).decode("utf-8")

    def wire(self) -> bytes:
        """The target in origin form, to be written into a request line."""
        return self.path if self.query is None else self.path + b"?" + self.query


def canonical_target(raw: bytes) -> Target:
    """The canonical form of a request line's target. Raises BadTarget (400, or 414 for one too long)."""
    if len(raw) > LONGEST_TARGET:
        raise BadTarget("The target is too long.", 414)
    authority = None
    if not raw.startswith(b"/"):
        absolute = _ABSOLUTE.fullmatch(raw)
        if absolute is None:
            raise BadTarget("The target is neither a path nor an absolute URI.")
        authority, raw = absolute.groups()
        if not raw.startswith(b"/"):
            raw = b"/" + raw
    path, mark, query = raw.partition(b"?")
    if query and not _QUERY.fullmatch(query):
        raise BadTarget("The query holds a character that must be encoded.")
    if query and (_BAD_PERCENT.search(query) or b"%00" in query):
        raise BadTarget("The query is not percent-encoded as it should be.")
    return Target(canonical_path(path), query if mark and query else None, authority)


def canonical_path(raw: bytes) -> bytes:
    """The canonical form of a path (no query). Raises BadTarget."""
    if len(raw) <= LONGEST_SEGMENT and _PLAIN.fullmatch(raw):
        return raw
    in_folder = raw.startswith(_FOLDER)
    if not (_RAW_IN_FOLDER if in_folder else _RAW).fullmatch(raw):
        raise BadTarget("The path holds a character that may not stand there.")
    if _BAD_PERCENT.search(raw):
        raise BadTarget("The path is not percent-encoded as it should be.")
    if not in_folder and _ENCODED_SLASH.search(raw):
        raise BadTarget("An encoded slash may stand below /folder/ only.")
    decoded = unquote_to_bytes(raw)
    if len(decoded) > LONGEST_PATH:
        raise BadTarget("The path is too long.", 414)
    try:
        text = decoded.decode("utf-8")
    except UnicodeDecodeError:
        raise BadTarget("The path is not UTF-8.") from None
    if _CONTROL.search(text) or "\\" in text:
        raise BadTarget("The path holds a control character or a backslash.")
    if not in_folder and not _DECODED.fullmatch(text):
        raise BadTarget("The path holds a character that may not stand there.")
    segments = decoded[1:].split(b"/")
    if segments[-1] == b"":
        segments.pop()  # one slash at the end is a form of its own: /sdk/
    for segment in segments:
        if segment in (b"", b".", b".."):
            raise BadTarget("The path holds an empty segment, `.` or `..`.")
        if len(segment) > LONGEST_SEGMENT:
            raise BadTarget("A name in the path is too long.", 414)
    return quote_from_bytes(decoded, safe=_SAFE).encode("ascii")
