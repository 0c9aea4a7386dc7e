"""`vmctl task`: what the server is doing and has done lately."""

from __future__ import annotations

import click

from ..app import App
from ..cli import Group


@click.group(cls=Group)
def group() -> None:
    """Tasks."""


@group.command()
@click.pass_obj
def ls(app: App) -> None:
    """Tasks under way and those that ended lately."""
    recent = app.session.get(app.session.content.taskManager, "recentTask")["recentTask"]
    infos = [found["info"] for found in app.session.get_all(recent or [], "info")]
    app.table(
        ["id", "what", "on", "state", "progress", "queued", "error"],
        ([i.key, i.descriptionId, i.entityName, i.state, i.progress, i.queueTime, i.error and i.error.localizedMessage] for i in infos),
    )
