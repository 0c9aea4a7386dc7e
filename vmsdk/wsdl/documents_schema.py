"""Types of the contract as XML Schema text.

Law: written from the registry alone, for one served version; a name that is newer is not there. All types stand in
`urn:vim25`; the files they are shared out to (`core`, `query`, `vim`) follow the packages the contract itself names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from xml.sax.saxutils import quoteattr

from .codec.encode import array_type
from .codec.enum_versions import known_enum_value
from .registry import NAMESPACE, Contract, DataType, EnumType, ManagedType, Member

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
XSD = "http://www.w3.org/2001/XMLSchema"
SCHEMA = (
    f'<schema targetNamespace="{NAMESPACE}" xmlns="{XSD}" xmlns:xsd="{XSD}" xmlns:vim25="{NAMESPACE}" '
    'elementFormDefault="qualified">\n'
)
PRIMITIVES = (
    "xsd:anyType", "xsd:anyURI", "xsd:base64Binary", "xsd:boolean", "xsd:byte", "xsd:dateTime", "xsd:double",
    "xsd:float", "xsd:int", "xsd:long", "xsd:short", "xsd:string",
)  # fmt: skip
_REFERENCE = (
    '<complexType name="ManagedObjectReference"><simpleContent><extension base="xsd:string">'
    '<attribute name="type" type="xsd:string"/></extension></simpleContent></complexType>\n'
)
_THIS = '<element name="_this" type="vim25:ManagedObjectReference"/>\n'
# Members every object had before 8.0; no server fills them, and the registry has them no more.
_OLD_DYNAMIC = (
    '<element name="dynamicType" type="xsd:string" minOccurs="0"/>\n'
    '<element name="dynamicProperty" type="vim25:DynamicProperty" minOccurs="0" maxOccurs="unbounded"/>\n'
)


def schema(includes: Iterable[str], body: Iterable[str]) -> str:
    """A whole `.xsd` file."""
    named = "".join(f'<include schemaLocation="{name}"/>\n' for name in includes)
    return f"{HEAD}{SCHEMA}{named}{''.join(body)}</schema>\n"


def home(vmodl: str) -> str:
    """The file a type stands in: `core`, `query` or `vim`."""
    if vmodl.startswith("vmodl.query."):
        return "query"
    return "core" if vmodl.startswith("vmodl.") else "vim"


def sequence(members: Iterable[str]) -> str:
    inner = "".join(members)
    return f"<sequence>\n{inner}</sequence>\n" if inner else "<sequence/>\n"


class SchemaWriter:
    """Spells types, request types and members for a server of version index `served`.

    `wanted` says of a data type or enum whether it is there; by default all are.
    """

    def __init__(self, contract: Contract, served: int, wanted: Callable[[str], bool] = lambda name: True):
        self._contract, self._served, self._wanted = contract, served, wanted
        self._dynamic = _OLD_DYNAMIC if served < contract.versions.index("8.0.0.0") else ""

    def types(self, file: str) -> Iterator[str]:
        """Every data type, enum and ArrayOf type of one file, by name."""
        if file == "core":
            yield _REFERENCE
            yield from (self._array(kind) for kind in (*PRIMITIVES, "ManagedObject"))
        arrays = self.arrays
        for name in sorted((*self._contract.names("data"), *self._contract.names("enum"))):
            known = self._contract[name]
            if known.since > self._served or home(known.vmodl) != file or not self._wanted(name):
                continue
            if isinstance(known, EnumType):
                yield self._enum(known)
            elif isinstance(known, DataType):
                yield self._data(known)
            if name in arrays:
                yield self._array(name)

    @property
    def arrays(self) -> set[str]:
        """Types that stand in an array somewhere: as member, property, parameter or result."""
        found: set[str] = set()
        for name in self._contract.names("data"):
            found.update(m.type for m in self._contract.data(name).own if m.array and m.since <= self._served)
        for name in self._contract.names("managed"):
            known = self._contract.managed(name)
            found.update(m.type for m in known.own_properties.values() if m.array and m.since <= self._served)
            for method in known.own_methods.values():
                found.update(m.type for m in method.params if m.array)
                found.update([method.result] if method.result_array else ())
                if method.task_result.endswith("[]"):
                    found.add(method.task_result[:-2])
        return found

    def request_type(self, name: str, params: Iterable[Member]) -> str:
        members = [self.member(p) for p in params if p.since <= self._served]
        return f'<complexType name="{name}">\n{sequence([_THIS, *members])}</complexType>\n'

    def member(self, member: Member) -> str:
        kind = "xsd:string" if member.link else member.type
        return self.element(member.name, self.spelled(kind), member.optional, member.array)

    def element(self, name: str, kind: str, optional: bool, array: bool) -> str:
        occurs = ' minOccurs="0"' if optional else ""
        occurs += ' maxOccurs="unbounded"' if array else ""
        return f'<element name="{name}" type="{kind}"{occurs}/>\n'

    def spelled(self, kind: str) -> str:
        """The type of an element: a reference for managed objects, the wrapped form for faults."""
        if kind.startswith("xsd:"):
            return kind
        if kind == "MethodFault":
            return "vim25:LocalizedMethodFault"
        managed = isinstance(self._contract.get(kind), ManagedType)
        return "vim25:ManagedObjectReference" if managed else f"vim25:{kind}"

    def _array(self, kind: str) -> str:
        name, child = array_type(kind)
        inner = self.element(child, self.spelled(kind), True, True)
        return f'<complexType name="{name}">\n{sequence([inner])}</complexType>\n'

    def _data(self, known: DataType) -> str:
        if known.name == "LocalizedMethodFault":  # the one place where a fault stands bare
            inner = ['<element name="fault" type="vim25:MethodFault"/>\n', *(self.member(m) for m in known.own[1:])]
        else:
            inner = [self.member(m) for m in known.own if m.since <= self._served]
        if known.name == "DynamicData":
            inner.append(self._dynamic)
        body = sequence(inner)
        bare = self._dynamic and known.name in ("DynamicArray", "DynamicProperty")  # what dynamic members are made of
        if known.base is not None and not bare:
            body = f'<complexContent><extension base="vim25:{known.base.name}">\n{body}</extension></complexContent>'
        return f'<complexType name="{known.name}">\n{body}</complexType>\n'

    def _enum(self, known: EnumType) -> str:
        values = (
            value
            for value in sorted(known.values)
            if known_enum_value(self._contract, known.name, value, self._served) == value
        )
        inner = "".join(f"<enumeration value={quoteattr(value)}/>\n" for value in values)
        body = f'<restriction base="xsd:string">\n{inner}</restriction>'
        return f'<simpleType name="{known.name}">{body}</simpleType>\n'
