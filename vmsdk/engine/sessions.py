"""Sessions: who is logged in, what is theirs, and when it ends. The wire face is `managed_objects/session_manager.py`.

Law: a session's objects (filters, views, collectors) do not exist for another. Cookie and key are different secrets of 128
random bits at least. Idle expiry is by the injected clock; an open wait keeps a session alive.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ..wsdl import MoRef
from .call import Peer
from .managed_object import ManagedObject

IDLE_SECONDS = 1800
MAX_SESSIONS = 2000


class Session:
    """One login. `objects` are the managed objects that only it sees."""

    def __init__(self, user: str, full_name: str, peer: Peer, now: float, locale: str = "en"):
        self.key = f"52{uuid.uuid4().hex[2:8]}-{str(uuid.uuid4())[9:]}"
        self.cookie = secrets.token_hex(20)
        self.user, self.full_name, self.peer, self.locale = user, full_name, peer, locale
        self.logged_in = self.last_active = now
        self.calls = 0
        self.waiting = 0  # open long polls
        self.objects: dict[str, ManagedObject] = {}
        self.when_ended: list[Callable[[], None]] = []
        self.collector: Any = None  # its default property collector, made on first use

    def own(self, face: ManagedObject) -> MoRef:
        self.objects[face.ref.value] = face
        return face.ref

    def disown(self, face: ManagedObject) -> None:
        if self.objects.pop(face.ref.value, None) is not None:
            face.gone()
            face.forget_slots()

    def new_id(self) -> str:
        """An id for an object of this session, as hosts spell it."""
        return f"session[{self.key}]52{secrets.token_hex(3)}-{str(uuid.uuid4())[9:]}"

    @staticmethod
    def moment(seconds: float) -> datetime:
        return datetime.fromtimestamp(seconds, UTC)


class Sessions:
    """All sessions by cookie and by key."""

    def __init__(self, clock: Any, graph: Any, idle_seconds: int = IDLE_SECONDS, limit: int = MAX_SESSIONS):
        self._clock = clock
        self.idle_seconds, self.limit = idle_seconds, limit
        self._by_cookie: dict[str, Session] = {}
        self.by_key: dict[str, Session] = {}
        self.epoch = graph.cell(0)  # changes with every login and logout
        self._tickets: dict[str, tuple[float, Session]] = {}

    def now(self) -> float:
        return self._clock.seconds()

    def full(self) -> bool:
        return len(self._by_cookie) >= self.limit

    def open(self, user: str, full_name: str, peer: Peer, locale: str = "en") -> Session:
        session = Session(user, full_name, peer, self.now(), locale)
        self._by_cookie[session.cookie] = self.by_key[session.key] = session
        self._changed()
        return session

    def of_cookie(self, cookie: str) -> Session | None:
        """The live session of a cookie, touched; None when unknown or expired."""
        session = self._by_cookie.get(cookie)
        if session is None:
            return None
        now = self.now()
        if not session.waiting and now - session.last_active > self.idle_seconds:
            self.end(session)
            return None
        session.last_active = now
        session.calls += 1
        return session

    def end(self, session: Session) -> None:
        """Logout, expiry or termination: all that is theirs goes, open waits are told."""
        if self._by_cookie.pop(session.cookie, None) is None:
            return
        self.by_key.pop(session.key, None)
        for told in tuple(session.when_ended):
            told()
        for face in tuple(session.objects.values()):
            session.disown(face)
        self._changed()

    def sweep(self) -> None:
        """End what has been idle for too long. Called now and then."""
        now = self.now()
        for session in tuple(self._by_cookie.values()):
            if not session.waiting and now - session.last_active > self.idle_seconds:
                self.end(session)
        self._tickets = {t: v for t, v in self._tickets.items() if v[0] > now}

    def _changed(self) -> None:
        self.epoch.set(self.epoch.get() + 1)

    def all(self) -> tuple[Session, ...]:
        return tuple(self._by_cookie.values())

    # -- clone tickets: one use, short life -------------------------------------------------------------------

    def ticket_for(self, session: Session, seconds: int = 30) -> str:
        ticket = f"cst-VCT-{uuid.uuid4()}--{secrets.token_hex(20)}"
        self._tickets[ticket] = (self.now() + seconds, session)
        return ticket

    def redeem(self, ticket: str) -> Session | None:
        """The session a ticket was made for, once and in time."""
        until, session = self._tickets.pop(ticket, (0.0, None))
        if session is None or until <= self.now() or session.cookie not in self._by_cookie:
            return None
        return session
