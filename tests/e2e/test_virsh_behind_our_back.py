"""A libvirt daemon that others use as well: what they do with virsh appears to a client that sits and waits."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Any

import pytest
from pyVmomi import vim, vmodl

from tests.e2e.server import Server
from tests.e2e.vsphere import Host, connected
from tests.hypervisor.kvm.daemon import PrivateDaemon

LIMIT = 60


@pytest.fixture(scope="module")
def site(servers: Callable[..., Server]) -> Iterator[tuple[Server, PrivateDaemon]]:
    """A server on a daemon of its own, which is stopped after it."""
    server = servers()
    daemon = PrivateDaemon(server.folder / "d")
    server.libvirt = server.folder / "d"  # its folders are called as the embedded driver's
    server.use(daemon.uri)
    daemon.start()
    try:
        server.start()
        yield server, daemon
        server.stop()
        assert server.qemus() == [] and server.domains() == set() and server.files() == set()
    finally:
        daemon.kill()


class Watcher:
    """A client in a thread that waits for names and power states of all machines, and tells what it hears."""

    def __init__(self, server: Server):
        self.heard: SimpleQueue[tuple[str, str, dict[str, Any]]] = SimpleQueue()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(server,), daemon=True)
        self._thread.start()
        assert self._ready.wait(LIMIT)

    def _run(self, server: Server) -> None:
        pc = vmodl.query.PropertyCollector
        with connected(server) as host:
            self._collector = collector = host.content.propertyCollector
            view = host.content.viewManager.CreateContainerView(host.folder, [vim.VirtualMachine], True)
            walk = pc.TraversalSpec(name="all", type=vim.view.ContainerView, path="view", skip=False)
            properties = pc.PropertySpec(type=vim.VirtualMachine, pathSet=["name", "runtime.powerState"])
            spec = pc.FilterSpec(objectSet=[pc.ObjectSpec(obj=view, skip=True, selectSet=[walk])], propSet=[properties])
            collector.CreateFilter(spec, True)
            version = ""
            self._ready.set()
            try:
                while True:
                    found = collector.WaitForUpdatesEx(version, pc.WaitOptions(maxWaitSeconds=LIMIT))
                    if found is not None:
                        version = found.version
                        for update in (o for f in found.filterSet for o in f.objectSet):
                            self.heard.put((update.kind, update.obj._moId, {c.name: c.val for c in update.changeSet}))
            except vmodl.fault.RequestCanceled:
                return

    def next(self) -> tuple[str, str, dict[str, Any]]:
        try:
            return self.heard.get(timeout=LIMIT)
        except Empty:
            raise AssertionError(f"nothing was heard for {LIMIT} s") from None

    def end(self) -> None:
        """Wakes the waiting call, which tests that as well."""
        self._collector.CancelWaitForUpdates()
        self._thread.join(LIMIT)
        assert not self._thread.is_alive() and self.heard.empty()


@pytest.fixture
def watcher(site) -> Iterator[Watcher]:
    watcher = Watcher(site[0])
    yield watcher
    watcher.end()


@pytest.fixture
def host(site) -> Iterator[Host]:
    with connected(site[0]) as host:
        yield host
        for vm in host.machines:
            host.destroy(vm)


def test_what_virsh_does_to_a_machine_of_ours_is_heard_by_who_waits(site, host: Host, watcher: Watcher):
    _, daemon = site
    vm = host.create("ours")
    key = vm._moId
    assert watcher.next() == ("enter", key, {"name": "ours", "runtime.powerState": "poweredOff"})

    daemon.virsh("start", "ours")
    assert watcher.next() == ("modify", key, {"runtime.powerState": "poweredOn"})
    daemon.virsh("managedsave", "ours")
    assert watcher.next() == ("modify", key, {"runtime.powerState": "suspended"})
    daemon.virsh("start", "ours")
    assert watcher.next() == ("modify", key, {"runtime.powerState": "poweredOn"})
    daemon.virsh("destroy", "ours")
    assert watcher.next() == ("modify", key, {"runtime.powerState": "poweredOff"})
    daemon.virsh("domrename", "ours", "renamed")
    assert watcher.next() == ("modify", key, {"name": "renamed"})
    assert vm.config.files.vmPathName == "[datastore1] ours/ours.vmx"

    host.done(vm.PowerOnVM_Task())
    assert watcher.next() == ("modify", key, {"runtime.powerState": "poweredOn"})
    assert daemon.virsh("domstate", "renamed").strip() == "running"
    host.destroy(vm)
    assert watcher.next() == ("modify", key, {"runtime.powerState": "poweredOff"})
    assert watcher.next() == ("leave", key, {})


def test_a_machine_that_someone_else_defined_is_in_the_inventory_and_can_be_driven(site, host: Host, watcher: Watcher):
    server, daemon = site
    identity = str(uuid.uuid4())
    xml = server.folder / "theirs.xml"
    xml.write_text(
        f"<domain type='qemu'><name>theirs</name><uuid>{identity}</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>"
        "<os><type arch='x86_64' machine='pc'>hvm</type></os></domain>"
    )
    daemon.virsh("define", str(xml))
    kind, key, said = watcher.next()
    assert (kind, said) == ("enter", {"name": "theirs", "runtime.powerState": "poweredOff"})
    vm = host.named("theirs")
    assert (vm._moId, vm.config.hardware.memoryMB, vm.config.hardware.numCPU) == (key, 64, 1)

    host.done(vm.PowerOnVM_Task())
    assert watcher.next() == ("modify", key, {"runtime.powerState": "poweredOn"})
    assert daemon.virsh("domstate", "theirs").strip() == "running"
    host.done(vm.PowerOffVM_Task())
    assert watcher.next() == ("modify", key, {"runtime.powerState": "poweredOff"})
    daemon.virsh("undefine", "theirs")
    assert watcher.next() == ("leave", key, {})
    assert host.machines == []


def test_a_daemon_that_dies_is_seen_so_and_when_it_is_back_everything_is_as_it_was(site, host: Host):
    server, daemon = site
    vm = host.create("steady")
    host.done(vm.PowerOnVM_Task())
    running = server.qemus()

    daemon.kill()
    host.until(host.host, "runtime.connectionState", "notResponding")
    assert vm.name == "steady", "what is known is still told"
    with pytest.raises(vmodl.fault.HostNotConnected):
        host.done(vm.PowerOffVM_Task())

    daemon.start()
    host.until(host.host, "runtime.connectionState", "connected")
    assert (host.machines, vm.runtime.powerState, server.qemus()) == ([vm], "poweredOn", running)
    host.done(vm.PowerOffVM_Task())
