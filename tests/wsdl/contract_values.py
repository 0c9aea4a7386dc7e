"""Hypothesis strategies for values of the contract: any data type, any depth that a generator can bear.

Law: what comes out is what a correct server may hold: required members are set, required arrays are not empty, a
reference has a type of the contract, text is any text, times are UTC.
"""

from __future__ import annotations

import string
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from vmsdk.wsdl import CONTRACT, Array, Byte, Contract, DataType, Long, ManagedType, Member, MoRef, Short, vim
from vmsdk.wsdl.codec.enum_versions import known_enum_value
from vmsdk.wsdl.registry import EnumType

_BOUNDS = {"xsd:byte": 7, "xsd:short": 15, "xsd:int": 31, "xsd:long": 63}
# Text that comes back as it went. What XML cannot carry has tests of its own.
_CARRIED = st.characters(min_codepoint=32, exclude_categories=("Cs",), exclude_characters="\ufffe\uffff")
TEXT = st.text(st.one_of(_CARRIED, st.sampled_from("\n\r\t")), max_size=12)


class Values:
    """Strategies for values that a server of version index `version` holds."""

    def __init__(self, version: int, contract: Contract = CONTRACT, text: st.SearchStrategy[str] = TEXT):
        self._version, self._contract = version, contract
        self._subtypes: dict[str, list[str]] = {}
        for name in sorted(contract.names("data")):
            if contract.data(name).since <= version:
                for step in contract.data(name).lineage():
                    self._subtypes.setdefault(step.name, []).append(name)
        self._managed = sorted(name for name in contract.names("managed") if contract.managed(name).since <= version)
        self._scalars: dict[str, st.SearchStrategy[Any]] = {
            "xsd:string": text,
            "xsd:anyURI": st.text(string.ascii_letters, max_size=8),
            "xsd:boolean": st.booleans(),
            "xsd:float": st.floats(width=32, allow_nan=False),
            "xsd:double": st.floats(allow_nan=False),
            "xsd:base64Binary": st.binary(max_size=20),
            "xsd:dateTime": st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)),
            **{name: st.integers(-(1 << bits), (1 << bits) - 1) for name, bits in _BOUNDS.items()},
        }

    def data_types(self) -> list[str]:
        """Every data type there is at this version; not the wrapping of a fault, which is read as the fault."""
        names = self._subtypes["DynamicData"] + self._subtypes["MethodFault"]
        return [name for name in names if name != "LocalizedMethodFault"]

    def of(self, name: str, depth: int = 3) -> st.SearchStrategy[Any]:
        """Values of exactly this data type."""
        known = self._contract.data(name)

        @st.composite
        def made(draw: st.DrawFn) -> Any:
            fields: dict[str, Any] = {}
            for member in known.fields:
                if member.since <= self._version and self._fits(member, depth):
                    value = draw(self._member(member, depth))
                    if value is not None:
                        fields[f"{member.name}_" if member.name == "from" else member.name] = value
            return getattr(vim, name)(**fields)

        return made()

    def any(self, depth: int = 1) -> st.SearchStrategy[Any]:
        """Values that may stand where any type may."""
        numbers = {Byte: "xsd:byte", Short: "xsd:short", Long: "xsd:long"}
        plain: list[st.SearchStrategy[Any]] = [
            *(self._scalars[k] for k in ("xsd:string", "xsd:boolean", "xsd:int", "xsd:double", "xsd:dateTime")),
            self._scalars["xsd:base64Binary"],
            *(self._scalars[name].map(made) for made, name in numbers.items()),
            self._reference("ManagedObject"),
            st.lists(self._scalars["xsd:string"], max_size=3).map(lambda items: Array("xsd:string", tuple(items))),
            st.lists(self._scalars["xsd:byte"], max_size=3).map(lambda items: Array("xsd:byte", tuple(items))),
        ]
        if depth > 0:
            plain.append(self.of("OptionValue", 0))
            plain.append(self.of("HostSystemIdentificationInfo", 1))
        return st.one_of(plain)

    # -- inside -----------------------------------------------------------------------------------------------

    def _fits(self, member: Member, depth: int) -> bool:
        """Whether to fill a member: below the depth only what must be."""
        return depth > 0 or not member.optional

    def _member(self, member: Member, depth: int) -> st.SearchStrategy[Any]:
        # Everything required nests by itself: only what is optional is cut when the depth is used up.
        one = self._one("xsd:string" if member.link else member.type, depth - 1)
        if member.array:
            return st.lists(one, min_size=0 if member.optional else 1, max_size=2)
        return st.one_of(st.none(), one) if member.optional else one

    def _one(self, kind: str, depth: int) -> st.SearchStrategy[Any]:
        if kind == "xsd:anyType":
            return self.any(depth)
        if kind in self._scalars:
            return self._scalars[kind]
        known = self._contract[kind]
        if isinstance(known, ManagedType):
            return self._reference(kind)
        if isinstance(known, EnumType):
            values = sorted(v for v in known.values if known_enum_value(self._contract, kind, v, self._version) == v)
            return st.sampled_from(values)
        assert isinstance(known, DataType)
        if known.is_fault:
            names = ["NotFound"] if kind == "MethodFault" else [kind]
        else:
            names = self._subtypes[kind] if depth > 0 else [kind]
        return st.sampled_from(names).flatmap(lambda name: self.of(name, depth))

    def _reference(self, kind: str) -> st.SearchStrategy[MoRef]:
        fitting = [name for name in self._managed if self._contract.managed(name).descends_from(kind)] or [kind]
        ids = st.text(string.ascii_letters + string.digits + "-[]&<", min_size=1, max_size=12)
        return st.builds(MoRef, st.sampled_from(fitting), ids)


SAMPLES = {
    "xsd:string": "a <b> & 'c' \"d\"", "xsd:anyURI": "ds:///vmfs/volumes/x/", "xsd:boolean": True, "xsd:byte": -128,
    "xsd:short": -32768, "xsd:int": -(1 << 31), "xsd:long": (1 << 63) - 1, "xsd:float": 0.5, "xsd:double": 1e300,
    "xsd:dateTime": datetime(2026, 2, 3, 4, 5, 6, 70, UTC), "xsd:base64Binary": b"\0\xff", "xsd:anyType": Long(5),
}  # fmt: skip


def filled(name: str, version: int, depth: int = 1, samples: dict[str, Any] = SAMPLES) -> Any:
    """A value of exactly this type with every member set, and the required ones of what it holds."""
    made: dict[str, Any] = {}
    for member in CONTRACT.data(name).fields:
        if member.since > version or (depth == 0 and member.optional):
            continue
        one = _sample("xsd:string" if member.link else member.type, version, samples)
        made[f"{member.name}_" if member.name == "from" else member.name] = (one, one) if member.array else one
    return getattr(vim, name)(**made)


def _sample(kind: str, version: int, samples: dict[str, Any]) -> Any:
    if kind in samples:
        return samples[kind]
    known = CONTRACT[kind]
    if isinstance(known, ManagedType):
        return MoRef(kind, "x-1")
    if isinstance(known, EnumType):
        return max(v for v in known.values if known_enum_value(CONTRACT, kind, v, version) == v)
    return filled("NotFound" if kind == "MethodFault" else kind, version, 0, samples)
