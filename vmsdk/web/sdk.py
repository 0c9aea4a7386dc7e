"""`/sdk`: SOAP by POST, the contract's documents by GET."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from ..engine.call import Peer
from ..request import Answer, Service
from .http import Request, Response, plain

SOAP_PATHS = ("/sdk", "/sdk/", "/sdk/vimService", "/sdk/webService")
_SOAP_HEADERS = (("Content-Type", "text/xml; charset=utf-8"), ("Cache-Control", "no-cache"))


class Sdk:
    """`document(name, location)` gives a contract document or None."""

    def __init__(self, service: Service, document: Callable[[str, str], bytes | None]):
        self._service, self._document = service, document

    def __call__(self, request: Request, path: str, query: str) -> Response | Deferred[Response]:
        if request.method == "POST":
            if path not in SOAP_PATHS:
                return plain(404, "There is nothing here")
            answer = self._service.handle(
                request.body, request.headers.get("cookie", ""), request.headers.get("soapaction", ""), peer_of(request)
            )
            if isinstance(answer, Deferred):
                return answer.addCallback(self._response)
            return self._response(answer)
        if request.method not in ("GET", "HEAD"):
            return plain(405, "Use POST, or GET for the documents", ("Allow", "GET, HEAD, POST"))
        return self._get(request, path, query)

    @staticmethod
    def _response(answer: Answer) -> Response:
        headers: Any = _SOAP_HEADERS
        if answer.cookie:
            headers = (*_SOAP_HEADERS, ("Set-Cookie", answer.cookie))
        return Response(answer.status, headers, answer.body)

    def _get(self, request: Request, path: str, query: str) -> Response:
        name = path.removeprefix("/sdk").lstrip("/")
        if query.lower() == "wsdl":
            name = "vimService.wsdl"
        scheme = "https" if peer_of(request).secure else "http"
        location = f"{scheme}://{request.headers.get('host', 'localhost')}/sdk"
        document = self._document(name, location) if name else None
        if document is None:
            return plain(404 if name else 405, "SOAP by POST; documents: /sdk/vimService.wsdl, /sdk/vimServiceVersions.xml",
                         ("Allow", "POST"))  # fmt: skip
        return Response(200, (("Content-Type", "text/xml; charset=utf-8"),), document)


def peer_of(request: Request) -> Peer:
    """Who asks. Address and scheme are believed only from the front door."""
    agent = request.headers.get("user-agent", "")[:256]
    if request.trusted and "x-forwarded-for" in request.headers:
        return Peer(request.headers["x-forwarded-for"], request.headers.get("x-forwarded-proto") == "https", agent, False)
    return Peer("127.0.0.1" if request.address in ("local", "") else request.address, False, agent, True)
