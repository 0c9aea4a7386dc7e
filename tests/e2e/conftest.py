"""One server on real QEMU for all tests in here, stopped at the end; the run ends by saying how many machines were booted."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.register_assert_rewrite("tests.e2e.server", "tests.e2e.vsphere")

from tests.e2e.server import Server  # noqa: E402 - asserts are rewritten before the first import
from tests.e2e.vsphere import Host, connected  # noqa: E402
from tests.guest.build import build  # noqa: E402

HERE = Path(__file__).parent
BOOTED = pytest.StashKey[list[Callable[[], int]]]()
ISO = "iso/guest.iso"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A guest boots in 8 s on an idle machine and in 60 s on a busy one; no limit here is met but by what hangs."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.timeout(300))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    counters = config.stash.get(BOOTED, [])
    if counters:
        terminalreporter.write_line(f"booted {sum(count() for count in counters)} machines")


@pytest.fixture(scope="session")
def booted(request: pytest.FixtureRequest) -> Callable[[Callable[[], int]], None]:
    """Takes a function that tells, at the end of the run, how many machines someone booted."""
    return request.config.stash.setdefault(BOOTED, []).append


@pytest.fixture(scope="session")
def servers(booted: Any) -> Iterator[Callable[..., Server]]:
    """Makes servers, not started; removed at the end with all that runs in them."""
    made: list[Server] = []

    def make(*arguments: str) -> Server:
        made.append(Server(*arguments))
        booted(lambda server=made[-1]: server.booted)
        return made[-1]

    yield make
    for server in made:
        server.remove()


@pytest.fixture(scope="session")
def server(servers: Callable[..., Server]) -> Iterator[Server]:
    """The server of all tests that do not break theirs. At the end nothing of their machines may be left."""
    server = servers()
    server.start()
    (server.datastore / "iso").mkdir()
    shutil.copyfile(build(), server.datastore / ISO)
    yield server
    with connected(server) as host:
        for vm in host.machines:
            host.destroy(vm)
    server.stop()
    assert server.qemus() == [], "a machine outlived its destruction"
    assert server.domains() == set()
    assert server.files() == {"iso", ISO}


@pytest.fixture(scope="module")
def host(server: Server) -> Iterator[Host]:
    """A pyVmomi login for a module."""
    with connected(server) as host:
        yield host


@pytest.fixture
def machine(server: Server) -> Iterator[Callable[..., Any]]:
    """Makes machines without a system, as pyVmomi sees them. At the end of the test every machine but the guest goes."""
    with connected(server) as host:
        yield host.create
        for vm in host.machines:
            if vm.name != "guest":
                host.destroy(vm)


@pytest.fixture(scope="session")
def guest_of(server: Server) -> Callable[..., Any]:
    """Gives the one machine with a system in it, its agent answering: booted only when it is not.

    With `running=False` it is off, and has been on: to boot takes the longest of all that is done here.
    """

    def guest(host: Host, running: bool = True) -> Any:
        vm = host.named("guest")
        fresh = vm is None
        if fresh:
            vm = host.create("guest", disk_mib=16, iso=ISO, network="VM Network", memory=192)
        if running or fresh:
            if vm.runtime.powerState != "poweredOn":
                host.done(vm.PowerOnVM_Task())
            host.until(vm, "guest.toolsRunningStatus", "guestToolsRunning")
        if not running and vm.runtime.powerState != "poweredOff":
            host.done(vm.PowerOffVM_Task())
        return vm

    return guest
