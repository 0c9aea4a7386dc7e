"""What must survive: a kill of our process, a kill of QEMU, a verb that hangs."""

from __future__ import annotations

import os
import signal
import time
import uuid as uuids
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.hypervisor.kvm.machinery import Root, processes_of
from tests.hypervisor.kvm.served import Served
from vmsdk.hypervisor.records import Controller, Definition, Disk, FilePlace, Nic


@pytest.fixture
def place(root: Root) -> Iterator[Root]:
    """A root of its own: the process under test holds it, not this one."""
    own = Root()
    yield own
    own.remove()


@pytest.fixture
def serve(place: Root) -> Iterator[Callable[..., Served]]:
    begun: list[Served] = []

    def begin(**settings: Any) -> Served:
        served = Served(
            {
                "uri": place.uri,
                "state_dir": str(place.state),
                "datastores": [("ds1", str(place.datastore))],
                **settings,
            }
        )
        begun.append(served)
        served.ask("open")
        return served

    yield begin
    for served in begun:
        if served.process.poll() is None:
            served.kill()


def make(served: Served, **changes: Any) -> Definition:
    """A machine with a disk and a card, off."""
    [store] = served.ask("storage.datastores")
    uuid = str(uuids.uuid4())
    disk = FilePlace(datastore=store["id"], path="m/m.vmdk")
    served.ask("storage.make_directory", FilePlace(datastore=store["id"], path="m"))
    served.ask("storage.create_disk", disk, 8 << 20)
    definition = Definition(
        uuid=uuid,
        bios_uuid=str(uuids.uuid4()),
        name="m",
        home=FilePlace(datastore=store["id"], path="m/m.vmx"),
        memory_mib=32,
        devices=(
            Controller(key=1000, model="pvscsi"),
            Disk(key=2000, controller=1000, unit=0, file=disk, capacity=8 << 20),
            Nic(key=4000, model="e1000", network="VM Network", mac="00:50:56:00:00:09"),
        ),
        **changes,
    )
    served.ask("define", definition)
    return definition


def is_machine(uuid: str, **facts: Any) -> Callable[[dict[str, Any]], bool]:
    def check(said: dict[str, Any]) -> bool:
        machine = said.get("machine", {})
        return (
            bool(machine)
            and machine["definition"]["uuid"] == uuid
            and all(machine.get(k) == v for k, v in facts.items())
        )

    return check


def qemu_of(uuid: str) -> int:
    [pid] = processes_of(uuid)
    return pid


def test_machines_run_on_after_a_kill_and_are_found_again(serve: Callable[..., Served]) -> None:
    first = serve()
    definition = make(first)
    first.ask("start", definition.uuid)
    [before] = first.ask("machines")
    pid = qemu_of(definition.uuid)
    first.kill()

    second = serve()

    assert second.ask("machines") == [before], "the same record, when it was started included"
    assert qemu_of(definition.uuid) == pid
    second.ask("pause", definition.uuid)
    second.ask("stop", definition.uuid)
    assert second.ask("read", definition.uuid)["power"] == "off"


def test_a_suspended_machine_is_found_suspended_by_another_process(serve: Callable[..., Served]) -> None:
    first = serve()
    definition = make(first)
    first.ask("start", definition.uuid)
    first.ask("suspend", definition.uuid)
    [before] = first.ask("machines")
    first.end()
    second = serve()
    assert second.ask("machines") == [before]
    second.ask("start", definition.uuid)
    assert second.ask("read", definition.uuid)["power"] == "on"


def test_a_second_process_on_one_root_is_refused_in_words(serve: Callable[..., Served], place: Root) -> None:
    serve()
    other = Served({"uri": place.uri, "state_dir": str(place.state), "datastores": [("ds1", str(place.datastore))]})
    told = other.try_("open")
    other.kill()
    assert told["error"] == "HypervisorError" and "another process holds" in told["text"]


def test_a_machine_whose_qemu_is_killed_is_announced_crashed(serve: Callable[..., Served]) -> None:
    served = serve()
    definition = make(served)
    served.ask("start", definition.uuid)
    os.kill(qemu_of(definition.uuid), signal.SIGKILL)
    served.until(is_machine(definition.uuid, power="off", crashed=True, clean_stop=False, started=None))
    served.ask("start", definition.uuid)
    assert served.ask("read", definition.uuid)["crashed"] is False


def test_stop_does_not_wait_behind_a_verb_that_hangs(serve: Callable[..., Served]) -> None:
    served = serve(deadlines={"verb": 2.0})
    definition = make(served)
    served.ask("start", definition.uuid)
    pid = qemu_of(definition.uuid)
    os.kill(pid, signal.SIGSTOP)  # its monitor answers no more
    try:
        told = served.try_("pause", definition.uuid)
        assert told["error"] == "TimedOut"
        assert served.ask("read", definition.uuid)["power"] == "on", "reading needs no monitor"
        served.send("unpause", definition.uuid)
        served.send("reset", definition.uuid)
        served.send("stop", definition.uuid)
        served.until(is_machine(definition.uuid, power="off"))
    finally:
        if processes_of(definition.uuid):
            os.kill(pid, signal.SIGCONT)


def test_close_ends_within_four_seconds_while_a_verb_hangs(serve: Callable[..., Served]) -> None:
    served = serve()
    definition = make(served)
    served.ask("start", definition.uuid)
    pid = qemu_of(definition.uuid)
    os.kill(pid, signal.SIGSTOP)
    try:
        served.send("pause", definition.uuid)
        served.ask("read", definition.uuid)
        began = time.monotonic()
        assert served.try_("close")["error"] == "Lost", "so says the verb that was under way"
        assert served.answer() == {"answer": None}
        assert time.monotonic() - began < 4
    finally:
        os.kill(pid, signal.SIGCONT)
