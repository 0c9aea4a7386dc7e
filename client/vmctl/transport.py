"""One HTTP session to one server: TLS that is checked, by authority or by fingerprint; cookies kept.

Law: a password never leaves unencrypted except to this machine itself, and never before the certificate is checked, unless the
caller said `verify=False`.
"""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from .errors import Problem


def address(url: str) -> str:
    """The URL of the API from what people type: `host`, `host:8443`, `https://host`, `https://host/sdk`."""
    whole = url if "://" in url else f"https://{url}"
    try:
        parts = urlsplit(whole)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise Problem(f"{url!r} is no address: {error}", "write https://HOST or https://HOST:PORT") from error
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise Problem(f"{url!r} is no address", "write https://HOST or https://HOST:PORT")
    if parts.scheme == "http" and not _is_here(host):
        raise Problem(f"{url} would send the password unencrypted", "write https://")
    return whole if parts.path.strip("/") else f"{whole.rstrip('/')}/sdk"


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Pinned(HTTPAdapter):
    """Trusts the one certificate that has this fingerprint, whoever signed it and whatever name it bears."""

    def __init__(self, fingerprint: str):
        self._fingerprint = fingerprint
        super().__init__()

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, **more, assert_fingerprint=self._fingerprint)


def http_session(verify: bool | str = True, fingerprint: str | None = None) -> requests.Session:
    """`verify`: True for the usual authorities, a path for others, False for none at all. `fingerprint`: SHA-256 of the
    server's certificate, 64 hexadecimal digits with or without colons; it replaces the authorities. Without either urllib3
    warns at each connection."""
    session = requests.Session()
    session.verify = verify
    # The environment's CA bundle would win over what the caller said.
    session.trust_env = verify is True and fingerprint is None
    if fingerprint is not None:
        digits = fingerprint.replace(":", "").strip().lower()
        if len(digits) != 64 or set(digits) - set("0123456789abcdef"):
            raise Problem(f"{fingerprint!r} is no SHA-256 fingerprint", "it has 64 hexadecimal digits, colons allowed")
        session.verify = False
        session.mount("https://", _Pinned(digits))
    return session
