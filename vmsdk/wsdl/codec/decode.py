"""Values in: what a decoder of one server knows. The reading itself is in `reading`.

Law: what does not fit the contract raises BadRequest; nothing is guessed.
"""

from __future__ import annotations

from typing import Any

from ..registry import CONTRACT, Contract, DataType, Member
from ..values import MoRef
from .reading import XSI, BadRequest, Reading, in_contract, local_name

__all__ = ["XSI", "BadRequest", "Decoder", "in_contract", "local_name"]


class Decoder:
    """Reads values of one contract, for a server that serves up to `served` (a version index)."""

    def __init__(self, served: int, contract: Contract = CONTRACT):
        self.served, self.contract = served, contract
        self._members: dict[str, dict[str, Member]] = {}

    def arguments(self, element: Any, params: tuple[Member, ...], newer_client: bool = False) -> dict[str, Any]:
        """Keyword arguments of a method from its element; `_this` is not among them.

        With `newer_client` members that no contract we know has are read over as well.
        """
        known = {p.name: p for p in params}
        return Reading(self, newer_client).members(element, known, skip_this=True)

    def reference(self, element: Any) -> MoRef:
        """`<_this type="Folder">id</_this>`."""
        return Reading(self, False).named(element)

    def members_of(self, kind: DataType) -> dict[str, Member]:
        """The members of a data type by name. One that came later than its type is not insisted on: clients of before it
        leave it out, and many of them name no version (libvirt sends FileQueryFlags without fileOwner)."""
        known = self._members.get(kind.name)
        if known is None:
            known = {f.name: f if f.since <= kind.since else f._replace(optional=True) for f in kind.fields}
            self._members[kind.name] = known
        return known
