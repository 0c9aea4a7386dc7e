"""Which header fields end at the proxy.

Law: fields of one hop go no further, and those by which a back end learns who asks (`X-Forwarded-…`, `X-Vmsdk-…`)
come from nobody but the proxy, however they are spelt.
"""

from __future__ import annotations

ONE_HOP = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer transfer-encoding "
    b"upgrade http2-settings content-length".split()
)
NOT_TO_BACKEND = ONE_HOP | frozenset(b"host expect forwarded via".split())
"""These are written anew where they are wanted."""
_OURS = (b"x-forwarded-", b"x-vmsdk-", b"x-real-ip")
_TOKENS_OF_OURS = frozenset((b"close", b"keep-alive", b"upgrade", b"te", b""))


def is_ours(name: bytes) -> bool:
    """Whether a field (in lower case) is one that only the proxy may set. Some readers take `_` for `-`."""
    return name.replace(b"_", b"-").startswith(_OURS)


def tokens(value: bytes) -> list[bytes]:
    """The tokens of a Connection field, in lower case."""
    return [token.strip().lower() for token in value.split(b",")]


def named_by_connection(connection: list[bytes]) -> tuple[bytes, ...]:
    """What a Connection field, as `tokens`, declares to be for one hop: the begin of each line to leave out."""
    return tuple(token + b":" for token in connection if token not in _TOKENS_OF_OURS)
