"""Values of the contract as plain JSON and back: references, data objects, faults, times.

Law: what cannot be told apart in JSON carries a mark of one key. Members that the contract calls secret are
left out. A type that the contract no longer has comes back as a plain MethodFault or as None, never as an
error: history must stay readable.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from keyword import iskeyword
from typing import Any

from ..wsdl import DataObject, MethodFault, MoRef, vim
from ..wsdl.values import Array, Byte, Long, Short

_INTEGERS: dict[str, type[int]] = {"long": Long, "short": Short, "byte": Byte}


def to_plain(value: Any) -> Any:
    """JSON builtins. TypeError for what is no value of the contract."""
    if value is None or isinstance(value, (bool, str, float)):
        return value
    if isinstance(value, int):
        mark = next((name for name, kind in _INTEGERS.items() if isinstance(value, kind)), None)
        return int(value) if mark is None else {f"${mark}": int(value)}
    if isinstance(value, MoRef):
        return {"$ref": [value.type, value.value]}
    if isinstance(value, Array):
        return {"$array": [value.type, [to_plain(each) for each in value.items]]}
    if isinstance(value, datetime):
        return {"$at": value.timestamp()}
    if isinstance(value, (bytes, bytearray)):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, (list, tuple)):
        return [to_plain(each) for each in value]
    if isinstance(value, (DataObject, MethodFault)):
        told = {"$type": value._type.name}
        for field in value._type.fields:
            member = getattr(value, field.name)
            if member is not None and member != () and not field.secret:
                told[field.name] = to_plain(member)
        if isinstance(value, MethodFault) and value.msg:
            told["$msg"] = value.msg
        return told
    raise TypeError(f"{type(value).__name__} is no value of the contract")


def from_plain(plain: Any) -> Any:
    """What `to_plain` was given; arrays come back as tuples, times in UTC."""
    if isinstance(plain, list):
        return tuple(from_plain(each) for each in plain)
    if not isinstance(plain, dict):
        return plain
    if "$type" in plain:
        return _object(plain)
    [(mark, told)] = plain.items()
    if mark == "$ref":
        return MoRef(*told)
    if mark == "$at":
        return datetime.fromtimestamp(told, UTC)
    if mark == "$bytes":
        return base64.b64decode(told)
    if mark == "$array":
        return Array(told[0], from_plain(told[1]))
    return _INTEGERS[mark[1:]](told)


def _object(plain: dict[str, Any]) -> Any:
    made = getattr(vim, plain["$type"], None)
    if made is None:
        return MethodFault(msg=plain["$msg"]) if "$msg" in plain else None
    known = {field.name for field in made._type.fields}
    members = {
        f"{name}_" if iskeyword(name) else name: from_plain(told) for name, told in plain.items() if name in known
    }
    if "$msg" in plain:
        members["msg"] = plain["$msg"]
    return made(**members)
