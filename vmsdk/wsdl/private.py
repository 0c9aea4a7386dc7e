"""Methods that real clients call and no contract document lists."""

from __future__ import annotations

from .registry import Member, Method

FETCH = Method(
    "Fetch", "ManagedObject", "fetch", 0, (Member("prop", "xsd:string", False, False, 0),), "xsd:anyType", False, True, "",
    "System.Anonymous", ("InvalidProperty",),
)  # fmt: skip
PRIVATE = {FETCH.name: FETCH}
