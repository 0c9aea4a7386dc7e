"""One request being read: elements to Python values, by the contract's declared types. `decode` is its door.

Law: names are resolved through their namespace, never by prefix. What does not fit raises BadRequest with a sentence
that names the member and what was wrong; nothing is guessed. Members newer than the served contract are read over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..registry import NAMESPACE, DataType, EnumType, ManagedType, Member
from ..values import Array, Byte, Long, MoRef, Short, vim
from . import text

if TYPE_CHECKING:
    from .decode import Decoder

XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
XSD = "http://www.w3.org/2001/XMLSchema"
SOAPENC = "http://schemas.xmlsoap.org/soap/encoding/"
MAX_DEPTH = 100
_NIL = XSI + "nil"
_PREFIX = len("{urn:vim25}")

_SCALARS: dict[str, Callable[[str], Any]] = {
    "xsd:string": lambda t: t,
    "xsd:anyURI": str.strip,
    "xsd:boolean": text.parse_boolean,
    "xsd:byte": lambda t: text.parse_integer(t, "xsd:byte"),
    "xsd:short": lambda t: text.parse_integer(t, "xsd:short"),
    "xsd:int": lambda t: text.parse_integer(t, "xsd:int"),
    "xsd:long": lambda t: text.parse_integer(t, "xsd:long"),
    "xsd:float": text.parse_float,
    "xsd:double": text.parse_float,
    "xsd:dateTime": text.parse_date,
    "xsd:base64Binary": text.parse_binary,
}
_ANY_FORMS: dict[str, Callable[[Any], Any]] = {"xsd:long": Long, "xsd:short": Short, "xsd:byte": Byte}
_OLD_DYNAMIC = ("dynamicType", "dynamicProperty")  # every object had them before 8.0; nobody fills them
_LOCALIZED = {
    "fault": Member("fault", "MethodFault", False, False, 0),
    "localizedMessage": Member("localizedMessage", "xsd:string", False, True, 0),
}


class BadRequest(Exception):
    """The request does not fit the contract; `str()` is a sentence that names what was wrong.

    `argument` is the path of the member, `wrong_type` says that it is of a type that has no place there.
    """

    def __init__(self, sentence: str, argument: str = "", wrong_type: bool = False):
        super().__init__(sentence)
        self.argument, self.wrong_type = argument, wrong_type


def local_name(element: Any) -> str:
    """The name without its namespace. Comments and processing instructions have none: ''."""
    tag = element.tag
    return tag[tag.find("}") + 1 :] if isinstance(tag, str) else ""


def in_contract(element: Any) -> bool:
    """Whether an element may be a member: of our namespace or of none."""
    tag = element.tag
    return isinstance(tag, str) and (tag[0] != "{" or tag.startswith("{urn:vim25}"))


class Reading:
    """One request being read. `_trail` is where it is, so that a path costs nothing until something is wrong."""

    def __init__(self, decoder: Decoder, newer: bool):
        self._decoder, self._contract, self._newer = decoder, decoder.contract, newer
        self._trail: list[str | tuple[str, list[Any]]] = []  # names; of arrays with what was read of them so far
        self._depth = 0

    def named(self, element: Any) -> MoRef:
        """A reference that stands by itself."""
        self._trail.append(local_name(element))
        return self._reference(element)

    def members(self, element: Any, known: dict[str, Member], skip_this: bool = False) -> dict[str, Any]:
        """Values by member's name, of the children of an element."""
        if self._depth > MAX_DEPTH:
            raise self._bad("is nested too deeply")
        self._no_text(element)
        self._depth += 1
        served, trail = self._decoder.served, self._trail
        found: dict[str, Any] = {}
        for child in element:
            tag = child.tag
            if not isinstance(tag, str):  # a comment or a processing instruction
                continue
            name = tag[_PREFIX:] if tag.startswith("{urn:vim25}") else tag
            member = known.get(name)
            if member is None:
                self._unknown(child, skip_this)
                continue
            if member.since > served or child.get(_NIL) in ("true", "1"):
                continue
            if member.array:
                items = found.setdefault(name, [])
                trail.append((name, items))
                items.append(self._item(child, member))
            else:
                trail.append(name)
                if name in found:
                    raise self._bad("is given more than once")
                found[name] = self._item(child, member)
            trail.pop()
        for name, member in known.items():
            if name not in found and not member.optional and member.since <= served:
                if member.array:
                    found[name] = []  # an empty array cannot be told from a missing one
                    continue
                trail.append(name)
                raise BadRequest(f"Required parameter {self._path()} is missing", self._path())
        self._depth -= 1
        return found

    def _unknown(self, child: Any, skip_this: bool) -> None:
        name = local_name(child)
        if self._newer or name in _OLD_DYNAMIC or (skip_this and name == "_this"):
            return
        at = f" in {self._path()}" if self._trail else ""
        self._trail.append(name)
        raise BadRequest(f'Unexpected element tag "{name[:80]}" seen{at}', self._path())

    # -- one value --------------------------------------------------------------------------------------------

    def _item(self, element: Any, member: Member) -> Any:
        kind = "xsd:string" if member.link else member.type
        scalar = _SCALARS.get(kind)
        if scalar is not None:
            return self._scalar(element, kind, scalar)
        if kind == "xsd:anyType":
            return self._any(element)
        known = self._contract.get(kind)
        if isinstance(known, DataType):
            # A fault as a member is wrapped with its sentence; inside the wrapping it stands bare.
            if kind == "MethodFault" and member is not _LOCALIZED["fault"]:
                return self._localized(element)
            return self._data(element, known)
        if isinstance(known, EnumType):
            return self._enum(element, known)
        reference = self._reference(element)
        if reference.type != "ManagedObjectReference" and kind != "ManagedObject":
            if not self._contract.managed(reference.type).descends_from(kind):
                raise self._bad(f"a reference to {kind} is due, not to {reference.type}", True)
        return reference

    def _scalar(self, element: Any, kind: str, parse: Callable[[str], Any]) -> Any:
        if len(element):
            raise self._bad(f"holds elements where a value of type {kind} is due", True)
        try:
            return parse(element.text or "")
        except text.Malformed as wrong:
            raise self._bad(f"{wrong}") from None

    def _reference(self, element: Any) -> MoRef:
        said = element.get("type")
        value = (element.text or "").strip()
        if len(element):
            raise self._bad("holds elements where a reference is due", True)
        if not said:
            raise self._bad("a reference has no type attribute", True)
        if not value:
            raise self._bad("a reference is empty")
        kind = said.rpartition(":")[2]
        if kind != "ManagedObjectReference" and not isinstance(self._contract.get(kind), ManagedType):
            raise self._bad(f"there is no managed object type {kind[:80]}", True)
        return MoRef(kind, value)

    def _enum(self, element: Any, known: EnumType) -> str:
        value = (element.text or "").strip()
        if value not in known.values:
            raise self._bad(f"'{value[:64]}' is no value of {known.name}")
        return value

    def _localized(self, element: Any) -> Any:
        """A fault with its sentence: `<fault xsi:type="NotFound"/><localizedMessage>…</localizedMessage>`."""
        said = self._said(element)
        if said is not None and said[1] != "LocalizedMethodFault":
            raise self._bad(f"{said[1][:80]} is no LocalizedMethodFault", True)
        found = self.members(element, _LOCALIZED)
        fault = found["fault"]
        fault.msg = found.get("localizedMessage") or ""
        return fault

    def _data(self, element: Any, declared: DataType) -> Any:
        said = self._said(element)
        kind = declared
        if said is not None:
            space, name = said
            found = self._contract.get(name) if space in (NAMESPACE, None) else None
            if not isinstance(found, DataType):
                raise self._bad(f"there is no data type {name[:80]}", True)
            if not found.descends_from(declared.name):
                raise self._bad(f"{name} is no {declared.name}", True)
            kind = found
        if kind.since > self._decoder.served:
            raise self._bad(f"there is no data type {kind.name}", True)
        fields = self.members(element, self._decoder.members_of(kind))
        if "from" in fields:
            fields["from_"] = fields.pop("from")
        return getattr(vim, kind.name)(**fields)

    def _any(self, element: Any) -> Any:
        said = self._said(element)
        if said is None:
            if element.get("type") and not len(element):
                return self._reference(element)
            raise self._bad("a value of any type needs xsi:type", True)
        space, name = said
        if space in (XSD, SOAPENC):
            kind = f"xsd:{name}"
            scalar = _SCALARS.get(kind)
            if scalar is None:
                raise self._bad(f"there is no primitive type {name[:40]}", True)
            value = self._scalar(element, kind, scalar)
            return _ANY_FORMS[kind](value) if kind in _ANY_FORMS else value
        if space not in (NAMESPACE, None):
            raise self._bad(f"there is no type {name[:80]} in {space[:80]}", True)
        if name == "ManagedObjectReference":
            return self._reference(element)
        if name.startswith("ArrayOf"):
            return self._array(element, name)
        if name == "LocalizedMethodFault":
            return self._localized(element)
        known = self._contract.get(name)
        if isinstance(known, EnumType):
            return self._enum(element, known)
        if isinstance(known, DataType):
            return self._data(element, known)
        raise self._bad(f"there is no data type {name[:80]}", True)

    def _array(self, element: Any, name: str) -> Array:
        self._no_text(element)
        if self._depth > MAX_DEPTH:
            raise self._bad("is nested too deeply")
        self._depth += 1
        item = self._array_item(name)
        member = Member("item", item, True, False, 0)
        items: list[Any] = []
        for child in element:
            if local_name(child):
                self._trail.append((local_name(child)[:80], items))
                items.append(self._item(child, member))
                self._trail.pop()
        self._depth -= 1
        return Array(item, tuple(items))

    def _array_item(self, name: str) -> str:
        item = name.removeprefix("ArrayOf")
        primitive = f"xsd:{item[:1].lower()}{item[1:]}"
        if primitive in _SCALARS or primitive == "xsd:anyType":
            return primitive
        if item == "ManagedObjectReference":
            return "ManagedObject"
        if item == "LocalizedMethodFault":
            return "MethodFault"
        if item not in self._contract:
            raise self._bad(f"there is no array type {name[:80]}", True)
        return item

    # -- inside -----------------------------------------------------------------------------------------------

    def _said(self, element: Any) -> tuple[str | None, str] | None:
        """(namespace, local name) of xsi:type, or None where none is said."""
        said = element.get(XSI + "type")
        if said is None:
            return None
        prefix, colon, name = said.strip().rpartition(":")
        if not colon:
            return element.nsmap.get(None), name
        space = element.nsmap.get(prefix)
        if space is None and prefix in ("xsd", "xs"):
            space = XSD  # govc writes xsd:string inside a spec without declaring the prefix
        if space is None:
            raise self._bad(f"the prefix {prefix[:40]} of xsi:type is not declared", True)
        return space, name

    def _no_text(self, element: Any) -> None:
        held = element.text
        if held and not held.isspace():
            raise self._bad(f"holds the text '{held.strip()[:64]}' where elements are due", True)

    def _path(self) -> str:
        path = ".".join(step if isinstance(step, str) else f"{step[0]}[{len(step[1])}]" for step in self._trail)
        return path if len(path) <= 300 else f"{path[:100]} … {path[-150:]}"

    def _bad(self, what: str, wrong_type: bool = False) -> BadRequest:
        path = self._path()
        colon = "" if what.startswith(("is ", "holds ")) else ":"
        return BadRequest(f"{path or 'The request'}{colon} {what}", path, wrong_type)
