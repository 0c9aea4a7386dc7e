"""Tests written as `async def` are run by their `bed`, which knows the backend's time."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("tests.hypervisor.suite", "tests.hypervisor.bed")

from .driving import ReactorThread  # noqa: E402 - asserts are rewritten before the first import


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in wanted}
    pyfuncitem.funcargs["bed"].run(pyfuncitem.obj(**arguments))
    return True


@pytest.fixture(scope="session")
def reactor_thread() -> Iterator[ReactorThread]:
    """The one reactor of this process, in a thread of its own."""
    thread = ReactorThread()
    yield thread
    thread.stop()
