"""How the store says no. `str()` is a sentence for a person and names the file."""

from __future__ import annotations


class StoreError(Exception):
    """Anything that went wrong with the store."""


class StoreBroken(StoreError):
    """The store cannot be used: unreadable, read-only, damaged, in use, or of a newer version. Raised at start."""


class StoreFailed(StoreError):
    """What was queued is not on disk. It stays queued, in order, and is tried again with the next flush."""
