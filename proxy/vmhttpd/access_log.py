"""One line per answer: when, who, what, how it went. Law: no query, no cookie, no ticket; a line per request, always.

Paths are canonical and addresses are ours, so nothing that a client sends can forge a line.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime

CLIENT_LEFT = 499
"""Logged for a request whose client went, or had to be cut off, before its answer was whole."""


class AccessLog:
    """Appends to the file at `path`; `reopen` after it was rotated."""

    def __init__(self, path: str):
        self._path = path
        self.reopen()

    def reopen(self) -> None:
        """Raises OSError, and goes on with the old file, when the file cannot be opened."""
        opened = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        previous, self._file = getattr(self, "_file", None), opened
        if previous is not None:
            os.close(previous)

    def line(self, address: str, method: bytes, path: bytes, status: int, sent: int, seconds: float) -> None:
        """`sent`: bytes of the answer's body. A disk that is full costs lines, not answers."""
        when = datetime.now(UTC).isoformat(timespec="milliseconds")
        text = f"{when} {address} {method.decode()} {path.decode()} {status} {sent} {seconds:.4f}\n"
        with suppress(OSError):
            os.write(self._file, text.encode())

    def close(self) -> None:
        os.close(self._file)
