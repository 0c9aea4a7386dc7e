"""SessionManager: login, logout and what is told of sessions. The sessions themselves are `engine/sessions.py`."""

from __future__ import annotations

from typing import Any

from ..engine.accounts import Accounts, Refused
from ..engine.call import Call
from ..engine.managed_object import ManagedObject, operation, prop
from ..engine.sessions import Session
from ..engine.site import Site
from ..wsdl import vim

MAX_NAME = 80  # characters of a refused user name that its event repeats
LOCALES = ("en", "en_US")


class SessionManager(ManagedObject):
    def __init__(self, site: Site, accounts: Accounts):
        super().__init__(site.graph, site.personality.manager("sessionManager")[1])
        self.site, self._accounts = site, accounts

    # -- what is told -----------------------------------------------------------------------------------------

    def told(self, session: Session) -> Any:
        moment = Session.moment
        return vim.UserSession(
            key=session.key, userName=session.user, fullName=session.full_name or session.user,
            loginTime=moment(session.logged_in), lastActiveTime=moment(session.last_active), locale=session.locale,
            messageLocale=session.locale, extensionSession=False, ipAddress=session.peer.address,
            userAgent=session.peer.user_agent, callCount=session.calls,
        )  # fmt: skip

    @prop(caller=True)
    def currentSession(self, call: Call) -> Any:
        self.site.sessions.epoch.get()
        return self.told(call.session) if call.session is not None else None

    @prop(caller=True)
    def sessionList(self, call: Call) -> Any:
        self.site.sessions.epoch.get()
        return tuple(self.told(s) for s in self.site.sessions.all())

    @prop
    def supportedLocaleList(self) -> tuple[str, ...]:
        return LOCALES

    @prop
    def defaultLocale(self) -> str:
        return "en"

    # -- in and out -------------------------------------------------------------------------------------------

    def _open(self, call: Call, user: str, locale: str | None) -> Any:
        if locale and locale.partition("_")[0] != "en":
            raise vim.InvalidLocale()
        if self.site.sessions.full():
            raise vim.SystemError(reason="there are too many sessions")
        session = self.site.sessions.open(user, self._accounts.full_name(user), call.peer, locale or "en")
        call.reply["cookie"] = session.cookie
        self._began(session)
        return self.told(session)

    def _began(self, session: Session) -> None:
        peer = session.peer
        begun = vim.UserLoginSessionEvent(
            ipAddress=peer.address, userAgent=peer.user_agent, locale=session.locale, sessionId=session.key
        )
        self.site.events.post(begun, session.user)
        session.when_ended.append(lambda: self._ended(session))

    def _ended(self, session: Session) -> None:
        peer = session.peer
        ended = vim.UserLogoutSessionEvent(
            ipAddress=peer.address, userAgent=peer.user_agent, callCount=session.calls, sessionId=session.key,
            loginTime=Session.moment(session.logged_in),
        )  # fmt: skip
        self.site.events.post(ended, session.user)

    @operation
    async def Login(self, call: Call, userName: str, password: str, locale: str | None = None) -> Any:
        """A session for a local account. InvalidLogin says nothing of which part was wrong."""
        if call.session is not None:
            raise vim.InvalidLogin()
        try:
            user = await self._accounts.verify(userName, password, call.peer.address)
        except Refused:
            self.site.events.post(vim.BadUsernameSessionEvent(ipAddress=call.peer.address), userName[:MAX_NAME])
            raise vim.InvalidLogin() from None
        return self._open(call, user, locale)

    @operation
    def Logout(self, call: Call) -> None:
        if call.session is not None:
            self.site.sessions.end(call.session)

    @operation
    def AcquireLocalTicket(self, call: Call, userName: str) -> Any:
        """A one-use password in a file that only this account of the operating system can read."""
        try:
            name, path = self._accounts.local_ticket(userName, call.peer)
        except Refused:
            raise vim.InvalidLogin() from None
        return vim.SessionManagerLocalTicket(userName=name, passwordFilePath=path)

    @operation
    def AcquireCloneTicket(self, call: Call) -> str:
        assert call.session is not None
        return self.site.sessions.ticket_for(call.session)

    @operation
    def CloneSession(self, call: Call, cloneTicket: str) -> Any:
        origin = self.site.sessions.redeem(cloneTicket)
        if origin is None or call.session is not None:
            raise vim.InvalidLogin()
        return self._open(call, origin.user, origin.locale)

    @operation
    def SessionIsActive(self, call: Call, sessionID: str, userName: str) -> bool:
        if not self.site.personality.has_session_is_active:
            raise vim.NotImplemented()
        session = self.site.sessions.by_key.get(sessionID)
        return session is not None and session.user == userName

    @operation
    def TerminateSession(self, call: Call, sessionId: list[str]) -> None:
        """Ends other sessions; all are checked before the first ends."""
        assert call.session is not None
        known = self.site.sessions.by_key
        for key in sessionId:
            if key == call.session.key:
                raise vim.InvalidArgument(invalidProperty="sessionId")
            if key not in known:
                raise vim.NotFound()
        for key in sessionId:
            if key in known:
                ended = vim.SessionTerminatedEvent(sessionId=key, terminatedUsername=known[key].user)
                self.site.events.post(ended, call.user)
                self.site.sessions.end(known[key])

    @operation
    def SetLocale(self, call: Call, locale: str) -> None:
        assert call.session is not None
        if locale.partition("_")[0] != "en":
            raise vim.InvalidLocale()
        call.session.locale = locale
