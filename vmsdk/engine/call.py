"""The facts of one request, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .sessions import Session
    from .tasks import TaskHandle


class Peer(NamedTuple):
    """Who is at the other end, as far as the front door is believed."""

    address: str = "127.0.0.1"
    secure: bool = False
    user_agent: str = ""
    local: bool = False  # came over plain loopback or a unix socket without the proxy


class Call(NamedTuple):
    """`session` is None before login; `version` is the negotiated index; `task` is set inside a `_Task`."""

    session: Session | None
    version: int
    operation_id: str = ""
    peer: Peer = Peer()
    task: TaskHandle | None = None
    cookie: str = ""
    reply: Any = None  # a dict that sessions use to hand out a cookie: {"cookie": "…"}

    @property
    def user(self) -> str:
        return self.session.user if self.session is not None else ""


class Raw(str):
    """An operation's answer already spelled: the `<returnval>` elements, or empty."""

    __slots__ = ()
