"""Whether a request may go on, and where: path, method, origin, size of the body.

Law: pure; what no rule allows is refused. It stands before the first byte of the body is let in, whether the client
asked for that (`Expect: 100-continue`) or not.
"""

from __future__ import annotations

from collections.abc import Container

from .answers import OwnAnswer
from .authority import same_origin, split_authority
from .bodies import too_large
from .head import Head
from .paths import BadTarget, Target, canonical_target
from .routes import Route, Routes

_READING = (b"GET", b"HEAD")
_NEVER = (b"TRACE", b"CONNECT")


def target_of(head: Head, own_hosts: Container[bytes]) -> Target:
    """The canonical target; `own_hosts`: lower-case hosts that an absolute URI may name. Raises OwnAnswer."""
    if head.method in _NEVER:
        raise OwnAnswer(
            405, "This method is not served.", fields=(b"Allow: GET, HEAD, POST, PUT, DELETE",), close=True
        )
    try:
        target = canonical_target(head.target)
    except BadTarget as refused:
        raise OwnAnswer(refused.status, str(refused), close=True) from None
    if target.authority is not None:
        _check_absolute(head, target.authority, own_hosts)
    return target


def judge(head: Head, target: Target, routes: Routes) -> Route:
    """The row that serves the request. Raises OwnAnswer.

    A foreign Origin is refused for whatever changes something and for an upgrade, on every path.
    """
    if target.path == b"/" and head.method in _READING:
        raise OwnAnswer(302, "The page is at /ui/.", fields=(b"Location: /ui/",))
    route = routes.find(target.path)
    if route is None:
        raise OwnAnswer(404, "There is nothing at this path.")
    if head.method not in route.methods:
        allowed = b", ".join(sorted(route.methods))
        raise OwnAnswer(405, "This path does not serve this method.", fields=(b"Allow: " + allowed,))
    if head.origin is not None and (head.method not in _READING or head.upgrade is not None):
        if not same_origin(head.origin, head.host):
            raise OwnAnswer(403, "A request made by a page of another origin is not served.")
    if route.body is not None and head.length is not None and head.length > route.body:
        raise too_large()
    return route


def _check_absolute(head: Head, authority: bytes, own_hosts: Container[bytes]) -> None:
    named = split_authority(authority)
    if named is None:
        raise OwnAnswer(400, "The URI does not name a host and a port.", close=True)
    if head.host is not None and split_authority(head.host) != named:
        raise OwnAnswer(400, "The URI and the Host header name different hosts.", close=True)
    if named[0] not in own_hosts:
        raise OwnAnswer(421, "This is not the host that the URI names, and no proxy to it.", close=True)
