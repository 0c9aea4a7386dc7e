"""Who a request is meant for and where it comes from: Host, the host of an absolute URI, Origin. Law: pure.

A page of another site must not post with a visitor's cookie: an `Origin` other than the host asked is refused.
"""

from __future__ import annotations

import re

HTTPS_PORT = 443
_AUTHORITY = re.compile(rb"([A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?")


def split_authority(authority: bytes) -> tuple[bytes, int] | None:
    """(host in lower case without a final dot or brackets, port), or None for what is no `host[:port]`."""
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        return None
    host, port = match.groups()
    number = int(port) if port else HTTPS_PORT
    if not 0 < number < 65536:
        return None
    return host.lower().rstrip(b".").strip(b"[]"), number


def same_origin(origin: bytes, host: bytes | None) -> bool:
    """Whether an Origin header names the host asked, over HTTPS. `null` is foreign."""
    if host is None or not origin.lower().startswith(b"https://"):
        return False
    here = split_authority(host)
    return here is not None and split_authority(origin[len(b"https://") :]) == here
