"""Values out: one Encoder for each client version, one compiled plan for each data type (`plans`).

Law: what a client of that version does not know does not go out: newer members are left out, a newer type goes out as
its nearest known ancestor. A required member that is unset is our bug: `on_missing` hears of it (tests raise).
Output is text; nothing here does I/O.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from ..registry import CONTRACT, Contract, DataType, EnumType, ManagedType
from ..values import Array, Byte, DataObject, Long, MethodFault, MoRef, Short
from .plans import Plan, compile_plan
from .spelling import EnumSpelling, Spelling, Unencodable, Unset, reference_spelling, scalar_spellings
from .text import escape

__all__ = ["Encoder", "Unencodable", "Write", "array_type", "scalar_text"]

Write = Callable[[str], Any]
_PYTHON_TYPES: dict[type, str] = {
    str: "xsd:string", bool: "xsd:boolean", int: "xsd:int", float: "xsd:double", bytes: "xsd:base64Binary",
    datetime: "xsd:dateTime", Long: "xsd:long", Short: "xsd:short", Byte: "xsd:byte",
}  # fmt: skip
_REFERENCE = "ManagedObjectReference"
# Bases that say nothing by themselves: a newer type whose known ancestors are only these is left out.
_EMPTY_BASES = frozenset({"DynamicData", "VirtualDeviceBackingInfo"})
_SCALARS = scalar_spellings()
_REFERENCES = reference_spelling()


def scalar_text(kind: str, value: Any) -> str:
    """Any primitive as escaped text."""
    return _SCALARS[kind][value]


def array_type(kind: str) -> tuple[str, str]:
    """(`ArrayOfX`, name of its child elements) for a wire type."""
    if kind.startswith("xsd:"):
        return f"ArrayOf{kind[4].upper()}{kind[5:]}", kind[4:]
    if isinstance(CONTRACT.get(kind), ManagedType):
        return f"ArrayOf{_REFERENCE}", _REFERENCE
    if kind == "MethodFault":
        return "ArrayOfLocalizedMethodFault", "LocalizedMethodFault"
    return f"ArrayOf{kind}", kind


class _Objects(dict[type, "tuple[str, Plan] | None"]):
    """Class of a value -> (how its start tag ends, the plan of its members); None where it is left out.

    `declared` is the type of the member it stands in; '' says the type always.
    """

    def __init__(self, encoder: Encoder, declared: str):
        super().__init__()
        self._encoder, self._declared = encoder, declared

    def __missing__(self, made: type) -> tuple[str, Plan] | None:
        kind = getattr(made, "_type", None)
        if made is type(None):
            raise Unset
        if not isinstance(kind, DataType) or (self._declared and not kind.descends_from(self._declared)):
            raise Unencodable(f"{made.__name__} is no {self._declared or 'data object'}")
        sent = self._encoder.nearest(kind)
        if sent is None or (self._declared and not sent.descends_from(self._declared)):
            self[made] = None
            return None
        end = ">" if sent.name == self._declared else f' xsi:type="{sent.name}">'
        entry = self[made] = (end, self._encoder._plan(sent))
        return entry


class Encoder:
    """Spells values for clients of one API version (an index of `Contract.versions`)."""

    def __init__(
        self,
        version: int,
        contract: Contract = CONTRACT,
        fault_text: Callable[[MethodFault], str] = lambda fault: fault.msg,
        on_missing: Callable[[str, str], None] = lambda type_name, member: None,
    ):
        self.version, self.contract = version, contract
        self._fault_text = fault_text
        self.missing = on_missing
        self._plans: dict[str, Plan] = {}
        self._objects: dict[str, _Objects] = {}
        self._enums: dict[str, EnumSpelling] = {}

    # -- whole elements ---------------------------------------------------------------------------------------

    def member(self, tag: str, kind: str, array: bool, value: Any, write: Write) -> None:
        """A member with its declared type: `<tag>…</tag>`, repeated for an array; nothing when unset."""
        if value is None:
            return
        if array:
            for item in value:
                write(self._one(tag, kind, item))
        else:
            write(self._one(tag, kind, value))

    def value(self, tag: str, kind: str, array: bool, value: Any) -> str:
        """A property value, with xsi:type always: `<val xsi:type="…">…</val>`; an array as ArrayOfX."""
        return self._array(tag, kind, value) if array else self._typed(tag, kind, value)

    def fields(self, value: Any, write: Write) -> None:
        """The members of a data object without an element around them."""
        sent = self.nearest(value._type)
        if sent is not None:
            write(self._plan(sent)(value))

    def nearest(self, kind: DataType) -> DataType | None:
        """The type itself or its nearest ancestor that this version knows; None when that says nothing."""
        for step in kind.lineage():
            if step.since <= self.version and (step is kind or step.name not in _EMPTY_BASES):
                return step
        return None

    # -- what plans look values up in --------------------------------------------------------------------------

    def scalars(self, kind: str) -> Spelling:
        return _SCALARS[kind]

    def references(self) -> Spelling:
        return _REFERENCES

    def known(self, kind: str) -> Any:
        return self.contract[kind]

    def enum(self, kind: EnumType) -> EnumSpelling:
        made = self._enums.get(kind.name)
        if made is None:
            made = self._enums[kind.name] = EnumSpelling(self.contract, kind, self.version)
        return made

    def objects(self, kind: str) -> _Objects:
        made = self._objects.get(kind)
        if made is None:
            made = self._objects[kind] = _Objects(self, kind)
        return made

    def localized(self, tag: str, fault: Any, said: str = "") -> str:
        """A fault as a member: wrapped with its sentence."""
        text = None
        if not isinstance(fault, MethodFault):  # a LocalizedMethodFault already
            fault, text = fault.fault, fault.localizedMessage
        sentence = escape(text or self._fault_text(fault))
        inner = self._object("fault", "MethodFault", fault)
        return f"<{tag}{said}>{inner}<localizedMessage>{sentence}</localizedMessage></{tag}>"

    def any(self, tag: str, value: Any) -> str:
        """A value where any type may stand."""
        if isinstance(value, MoRef):
            return f'<{tag} type="{escape(value.type)}" xsi:type="{_REFERENCE}">{escape(value.value)}</{tag}>'
        if isinstance(value, Array):
            return self._array(tag, value.type, value.items)
        if isinstance(value, MethodFault):  # only in a SOAP fault does one stand bare
            return self.localized(tag, value, ' xsi:type="LocalizedMethodFault"')
        if isinstance(value, DataObject):
            return self._object(tag, "", value)
        kind = _PYTHON_TYPES.get(type(value))
        if kind is None:
            raise Unencodable(f"{tag}: {type(value).__name__} has no wire type")
        if kind == "xsd:int" and not -(1 << 31) <= value < 1 << 31:
            kind = "xsd:long"
        return f'<{tag} xsi:type="{kind}">{_SCALARS[kind][value]}</{tag}>'

    # -- inside -----------------------------------------------------------------------------------------------

    def _array(self, tag: str, kind: str, items: Any) -> str:
        name, child = array_type(kind)
        inner = "".join([self._typed(child, kind, item) for item in items])
        return f'<{tag} xsi:type="{name}">{inner}</{tag}>'

    def _typed(self, tag: str, kind: str, value: Any) -> str:
        """A single value with its xsi:type said."""
        if kind == "xsd:anyType" or isinstance(value, MoRef):
            return self.any(tag, value)
        if kind.startswith("xsd:"):
            return f'<{tag} xsi:type="{kind}">{_SCALARS[kind][value]}</{tag}>'
        if kind == "MethodFault":
            return self.localized(tag, value, ' xsi:type="LocalizedMethodFault"')
        known = self.contract.get(kind)
        if isinstance(known, EnumType):
            text = self.enum(known)[value] if value else ""
            return f'<{tag} xsi:type="{kind}">{text}</{tag}>' if text else ""
        return self._object(tag, "", value)

    def _one(self, tag: str, kind: str, value: Any) -> str:
        """A single value where its declared type is known: xsi:type only where it differs."""
        if kind == "xsd:anyType":
            return self.any(tag, value)
        if isinstance(value, MoRef):
            return f"<{tag}{_REFERENCES[value]}</{tag}>"
        if kind.startswith("xsd:"):
            return f"<{tag}>{_SCALARS[kind][value]}</{tag}>"
        if kind == "MethodFault":
            return self.localized(tag, value)
        known = self.contract.get(kind)
        if isinstance(known, EnumType):
            text = self.enum(known)[value] if value else ""
            return f"<{tag}>{text}</{tag}>" if text else ""
        return self._object(tag, kind, value)

    def _object(self, tag: str, kind: str, value: Any) -> str:
        entry = self.objects(kind)[value.__class__]
        return f"<{tag}{entry[0]}{entry[1](value)}</{tag}>" if entry else ""

    def _plan(self, kind: DataType) -> Plan:
        """The plan of a type: made when its first value goes out, so that types may hold each other."""
        made = self._plans.get(kind.name)
        if made is None:
            made = self._plans[kind.name] = self._make_plan(kind)
        return made

    def _make_plan(self, kind: DataType) -> Plan:
        swift = compile_plan(kind, self.version, self, careful=False)
        careful: list[Plan] = []

        def plan(value: Any) -> str:
            try:
                return swift(value)
            except Unset:
                if not careful:
                    careful.append(compile_plan(kind, self.version, self, careful=True))
                return careful[0](value)
            except TypeError as wrong:
                raise Unencodable(f"{kind.name}{self._blamed(kind, value)}: {wrong}") from wrong

        return plan

    def _blamed(self, kind: DataType, value: Any) -> str:
        """`.member` that could not be spelled."""
        for member in kind.fields:
            if member.since <= self.version:
                try:
                    held = getattr(value, member.name)
                    self.member(member.name, "xsd:string" if member.link else member.type, member.array, held, len)
                except TypeError:
                    return f".{member.name}"
        return ""
