"""Values in: from parsed elements to Python values, by the contract's declared types.

Law: names are resolved through their namespace, never by prefix. What does not fit raises BadRequest with a sentence that names
the member and what was wrong; nothing is guessed. Members known to a newer contract than the one served are read over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..registry import CONTRACT, NAMESPACE, Contract, DataType, EnumType, ManagedType, Member
from ..values import Array, Byte, Long, MoRef, Short, vim
from . import text

XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
XSD = "http://www.w3.org/2001/XMLSchema"
SOAPENC = "http://schemas.xmlsoap.org/soap/encoding/"
MAX_DEPTH = 100

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


class BadRequest(Exception):
    """The request does not fit the contract; `str()` is a sentence that names what was wrong."""

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


class Decoder:
    """Reads values of one contract, for a server that serves up to `served` (a version index)."""

    def __init__(self, served: int, contract: Contract = CONTRACT):
        self.served, self.contract = served, contract
        self._members: dict[str, dict[str, Member]] = {}

    def arguments(self, element: Any, params: tuple[Member, ...], newer_client: bool = False) -> dict[str, Any]:
        """Keyword arguments of a method from its element; `_this` is not among them."""
        known = {p.name: p for p in params}
        return self._read(element, known, "", 0, newer_client)

    def reference(self, element: Any) -> MoRef:
        """`<_this type="Folder">id</_this>`."""
        kind = element.get("type")
        value = (element.text or "").strip()
        name = local_name(element)
        if not kind:
            raise BadRequest(f"The reference {name} has no type attribute", name, True)
        if not value:
            raise BadRequest(f"The reference {name} is empty", name)
        kind = kind.rpartition(":")[2]
        if kind != "ManagedObjectReference" and not isinstance(self.contract.get(kind), ManagedType):
            raise BadRequest(f"{name}: there is no managed object type {kind[:80]}", name, True)
        return MoRef(kind, value)

    # -- inside -----------------------------------------------------------------------------------------------

    def _read(self, element: Any, known: dict[str, Member], where: str, depth: int, newer: bool) -> dict[str, Any]:
        if depth > MAX_DEPTH:
            raise BadRequest(f"{where} is nested too deeply", where)
        found: dict[str, Any] = {}
        for child in element:
            name = local_name(child)
            if not name or (name == "_this" and depth == 0):
                continue
            member = known.get(name)
            if member is None or not in_contract(child):
                if newer or (name in ("dynamicType", "dynamicProperty")):
                    continue
                raise BadRequest(f'Unexpected element tag "{name[:80]}" seen{_at(where)}', _path(where, name))
            path = _path(where, name)
            if child.get(XSI + "nil") in ("true", "1"):
                continue
            if member.array:
                found.setdefault(name, []).append(self._item(child, member, f"{path}[{len(found.get(name, ()))}]", depth))
            elif name in found:
                raise BadRequest(f"{path} is given more than once", path)
            else:
                found[name] = self._item(child, member, path, depth)
        for name, member in known.items():
            if name not in found and not member.optional and member.since <= self.served:
                if member.array:
                    found[name] = []  # an empty array cannot be told from a missing one
                    continue
                raise BadRequest(f"Required parameter {_path(where, name)} is missing", _path(where, name))
        return found

    def _item(self, element: Any, member: Member, path: str, depth: int) -> Any:
        kind = "xsd:string" if member.link else member.type
        scalar = _SCALARS.get(kind)
        try:
            if scalar is not None:
                if len(element):
                    raise BadRequest(f"{path} holds elements where a value of type {kind} is due", path, True)
                return scalar(element.text or "")
            if kind == "xsd:anyType":
                return self._any(element, path, depth)
        except text.Malformed as wrong:
            raise BadRequest(f"{path}: {wrong}", path) from None
        known = self.contract.get(kind)
        if isinstance(known, DataType):
            return self._data(element, known, path, depth)
        if isinstance(known, EnumType):
            return self._enum(element, known, path)
        reference = self.reference(element)
        if reference.type != "ManagedObjectReference" and kind != "ManagedObject":
            if not self.contract.managed(reference.type).descends_from(kind):
                raise BadRequest(f"{path}: a reference to {kind} is due, not to {reference.type}", path, True)
        return reference

    def _enum(self, element: Any, known: EnumType, path: str) -> str:
        value = (element.text or "").strip()
        if value not in known.values:
            raise BadRequest(f"{path}: '{value[:64]}' is no value of {known.name}", path)
        return value

    def _data(self, element: Any, declared: DataType, path: str, depth: int) -> Any:
        kind = declared
        said = self._said(element, path)
        if said is not None:
            space, name = said
            found = self.contract.get(name) if space in (NAMESPACE, None) else None
            if not isinstance(found, DataType):
                raise BadRequest(f"{path}: there is no data type {name[:80]}", path, True)
            if declared.name == "MethodFault" and name == "LocalizedMethodFault":
                pass
            elif not found.descends_from(declared.name):
                raise BadRequest(f"{path}: {name} is no {declared.name}", path, True)
            kind = found
        known = self._members.get(kind.name)
        if known is None:
            known = self._members[kind.name] = {f.name: f for f in kind.fields}
        fields = self._read(element, known, path, depth + 1, False)
        made = getattr(vim, kind.name)
        return made(**{f"{k}_" if k == "from" else k: v for k, v in fields.items()})

    def _said(self, element: Any, path: str) -> tuple[str | None, str] | None:
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
            raise BadRequest(f"{path}: the prefix {prefix[:40]} of xsi:type is not declared", path, True)
        return space, name

    def _any(self, element: Any, path: str, depth: int) -> Any:
        said = self._said(element, path)
        if said is None:
            if element.get("type") and not len(element):
                return self.reference(element)
            raise BadRequest(f"{path}: a value of any type needs xsi:type", path, True)
        space, name = said
        if space in (XSD, SOAPENC):
            scalar = _SCALARS.get(f"xsd:{name}")
            if scalar is None:
                raise BadRequest(f"{path}: there is no primitive type {name[:40]}", path, True)
            value = scalar(element.text or "")
            return _ANY_FORMS.get(f"xsd:{name}", lambda v: v)(value)
        if name == "ManagedObjectReference":
            return self.reference(element)
        if name.startswith("ArrayOf"):
            item = self._array_item(name, path)
            member = Member("item", item, True, False, 0)
            return Array(item, tuple(self._item(c, member, f"{path}[{i}]", depth + 1) for i, c in enumerate(element)))
        known = self.contract.get(name)
        if isinstance(known, EnumType):
            return self._enum(element, known, path)
        if isinstance(known, DataType):
            return self._data(element, known, path, depth + 1)
        raise BadRequest(f"{path}: there is no data type {name[:80]}", path, True)

    def _array_item(self, name: str, path: str) -> str:
        item = name.removeprefix("ArrayOf")
        primitive = f"xsd:{item[:1].lower()}{item[1:]}"
        if primitive in _SCALARS:
            return primitive
        if item == "ManagedObjectReference":
            return "ManagedObject"
        if item == "AnyType":
            return "xsd:anyType"
        if item not in self.contract:
            raise BadRequest(f"{path}: there is no array type {name[:80]}", path, True)
        return item


def _path(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _at(where: str) -> str:
    return f" in {where}" if where else ""
