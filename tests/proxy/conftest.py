"""Two proxies for all tests of this folder: one as it comes, one whose patience is short."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from .lab import Proxy, echo

SHORT = {
    "sweep": 0.03,
    "handshake": 0.4,
    "idle_new": 0.4,
    "idle_session": 1.2,
    "head_time": 0.4,
    "body_stall": 0.4,
    "body_rate": 1_000_000,
    "answer": 0.5,
    "long_poll": 60,
    "reader_stall": 0.5,
    "linger": 0.2,
    "connect": 0.5,
    "connections": 20,
    "connections_per_address": 6,
    "refused_connections": 2,
    "backend_idle": 0.3,
}


@pytest.fixture(scope="session")
def _proxies() -> Iterator[Callable[[str], Proxy]]:
    made: dict[str, Proxy] = {}

    def get(kind: str) -> Proxy:
        if kind not in made:
            short = [word for name, value in SHORT.items() for word in ("--limit", f"{name}={value}")]
            made[kind] = Proxy(*(short if kind == "short" else []))
        return made[kind]

    yield get
    for proxy in made.values():
        proxy.clean()


def _fresh(proxy: Proxy) -> Iterator[Proxy]:
    proxy.backend.handler = echo
    proxy.backend.asked.clear()
    proxy.backend.failures.clear()
    yield proxy
    proxy.backend.drop_links()  # a link of this test must not serve the next one's handler
    assert proxy.backend.failures == []
    assert proxy.process.poll() is None
    assert "Traceback" not in proxy.log.read_text()


@pytest.fixture
def proxy(_proxies: Callable[[str], Proxy]) -> Iterator[Proxy]:
    yield from _fresh(_proxies("plain"))


@pytest.fixture
def short(_proxies: Callable[[str], Proxy]) -> Iterator[Proxy]:
    """Its time limits are tenths of a second, its caps a few connections."""
    yield from _fresh(_proxies("short"))
