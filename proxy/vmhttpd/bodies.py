"""Where a request's body ends: by its length, or chunk by chunk. Law: strict, and no buffer but for one short line.

Both kinds have `feed(data) -> (body bytes, what follows the body)` and `done`. They raise OwnAnswer.
"""

from __future__ import annotations

import re

from .answers import OwnAnswer
from .head import bad

_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?\r\n")
_TRAILER_LINE = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n")
_LONGEST_LINE = 512  # a chunk's size with its extensions, which are dropped
_LONGEST_TRAILERS = 8192  # these are dropped as well
# Chunks smaller than this on average cost more to read than they carry; the first few thousand are free.
_SMALLEST_CHUNK = 16
_FREE_CHUNKS = 4096


class CountedBody:
    """A body of a known length."""

    def __init__(self, length: int):
        self._left = length
        self.done = not length

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        if len(data) < self._left:
            self._left -= len(data)
            return data, b""
        piece, rest = data[: self._left], data[self._left :]
        self._left = 0
        self.done = True
        return piece, rest


class ChunkedBody:
    """A chunked body of at most `most` bytes (None: any number). Extensions and trailers are checked and dropped."""

    def __init__(self, most: int | None):
        self.done = False
        self._most = most
        self._total = 0
        self._chunks = 0
        self._left = 0  # bytes of the running chunk, its CRLF included
        self._line = b""
        self._trailers: int | None = None  # bytes of trailers once the last chunk was met

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        pieces: list[bytes] = []
        at = 0
        while at < len(data) and not self.done:
            if self._left:
                at = self._take_chunk(data, at, pieces)
                continue
            end = data.find(b"\n", at) + 1
            self._line += data[at : end or len(data)]
            if len(self._line) > (_LONGEST_LINE if self._trailers is None else _LONGEST_TRAILERS):
                raise bad("A line of the chunked body is too long.")
            if not end:
                return b"".join(pieces), b""
            at = end
            line, self._line = self._line, b""
            if self._trailers is None:
                self._take_size(line)
            else:
                self._take_trailer(line)
        return b"".join(pieces), data[at:]

    def _take_chunk(self, data: bytes, at: int, pieces: list[bytes]) -> int:
        """Up to the end of the running chunk and its CRLF."""
        content = self._left - 2
        if content > 0:
            piece = data[at : at + content]
            pieces.append(piece)
            self._left -= len(piece)
            return at + len(piece)
        if data[at] != b"\r\n"[-self._left]:
            raise bad("A chunk does not end where its size says.")
        self._left -= 1
        return at + 1

    def _take_size(self, line: bytes) -> None:
        match = _SIZE_LINE.fullmatch(line)
        if match is None:
            raise bad("The size of a chunk is malformed.")
        size = int(match[1], 16)
        if size == 0:
            self._trailers = 0
            return
        self._left = size + 2
        self._total += size
        self._chunks += 1
        if self._most is not None and self._total > self._most:
            raise too_large()
        if self._chunks > _FREE_CHUNKS and self._total < self._chunks * _SMALLEST_CHUNK:
            raise bad("The chunks of the body are too small.")

    def _take_trailer(self, line: bytes) -> None:
        if line == b"\r\n":
            self.done = True
            return
        self._trailers = (self._trailers or 0) + len(line)
        if self._trailers > _LONGEST_TRAILERS or not _TRAILER_LINE.fullmatch(line):
            raise bad("The trailers of the chunked body are malformed or too long.")


def too_large() -> OwnAnswer:
    return bad("The body is too large for this path.", 413)
