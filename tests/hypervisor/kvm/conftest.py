from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hypervisor.driving import ReactorThread
from tests.hypervisor.kvm.machinery import LIMIT, KvmBed, Root, hypervisor_on
from vmsdk.hypervisor.kvm.backend import KvmHypervisor

HERE = Path(__file__).parent


@pytest.hookimpl
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A guest boots in 10 s alone and in 60 s among others: the usual limit is for tests without one."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="session")
def root() -> Iterator[Root]:
    root = Root()
    yield root
    root.remove()


@pytest.fixture(scope="session")
def hypervisor(reactor_thread: ReactorThread, root: Root) -> Iterator[KvmHypervisor]:
    hypervisor = reactor_thread.call(lambda: hypervisor_on(reactor_thread.reactor, root, sample_seconds=0))
    reactor_thread.run(hypervisor.open(), LIMIT)
    root.keep_capabilities()
    yield hypervisor
    reactor_thread.run(hypervisor.close())


@pytest.fixture
def bed(reactor_thread: ReactorThread, hypervisor: KvmHypervisor, root: Root) -> Iterator[KvmBed]:
    bed = KvmBed(reactor_thread, hypervisor, root)
    yield bed
    bed.run(bed.clean())
