"""Values of the contract as Python objects: `vim.AboutInfo(name="…")`, `raise vim.NotFound()`, `MoRef("Folder", "ha-folder-vm")`.

Law: classes are made from the registry on first use, slotted and keyword-only; a misspelt field is a TypeError where it is
written. An unset scalar is None, an unset array is `()`. Enum values are plain strings, times are aware datetimes.
Faults are exceptions as well; their text is `msg`.
"""

from __future__ import annotations

from keyword import iskeyword
from typing import Any, NamedTuple

from .registry import CONTRACT, Contract, DataType


class MoRef(NamedTuple):
    """A reference to a managed object: wire type and id."""

    type: str
    value: str

    def __str__(self) -> str:
        return f"{self.type}:{self.value}"


class Long(int):
    """An int that goes out as xsd:long where any type may stand."""

    __slots__ = ()


class Short(int):
    """An int that goes out as xsd:short where any type may stand."""

    __slots__ = ()


class Byte(int):
    """An int that goes out as xsd:byte where any type may stand."""

    __slots__ = ()


class Array(NamedTuple):
    """An array where any type may stand (`ArrayOfX`): `type` is the wire type of its items."""

    type: str
    items: tuple


class _Value:
    __slots__ = ()
    _type: DataType

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        for f in self._type.fields:
            mine, its = getattr(self, f.name), getattr(other, f.name)
            if mine != its and not (f.array and tuple(mine or ()) == tuple(its or ())):  # a list is as good as a tuple
                return False
        return True

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{f.name}={value!r}"
            for f in self._type.fields
            if (value := getattr(self, f.name)) is not None and value != () and not f.secret
        )
        return f"{self._type.name}({shown})"


class DataObject(_Value):
    """Base of all data objects that are not faults."""

    __slots__ = ()


class MethodFault(_Value, Exception):
    """Base of all faults. `msg` is the sentence a person reads; unset, the engine's table of texts has one."""

    __slots__ = ("faultCause", "faultMessage", "msg")
    _type = CONTRACT.data("MethodFault")

    def __init__(self, *, faultCause: Any = None, faultMessage: Any = (), msg: str = ""):
        Exception.__init__(self)
        self.faultCause, self.faultMessage, self.msg = faultCause, faultMessage, msg

    def __str__(self) -> str:
        return self.msg or repr(self)

    __hash__ = Exception.__hash__  # type: ignore[assignment]


def _word(name: str) -> str:
    """The argument's name: the field's own, with `_` behind it where Python has that word (`from_`)."""
    return f"{name}_" if iskeyword(name) else name


class Vim:
    """Every data type of a contract as a class, made when first named."""

    def __init__(self, contract: Contract):
        self._contract = contract
        self.MethodFault = MethodFault

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        kind = self._contract.get(name)
        if not isinstance(kind, DataType):
            raise AttributeError(f"urn:vim25 has no data type {name}")
        made = self._make(kind)
        setattr(self, name, made)
        return made

    def _make(self, kind: DataType) -> type:
        base: type = getattr(self, kind.base.name) if kind.base is not None else DataObject
        fields = kind.fields
        arguments = "".join(f", {_word(f.name)}={'()' if f.array else 'None'}" for f in fields)
        assigns = "".join(
            f"\n setattr(_v, {f.name!r}, {_word(f.name)})" if iskeyword(f.name) else f"\n _v.{f.name} = {f.name}"
            for f in fields
        )
        if kind.is_fault:
            source = f"def __init__(_v, *{arguments}, msg=''):\n _init(_v){assigns}\n _v.msg = msg"
        elif fields:
            source = f"def __init__(_v, *{arguments}):{assigns}"  # a field may be named self
        else:
            source = "def __init__(_v): pass"
        scope: dict[str, Any] = {"_init": Exception.__init__}
        exec(source, scope)  # names come from the contract file alone
        body = {
            "__slots__": tuple(f.name for f in kind.own),
            "__init__": scope["__init__"],
            "__doc__": f"{kind.vmodl} of the contract.",
            "__module__": __name__,
            "_type": kind,
        }
        if kind.is_fault:
            body["__hash__"] = Exception.__hash__
        return type(kind.name, (base,), body)


vim: Any = Vim(CONTRACT)
