"""One task at a time on a machine: who holds it, from dispatch to settle.

Law: taken before the first await, given back when the task settles. Reads, PowerOff and cancel pass.
"""

from __future__ import annotations

from ..wsdl import MoRef, vim


class Claims:
    """Claimed keys (references, names, paths) and the task that holds each."""

    def __init__(self) -> None:
        self._held: dict[object, MoRef] = {}

    def holder(self, key: object) -> MoRef | None:
        return self._held.get(key)

    def check(self, key: object) -> None:
        """TaskInProgress naming the holder when `key` is claimed."""
        held = self._held.get(key)
        if held is not None:
            raise vim.TaskInProgress(task=held)

    def take(self, key: object, task: MoRef) -> None:
        self.check(key)
        self._held[key] = task

    def release(self, task: MoRef) -> None:
        """Give back all that a task holds."""
        for key in [key for key, holder in self._held.items() if holder == task]:
            del self._held[key]
