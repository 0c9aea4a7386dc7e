"""`/folder/<path>?dcPath=…&dsName=…`: files of datastores. GET and HEAD of small files (a machine's `.vmx`); the rest comes later."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, unquote

from twisted.internet.defer import Deferred

from ..datastores import names
from ..engine.call import Call
from ..engine.sessions import Session
from ..engine.site import Site
from ..hypervisor.errors import FileMissing, HypervisorError, UnsafePath
from ..wsdl import MethodFault
from .http import Request, Response, plain
from .sdk import peer_of


class Folder:
    """`session_of(cookies)` finds the caller."""

    def __init__(self, site: Site, session_of: Callable[[str], Session | None], version: int):
        self._site, self._session_of, self._version = site, session_of, version

    def __call__(self, request: Request, path: str, query: str) -> Response | Deferred[Response]:
        session = self._session_of(request.headers.get("cookie", ""))
        if session is None:
            return plain(401, "Log in first, and send the session's cookie")
        if request.method not in ("GET", "HEAD"):
            return plain(501, "Only GET and HEAD are had so far", ("Allow", "GET, HEAD"))
        return Deferred.fromCoroutine(self._get(request, path, query, session))

    async def _get(self, request: Request, path: str, query: str, session: Session) -> Response:
        asked = parse_qs(query)
        name = (asked.get("dsName") or [""])[0]
        record = self._site.datastore_named(name)
        if record is None:
            return plain(404, f"There is no datastore {name!r}")
        face = self._site.inventory.get(self._site.datastore_refs[record.id].value)
        call = Call(session, self._version, peer=peer_of(request))
        assert face is not None
        if self._site.permissions.refusal(call, face, "Datastore.Browse") is not None:
            return plain(403, "Permission to perform this operation was denied.")
        relative = unquote(path.removeprefix("/folder").lstrip("/"))
        try:
            place = names.parse(f"[{name}] {relative}", self._site.datastore_named)
            data = await self._site.hypervisor.storage.read(place, 16 << 20)
        except (FileMissing, MethodFault):
            return plain(404, f"There is no file {relative!r} on {name}")
        except UnsafePath as error:
            return plain(403, str(error))
        except HypervisorError as error:
            return plain(501, str(error))
        return Response(200, (("Content-Type", "application/octet-stream"), ("Accept-Ranges", "none")), data)
