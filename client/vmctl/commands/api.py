"""`vmctl api METHOD`: any operation of the contract at hand, with arguments in plain words."""

from __future__ import annotations

import difflib
import json
from typing import Any

import click
from zeep import xsd

from ..app import App
from ..cli import Command
from ..errors import Problem
from ..session import Session


@click.command(cls=Command)
@click.argument("method", required=False)
@click.argument("arguments", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--object", "on", default="ServiceInstance:ServiceInstance", metavar="TYPE:ID", show_default=True,
              help="or a member of the ServiceContent: sessionManager, searchIndex …")  # fmt: skip
@click.option("--list", "only_list", is_flag=True, help="the operations there are, with their arguments")
@click.option("--wait/--no-wait", default=True, help="wait for a task and show its result")
@click.pass_obj
def group(app: App, method: str | None, arguments: tuple[str, ...], on: str, only_list: bool, wait: bool) -> None:
    """Call any operation: vmctl api Rename_Task --object VirtualMachine:3 newName=web

    A value is text, a reference TYPE:ID, or JSON for an object ("_type" names a subtype) and for a list.
    """
    session = app.session
    known = session.operations()
    if only_list or method is None:
        return app.table(["operation", "arguments"], ([name, [n for n, _ in _parameters(known[name])]] for name in sorted(known)))
    if method not in known:
        near = difflib.get_close_matches(method, known, 3, 0.5)
        raise Problem(f"the contract at hand has no operation {method}",
                      f"did you mean {' or '.join(near)}?" if near else "`vmctl api --list` shows those it has")  # fmt: skip
    parameters = dict(_parameters(known[method]))
    given: dict[str, Any] = {}
    for argument in arguments:
        name, equals, text = argument.partition("=")
        if not equals or name not in parameters:
            takes = ", ".join(parameters) or "no arguments"
            raise Problem(f"{argument!r} is no argument of {method}", f"it takes {takes}, each as KEY=VALUE")
        given[name] = _value(session, parameters[name], name, text)
    result = session.call(method, _object(session, on), **given)
    if method.endswith("_Task") and wait:
        result = app.run(method, result)
    app.value(result)


def _parameters(operation: Any) -> list[tuple[str, Any]]:
    return [(name, element) for name, element in operation.input.body.type.elements if name != "_this"]


def _object(session: Session, words: str) -> Any:
    if ":" in words:
        return session.ref(*words.split(":", 1))
    found = getattr(session.content, words, None) if words.isidentifier() else None
    if type(found).__name__ != "ManagedObjectReference":
        raise Problem(f"{words!r} is no object", "write TYPE:ID, as in VirtualMachine:3, or a member of the ServiceContent")
    return found


def _value(session: Session, element: Any, name: str, text: str) -> Any:
    """What stands on the command line as the contract wants it there."""
    structured = isinstance(element.type, xsd.ComplexType) and element.type.name != "ManagedObjectReference"
    value: Any = text
    if structured or (element.accepts_multiple and text.startswith("[")):
        try:
            value = json.loads(text)
        except ValueError as error:
            raise Problem(f"{name}: {text!r} is not JSON: {error}", f"write a {element.type.name} as a JSON object") from error
    return _made(session, element, name, value)


def _made(session: Session, element: Any, name: str, value: Any) -> Any:
    if element.accepts_multiple:
        return [_one(session, element.type, name, each) for each in (value if isinstance(value, list) else [value])]
    return _one(session, element.type, name, value)


def _one(session: Session, kind: Any, name: str, value: Any) -> Any:
    if kind.name == "ManagedObjectReference":
        type_name, colon, ident = str(value).partition(":")
        if not colon:
            raise Problem(f"{name}: {value!r} is no reference", "write TYPE:ID, as in VirtualMachine:3")
        return session.ref(type_name, ident)
    if isinstance(kind, xsd.AnyType) and not isinstance(kind, xsd.ComplexType | xsd.AnySimpleType):
        return _any(session, name, value)
    if isinstance(kind, xsd.ComplexType):
        if not isinstance(value, dict):
            raise Problem(f"{name}: {value!r} is no {kind.name}", "write it as a JSON object")
        made = session.type(value["_type"]) if "_type" in value else kind
        members = dict(made.elements)
        if unknown := value.keys() - members.keys() - {"_type"}:
            raise Problem(f"{name}: a {made.name} has no {', '.join(sorted(unknown))}", f"it has {', '.join(members)}")
        return made(**{k: _made(session, members[k], f"{name}.{k}", v) for k, v in value.items() if k != "_type"})
    if not isinstance(value, str):
        return value
    try:
        return kind.pythonvalue(value) if isinstance(kind, xsd.AnySimpleType) else value
    except ValueError as error:
        raise Problem(f"{name}: {value!r} is no {kind.name}", str(error)) from error


def _any(session: Session, name: str, value: Any) -> Any:
    """A value where the contract takes any type, which must say its own: what JSON says, and `_type` for an object."""
    for python, kind in ((bool, xsd.Boolean), (int, xsd.Int), (float, xsd.Double), (str, xsd.String)):
        if isinstance(value, python):
            return xsd.AnyObject(kind(), value)
    if isinstance(value, dict) and "_type" in value:
        return _one(session, session.type(value["_type"]), name, value)
    raise Problem(f"{name}: {value!r} does not say its type", 'write text, a number, true, false, or an object with "_type"')
