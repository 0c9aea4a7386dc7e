"""Which room of `web/` answers a path. The daemon takes canonical paths only: one that the front door would not send is refused."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred

from .http import Handler, Request, Response, plain

Room = Callable[[Request, str, str], "Response | Deferred[Response]"]


def router(rooms: dict[str, Room]) -> Handler:
    """A handler that finds the room of the first path segment. Default: deny."""

    def handle(request: Request) -> Response | Deferred[Response]:
        path, _, query = request.target.partition("?")
        if not canonical(path):
            return plain(400, "The path is not canonical", close=True)
        origin = request.headers.get("origin")
        if origin and request.method != "GET" and origin.partition("://")[2] != request.headers.get("host"):
            return plain(403, "Requests from pages of other sites are refused")
        room = rooms.get(path[1:].partition("/")[0])
        if room is None:
            return plain(404, "There is nothing here")
        return room(request, path, query)

    return handle


def canonical(path: str) -> bool:
    """Whether a path is in the one form that the front door sends."""
    if not path.startswith("/") or len(path) > 8192:
        return False
    lowered = path.lower()
    if any(bad in lowered for bad in ("\\", "//", ";", "%2f", "%5c", "%00", "%2e", "#", "/./", "/../")):
        return False
    return not lowered.endswith(("/.", "/..")) and all(32 < ord(c) < 127 for c in path)
