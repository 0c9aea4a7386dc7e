"""A kill at any moment: what was acknowledged is there after the restart, what was not is gone without a trace.

The host and the file of the store live on; everything in memory is lost, as after SIGKILL. The kill comes between every two steps of
each operation, through the steps themselves.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.internet.defer import Deferred

from tests.lab import Lab, Proxy
from vmsdk.hypervisor.records import FilePlace
from vmsdk.store.database import Database
from vmsdk.store.store import Store
from vmsdk.wsdl import MoRef, vim

MOST_STEPS = 40


def opened(folder: Path, before: Lab | None = None) -> Lab:
    if before is not None:
        before.store.database._connection.close()  # as the kernel does; what was only queued is lost
    clock = before.clock.seconds if before is not None else lambda: 1_700_000_000.0
    return Lab(folder, store=Store(Database(folder / "store.sqlite", threaded=False), clock), before=before)


def files(lab: Lab) -> set[str]:
    """Every file of every datastore."""
    found = set()

    async def walk(place: FilePlace) -> None:
        for entry in await lab.hypervisor.storage.list(place):
            found.add(entry.path)
            if entry.directory:
                await walk(FilePlace(datastore=place.datastore, path=entry.path))

    for datastore in lab.daemon.site.host.datastores:
        lab.finish(walk(FilePlace(datastore=datastore, path="")))
    return found


def whole(lab: Lab) -> tuple[set[str], set[str]]:
    """(machines the hypervisor has, files) - and the inventory must agree with both."""
    machines = {m.definition.uuid for m in lab.finish(lab.hypervisor.machines())}
    assert {vm.config.instanceUuid for vm in lab.machines} == machines
    assert set(lab.store.references.keys("machine")) == machines
    assert lab.store.intents.unfinished() == []
    return machines, files(lab)


def kill_at(lab: Lab, step: int) -> list[int]:
    """From the `step`-th pause between steps on, nothing of this process happens any more."""
    passed = [0]

    async def between(operation: str, undos: int) -> None:
        passed[0] += 1
        if passed[0] >= step:
            await Deferred()

    lab.daemon.steps.between = between
    return passed


def create(lab: Lab) -> Proxy:
    return lab.call(lab.folder, "CreateVM_Task", config=lab.spec("web", disk_kb=65536, network="VM Network"), pool=lab.pool)


def register(lab: Lab) -> Proxy:
    return lab.call(lab.folder, "RegisterVM_Task", path=f"[{lab.datastore}] web/web.vmx", asTemplate=False, pool=lab.pool)


def reconfigure(lab: Lab) -> Proxy:
    backing = vim.VirtualDiskFlatVer2BackingInfo(fileName="", diskMode="persistent")
    disk = vim.VirtualDisk(key=-1, controllerKey=1000, capacityInKB=1024, backing=backing)
    change = vim.VirtualDeviceConfigSpec(operation="add", fileOperation="create", device=disk)
    return lab.call(lab.machines[0], "ReconfigVM_Task", spec=vim.VirtualMachineConfigSpec(annotation="new", deviceChange=[change]))


def destroy(lab: Lab) -> Proxy:
    return lab.call(lab.machines[0], "Destroy_Task")


def suspend(lab: Lab) -> Proxy:
    return lab.call(lab.machines[0], "SuspendVM_Task")


def prepared(folder: Path, operation) -> Lab:
    """A lab in which the operation can be started."""
    lab = opened(folder)
    if operation is create:
        return lab
    vm = lab.vm("web", disk_kb=65536, network="VM Network")
    if operation is register:
        lab.root.call(vm, "UnregisterVM")
    if operation is suspend:
        lab.run(vm, "PowerOnVM_Task")
    return lab


@pytest.mark.parametrize("operation", [create, register, reconfigure, destroy, suspend])
def test_after_a_kill_between_any_two_steps_nothing_is_half_done(tmp_path, operation):
    outcomes = set()
    for step in range(1, MOST_STEPS):
        folder = tmp_path / str(step)
        folder.mkdir()
        lab = prepared(folder, operation)
        before = whole(lab)
        notes = [vm.config.annotation for vm in lab.machines]
        passed = kill_at(lab, step)
        task = operation(lab)
        lab.step()
        finished = passed[0] < step
        if finished:
            assert task.info.state == "success"
        after = opened(folder, before=lab)
        found = whole(after)
        if finished:
            break
        old = Proxy(after.root, task.ref)
        assert old.info.state == "error", "a task that a kill interrupted is shown as failed"
        if operation is destroy:
            # Once deleting began it is finished, never undone: all of the machine is there, or nothing is.
            assert found == before or found == (set(), set())
        elif operation is suspend:
            assert found == before
        else:
            assert found == before
            assert [vm.config.annotation for vm in after.machines] == notes
        outcomes.add(found == before)
    else:
        pytest.fail("the operation has more steps than the test tries")
    assert operation is suspend or step > 2, "the operation has no steps to be killed between"


def test_references_folders_and_sessions_rights_survive_a_kill(tmp_path):
    lab = opened(tmp_path)
    vm, other = lab.vm("web"), lab.vm("other")
    lab.run(vm, "PowerOnVM_Task")
    lab.run(other, "Destroy_Task")
    after = opened(tmp_path, before=lab)
    again = Proxy(after.root, vm.ref)
    assert (again.name, again.runtime.powerState) == ("web", "poweredOn")
    assert after.daemon.store.identity == lab.daemon.store.identity
    third = after.vm("third")
    assert third.ref not in (vm.ref, other.ref)


def test_what_changed_while_the_server_was_away_is_seen_after_the_restart(tmp_path):
    lab = opened(tmp_path)
    vm = lab.vm("web")
    lab.run(vm, "PowerOnVM_Task")
    lab.hypervisor.guest_powers_off(vm.config.instanceUuid)
    lab.worker.step()
    after = opened(tmp_path, before=lab)
    assert Proxy(after.root, vm.ref).runtime.powerState == "poweredOff"


def test_sessions_do_not_survive_a_restart(tmp_path):
    lab = opened(tmp_path)
    after = opened(tmp_path, before=lab)
    client = after.client()
    client.cookie = lab.root.cookie
    with pytest.raises(vim.NotAuthenticated):
        client.call(MoRef("ServiceInstance", "ServiceInstance"), "CurrentTime")
