"""The command `vmctl`: the settings that all commands share, and how commands are found.

Law: a file in `commands/` is a command of that name: its `group` is a click command or group. Nothing lists them, and only the one
that is asked for is imported. Every command takes `-o`; a Problem ends with its words, its hint and exit code 1, never
with a traceback.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import click

from . import commands
from .app import App
from .errors import Problem


def _set_output(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value:
        context.ensure_object(App).output = value


class Command(click.Command):
    """A command that takes `-o`."""

    def __init__(self, *arguments: Any, **more: Any):
        super().__init__(*arguments, **more)
        self.params.append(
            click.Option(
                ["-o", "--output"], type=click.Choice(["table", "json"]), help="table for people, json for programs",
                expose_value=False, callback=_set_output,
            )
        )  # fmt: skip


class Group(click.Group):
    """A group whose commands take `-o`."""

    command_class = Command


class Vmctl(click.Group):
    """Finds its commands in `commands/`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(module.name for module in pkgutil.iter_modules(commands.__path__))

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(ctx):
            return None
        return importlib.import_module(f"{commands.__name__}.{name}").group

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Problem as problem:
            raise click.ClickException(f"{problem}\n{_sentence(problem.hint)}".rstrip()) from None


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + ("." if words and words[-1].isalnum() else "")


@click.group(cls=Vmctl, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--url", envvar="VMCTL_URL", default="", help="the server: https://HOST [VMCTL_URL]")
@click.option("--user", envvar="VMCTL_USER", default="root", show_default=True, help="who logs in [VMCTL_USER]")
@click.option("--password", envvar="VMCTL_PASSWORD", help="better in the environment, where `ps` does not show it [VMCTL_PASSWORD]")
@click.option("--insecure", envvar="VMCTL_INSECURE", is_flag=True, help="trust any certificate [VMCTL_INSECURE=1]")
@click.option("--fingerprint", envvar="VMCTL_FINGERPRINT", help="SHA-256 of the certificate to trust [VMCTL_FINGERPRINT]")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), expose_value=False, callback=_set_output, help="as in commands")
@click.pass_context
def vmctl(context: click.Context, **given: Any) -> None:
    """Machines on a server that speaks the vSphere API."""
    app = context.ensure_object(App)
    for name, value in given.items():
        setattr(app, name, value)
    context.call_on_close(app.close)
