"""The source of an encoding plan: one function for each data type and version, all that is known beforehand unrolled.

A plan takes a value and returns its members as text. Members that are always there and always spelled by a table
stand together in one f-string; a None among them raises Unset, and the careful plan looks at each instead.

Law: names in the source come from the contract file alone; values reach it only through `scope`.
"""

from __future__ import annotations

from collections.abc import Callable
from keyword import iskeyword
from typing import Any, Protocol

from ..registry import DataType, EnumType, ManagedType, Member

Plan = Callable[[Any], str]


class Tables(Protocol):
    """What a plan looks values up in."""

    def scalars(self, kind: str) -> dict[Any, str]: ...

    def references(self) -> dict[Any, str]: ...

    def enum(self, kind: EnumType) -> dict[Any, str]: ...

    def objects(self, kind: str) -> dict[type, tuple[str, Plan] | None]: ...

    def known(self, kind: str) -> Any: ...

    def localized(self, tag: str, fault: Any) -> str: ...

    def any(self, tag: str, value: Any) -> str: ...

    def missing(self, owner: str, member: str) -> None: ...


def compile_plan(kind: DataType, version: int, tables: Tables, careful: bool) -> Plan:
    """The plan that spells the members of `kind` known at `version`."""
    writer = _Writer(kind, tables, careful)
    for member in kind.fields:
        if member.since <= version:
            writer.member(member)
    return writer.finished()


class _Writer:
    def __init__(self, kind: DataType, tables: Tables, careful: bool):
        self._kind, self._tables, self._careful = kind, tables, careful
        self._scope: dict[str, Any] = {"localized": tables.localized, "any": tables.any, "missing": tables.missing}
        self._lines = ["def plan(v):", " s = ''"]
        self._run: list[str] = []  # pieces of the f-string under way

    def member(self, member: Member) -> None:
        name, kind = member.name, "xsd:string" if member.link else member.type
        read = f'getattr(v, "{name}")' if iskeyword(name) else f"v.{name}"
        fault = kind == "MethodFault" and self._kind.name != "LocalizedMethodFault"
        if kind == "xsd:anyType" or fault:
            self._statement(member, read, f"{'localized' if fault else 'any'}({name!r}, x)")
            return
        known = None if kind.startswith("xsd:") else self._tables.known(kind)
        if isinstance(known, DataType):
            table = self._name(self._tables.objects(kind), kind)
            self._object(member, read, table)
        elif isinstance(known, EnumType):
            values = self._tables.enum(known)
            table = self._name(values, kind)
            if member.optional or member.array or "" in (values[v] for v in known.values):
                self._statement(member, read, f"f'<{name}>{{t}}</{name}>' if x and (t := {table}[x]) else ''")
            else:
                self._always(member, f"<{name}>{{{table}[{read}]}}</{name}>", unset="in (None, '')")
        elif isinstance(known, ManagedType):
            table = self._name(self._tables.references(), "references")
            self._looked_up(member, read, f"<{name}{{{table}[%s]}}</{name}>")
        else:
            table = self._name(self._tables.scalars(kind), kind.replace(":", "_"))
            self._looked_up(member, read, f"<{name}>{{{table}[%s]}}</{name}>")

    def finished(self) -> Plan:
        self._flush()
        source = "\n".join([*self._lines, " return s"])
        exec(compile(source, f"<plan of {self._kind.name}>", "exec"), self._scope)
        return self._scope["plan"]

    def _name(self, table: Any, name: str) -> str:
        word = f"T_{name}"
        self._scope[word] = table
        return word

    def _looked_up(self, member: Member, read: str, piece: str) -> None:
        if member.optional or member.array:
            self._statement(member, read, f"f'{piece % 'x'}'")
        else:
            self._always(member, piece % read)

    def _always(self, member: Member, piece: str, unset: str = "is None") -> None:
        """A member that is always there."""
        if not self._careful:
            self._run.append(piece)
            return
        read = f"getattr(v, {member.name!r})"
        self._lines.append(f" if {read} {unset}: missing({self._kind.name!r}, {member.name!r})")
        self._lines.append(f" else: s += f'{piece}'")

    def _object(self, member: Member, read: str, table: str) -> None:
        name = member.name
        text = f"f'<{name}{{p[0]}}{{p[1](x)}}</{name}>' if (p := {table}[x.__class__]) else ''"
        self._statement(member, read, text)

    def _statement(self, member: Member, read: str, text: str) -> None:
        """A member that may be absent, or may go out as nothing. `text` is an expression over `x`."""
        self._flush()
        lines = self._lines
        if member.array:
            lines += [f" x = {read}", f" if x: s += ''.join([{text} for x in x])"]
            return
        lines += [f" x = {read}", f" if x is not None: s += {text}"]
        if not member.optional:
            lines.append(f" else: missing({self._kind.name!r}, {member.name!r})")

    def _flush(self) -> None:
        if self._run:
            self._lines.append(f" s += f'{''.join(self._run)}'")
            self._run = []
