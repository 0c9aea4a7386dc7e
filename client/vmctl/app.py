"""What every command is handed: the login, made when first asked for, and the ways to say something.

Law: people get tables on standard output, programs JSON (`-o json`); progress and words go to standard error, so that output can
be piped. Commands neither print nor log in by themselves.
"""

from __future__ import annotations

import base64
import datetime
import json
import sys
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from .errors import Problem

if TYPE_CHECKING:
    from .session import Found, Session


@dataclass
class App:
    """The settings of one call of `vmctl`."""

    url: str = ""
    user: str = ""
    password: str | None = None
    insecure: bool = False
    fingerprint: str | None = None
    output: str = "table"
    _session: Session | None = field(default=None, repr=False)

    @property
    def session(self) -> Session:
        """The login; asks for a password where none is set and a person is there."""
        if self._session is None:
            if not self.url:
                raise Problem("no server is named", "set VMCTL_URL=https://HOST or give --url")
            if self.password is None:
                if not sys.stdin.isatty():
                    raise Problem("no password is set", "set VMCTL_PASSWORD or give --password")
                self.password = click.prompt(f"Password of {self.user}", hide_input=True, err=True)
            if self.insecure:
                warnings.filterwarnings("ignore", message="Unverified HTTPS request")  # the caller said so
            from .session import connect  # zeep takes a third of a second, which `--help` need not wait for

            self._session = connect(
                self.url, self.user, self.password or "", verify=not self.insecure, fingerprint=self.fingerprint
            )
        return self._session

    def close(self) -> None:
        """Log out, if there was a login."""
        if self._session is not None:
            self._session.close()

    # -- machines and tasks -----------------------------------------------------------------------------------

    def vm(self, name: str, *paths: str) -> Found:
        """The machine of that name with some properties."""
        return self.session.named("VirtualMachine", name, *paths)

    def run(self, label: str, task: Any) -> Any:
        """Wait for a task, with a bar on a terminal; its result."""
        if not sys.stderr.isatty():
            return self.session.wait(task)
        with click.progressbar(length=100, label=label, file=sys.stderr) as bar:
            result = self.session.wait(task, lambda percent: bar.update(percent - bar.pos))
            bar.update(100 - bar.pos)
        return result

    def run_on(self, method: str, names: Iterable[str], **arguments: Any) -> None:
        """One operation on each of the named machines, one after the other; a task is waited for."""
        for name in names:
            returned = self.session.call(method, self.vm(name).ref, **arguments)
            if method.endswith("_Task"):
                self.run(name, returned)

    # -- saying -----------------------------------------------------------------------------------------------

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Rows for people, a list of objects with the columns as keys for programs."""
        whole = [[plain(value) for value in row] for row in rows]
        if self.output == "json":
            return self._json([dict(zip(columns, row, strict=True)) for row in whole])
        lines = [[c.upper() for c in columns], *([_cell(v) for v in row] for row in whole)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
        for line in lines:
            click.echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())

    def facts(self, facts: dict[str, Any]) -> None:
        """One thing: a line for each fact, one object for programs."""
        known = {name: plain(value) for name, value in facts.items()}
        if self.output == "json":
            return self._json(known)
        width = max(map(len, known))
        for name, value in known.items():
            click.echo(f"{name.ljust(width)}  {_cell(value)}".rstrip())

    def value(self, value: Any) -> None:
        """Any value of the contract: JSON either way, nothing for none on a terminal's table."""
        if value is not None or self.output == "json":
            self._json(plain(value))

    def _json(self, value: Any) -> None:
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_cell, value)) or "-"
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    # Names come from guests and other users: no escape sequence of theirs may reach the terminal.
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value))


def plain(value: Any) -> Any:
    """A value of the contract as JSON holds it: objects with their type in `_type` and without unset members, references as
    `TYPE:ID`, times as ISO 8601, bytes as base64."""
    if hasattr(value, "__values__"):
        members, kind = dict(value.__values__), type(value).__name__
        if kind == "ManagedObjectReference":
            return f"{members['type']}:{members['_value_1']}"
        if kind.startswith("ArrayOf"):
            return plain(next(iter(members.values()), None) or [])
        return {"_type": kind, **{k: plain(v) for k, v in members.items() if v is not None and v != []}}
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value if value is None or isinstance(value, str | int | float) else str(value)
