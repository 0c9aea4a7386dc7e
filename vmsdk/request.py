"""The way of one request: bytes and headers in, an Answer out. One short function, no I/O.

Law: everything that goes wrong becomes a SOAP fault with HTTP 500; only 200 and 500 are SOAP to clients.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from .dispatch import Dispatch, is_later
from .engine.call import Call, Peer, Raw
from .engine.sessions import Session, Sessions
from .soap import envelope
from .soap.hot import HOT
from .wsdl import CONTRACT, Method, MethodFault, vim
from .wsdl.codec.decode import BadRequest
from .wsdl.codec.encode import Encoder

log = Logger()
_COOKIE = re.compile(r'vmware_soap_session\s*=\s*"?([0-9A-Za-z-]{16,80})"?')


class Answer(NamedTuple):
    """`status` is 200 or 500; `cookie` is a Set-Cookie value or ''."""

    status: int
    body: bytes
    cookie: str = ""


STRANGERS = envelope.Limits(bytes=1 << 20, elements=20_000, attributes=20_000)  # a login is small


class Service:
    """Answers SOAP requests. `encoder(version)` spells, `fault_of` and `fault_text` make faults and their sentences, `cold()` gives
    the stop that operations outside the hot path go through (None: there is none, and all go the hot way)."""

    def __init__(
        self,
        dispatch: Dispatch,
        sessions: Sessions,
        encoder: Callable[[int], Encoder],
        fault_of: Callable[[BaseException], MethodFault],
        fault_text: Callable[[MethodFault], str],
        cold: Callable[[], Any] | None = None,
        limits: envelope.Limits = envelope.LIMITS,
    ):
        self._dispatch, self._sessions, self._encoder = dispatch, sessions, encoder
        self._fault_of, self._fault_text, self._cold, self._limits = fault_of, fault_text, cold, limits
        self.served = dispatch.served

    def handle(self, body: bytes, cookies: str, soap_action: str, peer: Peer) -> Answer | Deferred[Answer]:
        """One request. `cookies` is the raw Cookie header, whatever form a client gave it."""
        version = CONTRACT.negotiate(soap_action, self.served)
        reply: dict[str, str] = {}
        try:
            session = self.session_of(cookies)
            limits = self._limits if session is not None else STRANGERS
            request = envelope.parse(body, limits)
            if session is None and request.session_cookie:
                session = self.session_of("", request.session_cookie)
            call = Call(session, version, request.operation_id, peer, None, session.cookie if session else "", reply)
            if self._cold is not None and request.method not in HOT:
                return Deferred.fromCoroutine(self._through_the_stop(request, call, body, limits))
            newer = CONTRACT.negotiate(soap_action, len(CONTRACT.versions)) > self.served
            method, result = self._dispatch.perform(request.method, request.element, call, newer)
            waiting = self._dispatch.needs_flush()
            if is_later(result) or waiting is not None:
                return Deferred.fromCoroutine(self._later(method, result, waiting, call))
            return self._success(method, result, call)
        except BaseException as error:
            return self._failure(error, version, peer, reply)

    async def _later(self, method: Method, result: Any, waiting: Any, call: Call) -> Answer:
        try:
            if is_later(result):
                result = await result
                waiting = self._dispatch.needs_flush()
            if waiting is not None:
                await waiting
            return self._success(method, result, call)
        except GeneratorExit:
            raise
        except BaseException as error:
            return self._failure(error, call.version, call.peer, call.reply)

    async def _through_the_stop(self, request: envelope.Request, call: Call, body: bytes, limits: envelope.Limits) -> Answer:
        assert self._cold is not None
        stop = self._cold()

        async def perform(asked: envelope.Request) -> tuple[Method, Any]:
            method, result = self._dispatch.perform(asked.method, asked.element, call)
            if is_later(result):
                result = await result
            await self._dispatch.flushed()
            return method, result

        try:
            cold = stop.open(body, limits, request)
            framed = await stop.run(cold, perform, self._encoder(call.version), self._told)
        except GeneratorExit:
            raise
        except BaseException as error:
            return self._failure(error, call.version, call.peer, call.reply)
        return Answer(200 if framed.ok else 500, framed.body, self._set_cookie(call.peer, call.reply))

    def session_of(self, cookies: str, header: str = "") -> Session | None:
        """The live session that one of the cookies, or the SOAP header, names."""
        for candidate in [*_COOKIE.findall(cookies), header]:
            session = self._sessions.of_cookie(candidate) if candidate else None
            if session is not None:
                return session
        return None

    def _success(self, method: Method, result: Any, call: Call) -> Answer:
        if isinstance(result, Raw):
            body = envelope.response(method.name, result)
        else:
            body = envelope.result(self._encoder(call.version), method.name, method.result, method.result_array, result)
        return Answer(200, body, self._set_cookie(call.peer, call.reply))

    def _told(self, error: BaseException) -> tuple[MethodFault, str, str]:
        """(fault, sentence, faultcode) of whatever went wrong."""
        if isinstance(error, BadRequest):
            fault = vim.InvalidType(argument=error.argument or None) if error.wrong_type else vim.InvalidRequest()
            return fault, str(error), "ClientFaultCode"
        fault = self._fault_of(error)
        if not isinstance(error, MethodFault) and fault._type.name == "SystemError":
            log.error("a request failed: {error!r}", error=error)
        return fault, self._fault_text(fault), "ServerFaultCode"

    def _failure(self, error: BaseException, version: int, peer: Peer, reply: dict[str, str]) -> Answer:
        body = envelope.fault(self._encoder(version), *self._told(error))
        return Answer(500, body, self._set_cookie(peer, reply))

    @staticmethod
    def _set_cookie(peer: Peer, reply: dict[str, str]) -> str:
        if "cookie" not in reply:
            return ""
        secure = " Secure;" if peer.secure else ""
        return f'vmware_soap_session="{reply["cookie"]}"; Path=/; HttpOnly;{secure}'
