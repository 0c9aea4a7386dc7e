"""Values out: one Encoder for each client version, one compiled plan for each data type.

Law: what a client of that version does not know does not go out: newer members are left out, a newer type goes out as its
nearest known ancestor. A required member that is unset is our bug: `on_missing` hears of it (tests raise).
Output is text pieces; nothing here does I/O.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from ..registry import CONTRACT, Contract, DataType, ManagedType, Member
from ..values import Array, Byte, DataObject, Long, MethodFault, MoRef, Short
from .enum_versions import known_enum_value
from .text import binary_text, date_text, escape, float_text

Write = Callable[[str], Any]
_PYTHON_TYPES: dict[type, str] = {
    str: "xsd:string", bool: "xsd:boolean", int: "xsd:int", float: "xsd:double", bytes: "xsd:base64Binary",
    datetime: "xsd:dateTime", Long: "xsd:long", Short: "xsd:short", Byte: "xsd:byte",
}  # fmt: skip
_TEXTUAL = {"xsd:string", "xsd:anyURI"}
_NUMERIC = {"xsd:byte", "xsd:short", "xsd:int", "xsd:long"}
_REFERENCE = "ManagedObjectReference"


class Unencodable(TypeError):
    """A value that the contract has no place for: a bug of ours, with the member it stood in."""


def scalar_text(kind: str, value: Any) -> str:
    """Any primitive as escaped text."""
    if kind in _NUMERIC:
        return str(int(value))
    if kind == "xsd:boolean":
        return "true" if value else "false"
    if kind == "xsd:dateTime":
        return date_text(value)
    if kind in ("xsd:float", "xsd:double"):
        return float_text(float(value))
    if kind == "xsd:base64Binary":
        return binary_text(value)
    return escape(value)


def array_type(kind: str) -> tuple[str, str]:
    """(`ArrayOfX`, name of its child elements) for a wire type."""
    if kind.startswith("xsd:"):
        short = kind[4:]
        return {"base64Binary": "ArrayOfBase64Binary", "anyURI": "ArrayOfAnyURI"}.get(
            short, "ArrayOf" + short[0].upper() + short[1:]
        ), short
    known = CONTRACT.get(kind)
    if isinstance(known, ManagedType):
        return "ArrayOf" + _REFERENCE, _REFERENCE
    if kind == "MethodFault":
        return "ArrayOfLocalizedMethodFault", "LocalizedMethodFault"
    return "ArrayOf" + kind, kind


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
        self._fault_text, self._on_missing = fault_text, on_missing
        self._plans: dict[type, Callable[[Any, Write], None]] = {}
        self._sent_as: dict[str, DataType | None] = {}

    # -- whole elements ---------------------------------------------------------------------------------------

    def member(self, tag: str, kind: str, array: bool, value: Any, write: Write) -> None:
        """A member with its declared type: `<tag>…</tag>`, repeated for an array; nothing when unset."""
        if value is None:
            return
        if array:
            for item in value:
                self._one(tag, kind, item, write)
        else:
            self._one(tag, kind, value, write)

    def value(self, tag: str, kind: str, array: bool, value: Any) -> str:
        """A property value, with xsi:type always: `<val xsi:type="…">…</val>`; an array as ArrayOfX."""
        out: list[str] = []
        if array:
            self._array(tag, kind, value, out.append)
        else:
            self._typed(tag, kind, value, out.append)
        return "".join(out)

    # -- inside -----------------------------------------------------------------------------------------------

    def _array(self, tag: str, kind: str, items: Any, write: Write) -> None:
        name, child = array_type(kind)
        write(f'<{tag} xsi:type="{name}">')
        for item in items:
            self._typed(child, kind, item, write)
        write(f"</{tag}>")

    def _typed(self, tag: str, kind: str, value: Any, write: Write) -> None:
        """A single value with its xsi:type said."""
        if kind == "xsd:anyType":
            self._any(tag, value, write)
        elif kind.startswith("xsd:"):
            write(f'<{tag} xsi:type="{kind}">{scalar_text(kind, value)}</{tag}>')
        elif isinstance(value, MoRef):
            write(f'<{tag} type="{value.type}" xsi:type="{_REFERENCE}">{escape(value.value)}</{tag}>')
        elif kind == "MethodFault":
            self._localized(tag, value, write, ' xsi:type="LocalizedMethodFault"')
        elif isinstance(value, str):
            known = known_enum_value(self.contract, kind, value, self.version)
            if known is not None:
                write(f'<{tag} xsi:type="{kind}">{escape(known)}</{tag}>')
        else:
            self._object(tag, "", value, write)

    def _any(self, tag: str, value: Any, write: Write) -> None:
        if isinstance(value, MoRef):
            write(f'<{tag} type="{value.type}" xsi:type="{_REFERENCE}">{escape(value.value)}</{tag}>')
        elif isinstance(value, Array):
            self._array(tag, value.type, value.items, write)
        elif isinstance(value, (DataObject, MethodFault)):
            self._object(tag, "", value, write)
        else:
            kind = _PYTHON_TYPES.get(type(value))
            if kind is None:
                raise Unencodable(f"{tag}: {type(value).__name__} has no wire type")
            if kind == "xsd:int" and not -(1 << 31) <= value < 1 << 31:
                kind = "xsd:long"
            write(f'<{tag} xsi:type="{kind}">{scalar_text(kind, value)}</{tag}>')

    def _one(self, tag: str, kind: str, value: Any, write: Write) -> None:
        """A single value where its declared type is known: xsi:type only where it differs."""
        if isinstance(value, MoRef):
            if kind == "xsd:anyType":
                self._any(tag, value, write)
            else:
                write(f'<{tag} type="{value.type}">{escape(value.value)}</{tag}>')
        elif kind == "xsd:anyType":
            self._any(tag, value, write)
        elif kind.startswith("xsd:"):
            write(f"<{tag}>{scalar_text(kind, value)}</{tag}>")
        elif kind == "MethodFault":
            self._localized(tag, value, write)
        elif isinstance(value, str):
            known = known_enum_value(self.contract, kind, value, self.version)
            if known is not None:
                write(f"<{tag}>{escape(known)}</{tag}>")
        else:
            self._object(tag, kind, value, write)

    def _localized(self, tag: str, fault: Any, write: Write, said: str = "") -> None:
        """A fault as a member: wrapped with its sentence."""
        text = None
        if not isinstance(fault, MethodFault):  # a LocalizedMethodFault already
            fault, text = fault.fault, fault.localizedMessage
        write(f"<{tag}{said}>")
        self._object("fault", "MethodFault", fault, write)
        write(f"<localizedMessage>{escape(text or self._fault_text(fault))}</localizedMessage></{tag}>")

    def _object(self, tag: str, kind: str, value: Any, write: Write) -> None:
        try:
            name = value._type.name
        except AttributeError:
            raise Unencodable(f"{tag}: {type(value).__name__} is no {kind or 'data object'}") from None
        sent = self._sent_as.get(name, False)
        if sent is False:
            sent = self._sent_as[name] = self._nearest(value._type)
        if sent is None or (kind and not sent.descends_from(kind)):
            return
        write(f"<{tag}>" if sent.name == kind else f'<{tag} xsi:type="{sent.name}">')
        plan = self._plans.get(value.__class__)
        if plan is None:
            plan = self._plans[value.__class__] = self._compile(sent)
        plan(value, write)
        write(f"</{tag}>")

    def fields(self, value: Any, write: Write) -> None:
        """The members of a data object without an element around them."""
        sent = self._nearest(value._type)
        if sent is not None:
            plan = self._plans.get(value.__class__) or self._compile(sent)
            self._plans[value.__class__] = plan
            plan(value, write)

    def nearest(self, kind: DataType) -> DataType | None:
        """The type itself or its nearest ancestor that this version knows; None when that is only the root."""
        return self._nearest(kind)

    def _nearest(self, kind: DataType) -> DataType | None:
        for step in kind.lineage():
            if step.since <= self.version and (step is kind or step.name not in ("DynamicData", "VirtualDeviceBackingInfo")):
                return step
        return None

    def _compile(self, kind: DataType) -> Callable[[Any, Write], None]:
        lines = ["def plan(v, w):", " pass"]
        scope: dict[str, Any] = {
            "escape": escape, "date": date_text, "member": self.member, "localized": self._localized,
            "missing": self._on_missing, "one": self._one, "obj": self._object,
        }  # fmt: skip
        for field in kind.fields:
            if field.since <= self.version:
                lines += self._field_lines(kind, field)
        exec("\n".join(lines), scope)  # noqa: S102  names come from the contract file alone
        return scope["plan"]

    def _field_lines(self, owner: DataType, field: Member) -> list[str]:
        name, kind = field.name, "xsd:string" if field.link else field.type
        read = f" x = getattr(v, {name!r})" if name in ("from", "in", "is", "class", "global") else f" x = v.{name}"
        known = None if kind.startswith("xsd:") else self.contract.get(kind)
        if owner.name == "LocalizedMethodFault" and name == "fault":
            emit = f"obj('fault', 'MethodFault', {{}}, w)"  # noqa: F541
        elif kind in _TEXTUAL:
            emit = f"w('<{name}>' + escape({{}}) + '</{name}>')"
        elif kind in _NUMERIC:
            emit = f"w(f'<{name}>{{{{int({{}})}}}}</{name}>')"
        elif kind == "xsd:boolean":
            emit = f"w('<{name}>true</{name}>' if {{}} else '<{name}>false</{name}>')"
        elif kind == "xsd:dateTime":
            emit = f"w('<{name}>' + date({{}}) + '</{name}>')"
        elif kind == "MethodFault":
            emit = f"localized('{name}', {{}}, w)"
        elif isinstance(known, DataType):
            emit = f"obj('{name}', '{kind}', {{}}, w)"
        elif isinstance(known, ManagedType):
            emit = f"w(f'<{name} type=\"{{{{{{0}}.type}}}}\">{{{{escape({{0}}.value)}}}}</{name}>')"
        else:
            emit = f"one('{name}', '{kind}', {{}}, w)"
        if field.array:
            return [read, " for y in x or ():", "  " + emit.format("y")]
        lines = [read, " if x is not None:", "  " + emit.format("x")]
        if not field.optional:
            lines += [" else:", f"  missing({owner.name!r}, {name!r})"]
        return lines


