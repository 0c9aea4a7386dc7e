"""SIGKILL of vmctld on real QEMU: machines run on in the same process, what was acknowledged is there after the restart, what was not
is gone without a trace, and a task that the kill cut short says that it failed.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pyVmomi import vim, vmodl

from tests.e2e.server import Server, until
from tests.e2e.vsphere import Host, connect, connected, spec
from tests.hypervisor.kvm.machinery import SERIAL_GUEST, SerialLine


@pytest.fixture(scope="module")
def victim(servers: Callable[..., Server]) -> Iterator[Server]:
    """A server to be killed, again and again; stopped at the end."""
    server = servers()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def server(victim: Server) -> Iterator[Server]:
    """The one to be killed. After each test all machines go, and nothing of them may be left."""
    yield victim
    with connected(victim) as host:
        for vm in host.machines:
            host.destroy(vm)
    assert (victim.qemus(), victim.domains(), victim.files()) == ([], set(), set())


def killed(server: Server) -> Host:
    """Kill it, start it on the same state, log in."""
    server.kill_vmctld()
    server.start()
    return connect(server)


def sector(server: Server, name: str) -> Path:
    """The disk of a machine, made to start software that talks on the serial line."""
    path = server.datastore / name / f"{name}-flat.vmdk"
    with path.open("r+b") as file:
        file.write(SERIAL_GUEST.ljust(510, b"\0") + b"\x55\xaa")
    return path


def test_machines_run_on_and_everything_is_as_it_was(server: Server):
    host = connect(server)
    on, off, asleep, gone = (host.create(name) for name in ("on", "off", "asleep", "gone"))
    sector(server, "on")
    host.done(on.PowerOnVM_Task())
    host.done(asleep.PowerOnVM_Task())
    host.done(asleep.SuspendVM_Task())
    host.done(off.ReconfigVM_Task(vim.vm.ConfigSpec(annotation="kept", numCPUs=2)))
    host.done(gone.Destroy_Task())
    line = SerialLine(str(server.libvirt / "consoles" / f"{on.config.instanceUuid}.serial"))
    line.until(b"R")
    line.close()
    before = {vm._moId: (vm.name, vm.config.instanceUuid, vm.config.uuid, vm.runtime.powerState) for vm in host.machines}
    about, boot, [qemu] = host.content.about.instanceUuid, on.runtime.bootTime, server.qemus()
    files = {name: hashlib.sha256((server.datastore / name).read_bytes()).digest() for name in server.files() if "." in name}
    done = on.recentTask[-1]._moId

    host = killed(server)

    assert {vm._moId: (vm.name, vm.config.instanceUuid, vm.config.uuid, vm.runtime.powerState) for vm in host.machines} == before
    assert server.qemus() == [qemu], "the same process, never stopped"
    on, off, asleep = (host.named(name) for name in ("on", "off", "asleep"))
    assert (host.content.about.instanceUuid, on.runtime.bootTime) == (about, boot)
    assert (off.config.annotation, off.config.hardware.numCPU) == ("kept", 2)
    assert {name: hashlib.sha256((server.datastore / name).read_bytes()).digest() for name in server.files() if "." in name} == files
    old = vim.Task(done, host.si._stub).info
    assert (old.state, old.entity, old.descriptionId) == ("success", on, "VirtualMachine.powerOn")

    # What the machine does from now on is seen, and what it is asked is done.
    line = SerialLine(str(server.libvirt / "consoles" / f"{on.config.instanceUuid}.serial"))
    line.until(b"R")
    line.say(b"q")
    host.until(on, "runtime.powerState", "poweredOff")
    line.close()
    host.done(asleep.PowerOnVM_Task())
    assert asleep.runtime.powerState == "poweredOn"
    fresh = host.create("fresh")
    assert fresh._moId not in before and fresh._moId != gone._moId, "a number is never given twice"


def test_a_machine_that_was_being_made_is_gone_and_its_task_says_so(server: Server):
    host = connect(server)
    for attempt in range(5):  # on a busy machine the kill may come when all is done
        files, domains, machines = server.files(), server.domains(), [vm._moId for vm in host.machines]
        name = f"half{attempt}"
        task = host.folder.CreateVM_Task(spec(name, host.datastore.name), host.pool)
        until(lambda name=name: (server.datastore / name).exists(), "the first trace of the machine")
        host = killed(server)
        info = vim.Task(task._moId, host.si._stub).info
        if info.state == "error":
            break
        assert info.state == "success" and info.result.name == name
    else:
        pytest.fail("five machines were made before a kill came between")

    assert (server.files(), server.domains()) == (files, domains), "something of it is left"
    assert [vm._moId for vm in host.machines] == machines
    assert info.completeTime is not None and info.entity == host.folder
    assert isinstance(info.error, vmodl.MethodFault) and info.error.msg
    again = host.create(name)
    assert again.config.files.vmPathName == f"[datastore1] {name}/{name}.vmx", "the name is free again"


class Busy(threading.Thread):
    """Makes machines, changes and destroys them without a pause until the server is gone."""

    def __init__(self, host: Host, word: str):
        super().__init__(daemon=True)
        self._host, self._word = host, word
        self.made: set[str] = set()  # and acknowledged
        self.going: set[str] = set()  # their end was asked for
        self.gone: set[str] = set()  # and acknowledged
        self.start()

    def run(self) -> None:
        with contextlib.suppress(Exception):  # the server was killed
            for number in range(1000):
                name = f"{self._word}{number}"
                vm = self._host.create(name)
                self.made.add(name)
                if number % 2:
                    self.going.add(name)
                    self._host.done(vm.Destroy_Task())
                    self.gone.add(name)
                elif number % 4 == 2:
                    self._host.done(vm.ReconfigVM_Task(vim.vm.ConfigSpec(annotation="done")))


def test_no_kill_at_any_moment_leaves_half_a_machine(server: Server):
    """The kills come at moments that nobody chose."""
    host, kept = connect(server), set()
    for word, enough in (("a", 3), ("b", 4), ("c", 6)):
        busy = Busy(host, word)
        until(lambda busy=busy, enough=enough: len(busy.made) >= enough, "some work done")
        host = killed(server)
        busy.join(60)
        assert not busy.is_alive()

        names = {vm.name for vm in host.machines}
        assert kept | (busy.made - busy.going) <= names, "an acknowledged machine is gone"
        assert not busy.gone & names, "a machine that was destroyed is back"
        assert len(names - kept - busy.made) <= 1, "more than the one that was being made"
        assert server.domains() == names
        for name in names:
            assert {f"{name}/{name}{end}" for end in (".vmx", ".vmdk", "-flat.vmdk")} <= server.files()
        assert {path.partition("/")[0] for path in server.files()} == names
        assert {task.info.state for task in host.content.taskManager.recentTask} <= {"success", "error"}
        kept = names
