"""Tasks across a restart: a client that was waiting for one comes back to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab import Proxy
from tests.test_kill import opened
from vmsdk.engine.tasks import KEEP_SECONDS
from vmsdk.wsdl import vim


def test_a_task_that_was_done_before_a_restart_can_still_be_read_after_it_for_a_while(tmp_path: Path):
    lab = opened(tmp_path)
    vm = lab.vm("web")
    done = lab.call(vm, "PowerOnVM_Task")
    lab.step()
    failed = lab.call(vm, "PowerOnVM_Task")
    lab.step()
    info = done.info

    after = opened(tmp_path, before=lab)

    assert Proxy(after.root, done.ref).info == info
    again = Proxy(after.root, failed.ref).info
    assert (again.state, type(again.error)) == ("error", vim.InvalidPowerState)
    assert list(after.get(vm.ref, "recentTask")) == [done.ref, failed.ref]
    fresh = after.call(after.machines[0], "PowerOffVM_Task")
    assert fresh.ref not in (done.ref, failed.ref), "a number is never given twice"

    after.clock.advance(KEEP_SECONDS + 1)
    after.daemon.tasks.sweep()
    with pytest.raises(vim.ManagedObjectNotFound):
        after.get(done.ref, "info")
