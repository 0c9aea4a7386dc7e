"""The kernel's and the system's files that tell about the host, read so that a missing one is no error.

Law: containers, virtual machines and odd boards lack any of them; whoever reads says what a missing fact becomes.
"""

from __future__ import annotations

import os


class HostFiles:
    """`root`: the folder that stands for / (another one in tests)."""

    def __init__(self, root: str = "/"):
        self._root = root

    def path(self, path: str) -> str:
        return os.path.join(self._root, path.lstrip("/"))

    def text(self, path: str, limit: int = 1 << 22) -> str:
        """The file's text without white space around it; empty where it cannot be read."""
        try:
            with open(self.path(path), "rb") as file:
                return file.read(limit).decode(errors="replace").strip()
        except OSError:
            return ""

    def number(self, path: str, base: int = 10) -> int | None:
        try:
            return int(self.text(path), base)
        except ValueError:
            return None

    def names(self, path: str) -> list[str]:
        """What a folder holds, sorted; nothing where it is not there."""
        try:
            return sorted(os.listdir(self.path(path)))
        except OSError:
            return []

    def target(self, path: str) -> str:
        """The last part of what a symbolic link points at, or empty."""
        try:
            return os.path.basename(os.readlink(self.path(path)))
        except OSError:
            return ""

    def real(self, path: str) -> str:
        return os.path.realpath(self.path(path))

    def exists(self, path: str) -> bool:
        return os.path.exists(self.path(path))


def cpu_list(text: str) -> tuple[int, ...]:
    """The kernel's 0-3,8,10-11 as numbers; what is no such list is empty."""
    found: list[int] = []
    try:
        for part in filter(None, text.strip().split(",")):
            first, _, last = part.partition("-")
            found.extend(range(int(first), int(last or first) + 1))
    except ValueError:
        return ()
    return tuple(found)
