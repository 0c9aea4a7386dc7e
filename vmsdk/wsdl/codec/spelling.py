"""Tables that answer "how is this value spelled?" by one subscript: the fastest thing Python has.

Law: a table remembers, it never decides; each is bounded, emptied when full, and keeps no long text. `Unset` means
that None stood where a value is due; `Unencodable` that a value has no place there.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from ..registry import Contract, EnumType
from ..values import MoRef
from .enum_versions import known_enum_value
from .text import binary_text, date_text, escape, float_text

_ENTRIES = 16_384
_LONGEST = 200


class Unencodable(TypeError):
    """A value that the contract has no place for: a bug of ours."""


class Unset(Unencodable):
    """None where a value is due."""

    def __init__(self) -> None:
        super().__init__("None stands where a value is due")


class Spelling(dict[Any, str]):
    """value -> escaped text, made by `spell` when first asked for."""

    def __init__(self, spell: Callable[[Any], str], name: str):
        super().__init__()
        self._spell, self._name = spell, name

    def __missing__(self, value: Any) -> str:
        if value is None:
            raise Unset
        try:
            made = self._spell(value)
        except (TypeError, ValueError, AttributeError):
            raise Unencodable(f"{type(value).__name__} {str(value)[:80]!r} is no {self._name}") from None
        if len(made) <= _LONGEST:
            if len(self) >= _ENTRIES:
                self.clear()
            self[value] = made
        return made


def _text(value: Any) -> str:
    return escape(value)


def _integer(value: Any) -> str:
    if isinstance(value, str):
        raise TypeError
    return str(int(value))


def _boolean(value: Any) -> str:
    return "true" if value else "false"


def _float(value: Any) -> str:
    return float_text(float(value))


def _date(value: datetime) -> str:
    return date_text(value)


def _reference(value: MoRef) -> str:
    return f' type="{escape(value.type)}">{escape(value.value)}'


def scalar_spellings() -> dict[str, Spelling]:
    """A table for each primitive."""
    text, integer, number = Spelling(_text, "text"), Spelling(_integer, "integer"), Spelling(_float, "number")
    return {
        "xsd:string": text, "xsd:anyURI": text, "xsd:boolean": Spelling(_boolean, "boolean"), "xsd:byte": integer,
        "xsd:short": integer, "xsd:int": integer, "xsd:long": integer, "xsd:float": number, "xsd:double": number,
        "xsd:dateTime": Spelling(_date, "time"), "xsd:base64Binary": Spelling(binary_text, "bytes"),
    }  # fmt: skip


def reference_spelling() -> Spelling:
    """MoRef -> what follows the tag's name: ` type="Folder">group-v3`."""
    return Spelling(_reference, "reference")


class EnumSpelling(dict[Any, str]):
    """value -> its text for clients of one version; '' where it must be left out. Complete when made."""

    def __init__(self, contract: Contract, kind: EnumType, version: int):
        super().__init__((v, known_enum_value(contract, kind.name, v, version) or "") for v in kind.values)
        self._name = kind.name

    def __missing__(self, value: Any) -> str:
        if not value:  # an empty enum makes strict clients fail: as good as unset
            raise Unset
        raise Unencodable(f"{value!r} is no {self._name}")
