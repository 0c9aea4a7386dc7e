"""The same main job under each personality: a single host, and a centre over it."""

from __future__ import annotations

import pytest

from tests.lab import Lab, Proxy
from vmsdk.engine.personality import HOST_MANAGERS, MANAGERS, PERSONALITIES
from vmsdk.wsdl import CONTRACT, MoRef, vim

INSTANCE = MoRef("ServiceInstance", "ServiceInstance")


@pytest.fixture(params=sorted(PERSONALITIES))
def either(request, tmp_path):
    return Lab(tmp_path, personality=request.param)


def test_the_main_job_passes(either):
    lab = either
    content = lab.root.call(INSTANCE, "RetrieveServiceContent")
    [datacenter] = lab.get(content.rootFolder, "childEntity")
    folder = lab.get(datacenter, "vmFolder")
    [compute] = lab.get(lab.get(datacenter, "hostFolder"), "childEntity")
    pool = lab.get(compute, "resourcePool")
    vm = Proxy(lab.root, lab.run(folder, "CreateVM_Task", config=lab.spec("web", disk_kb=65536, network="VM Network"), pool=pool))
    seen = lab.watch(vm, "runtime.powerState")
    lab.run(vm, "PowerOnVM_Task")
    lab.run(vm, "SuspendVM_Task")
    lab.run(vm, "PowerOnVM_Task")
    lab.run(vm, "PowerOffVM_Task")
    lab.run(vm, "ReconfigVM_Task", spec=vim.VirtualMachineConfigSpec(annotation="x"))
    lab.run(vm, "Rename_Task", newName="www")
    assert seen == ["poweredOff", "poweredOn", "suspended", "poweredOn", "poweredOff"]
    assert (vm.name, vm.config.annotation) == ("www", "x")
    lab.run(vm, "Destroy_Task")
    assert lab.machines == []


def test_ids_are_spelled_as_each_side_spells_them(tmp_path):
    spelled = {}
    for name in PERSONALITIES:
        folder = tmp_path / name
        folder.mkdir()
        lab = Lab(folder, personality=name)
        vm = lab.vm("web")
        task = lab.call(vm, "PowerOnVM_Task")
        lab.step()
        spelled[name] = (vm.ref.value, vm.runtime.host.value, task.ref.value.rstrip("0123456789"), vm.environmentBrowser.value)
    assert spelled["HostAgent"] == ("1", "ha-host", "haTask-1-vim.VirtualMachine.powerOn-", "1-envmgr")
    assert spelled["VirtualCenter"] == ("vm-1", "host-9", "task-", "envbrowser-1")


def test_every_manager_that_a_side_names_exists_there(either):
    lab = either
    content = lab.root.call(INSTANCE, "RetrieveServiceContent")
    column = lab.daemon.personality.column
    for field, (kind, *ids) in MANAGERS.items():
        ref = getattr(content, field)
        assert (ref.value if ref else "") == ids[column], field
        if ref is not None:
            assert lab.daemon.inventory.find(ref).ref == MoRef(kind, ids[column])


def test_every_manager_of_the_host_exists(either):
    lab = either
    managers = lab.get(MoRef("HostSystem", lab.daemon.personality.fixed["host"]), "configManager")
    for field in HOST_MANAGERS:
        ref = getattr(managers, field)
        if ref is not None:
            assert lab.daemon.inventory.find(ref).ref == ref


def test_no_two_objects_share_an_id(either):
    lab = either
    lab.vm("web")
    refs = [face.ref.value for face in lab.daemon.inventory]
    assert len(refs) == len(set(refs))


def test_the_table_names_only_what_the_contract_has():
    fields = {f.name: f.type for f in CONTRACT.data("ServiceContent").fields}
    for field, (kind, _, _) in MANAGERS.items():
        assert CONTRACT.managed(kind).descends_from(fields[field]), field
    fields = {f.name: f.type for f in CONTRACT.data("HostConfigManager").fields}
    for field, (kind, _, _) in HOST_MANAGERS.items():
        assert CONTRACT.managed(kind).descends_from(fields[field]), field


def test_session_is_active_answers_in_a_centre(tmp_path):
    lab = Lab(tmp_path, personality="VirtualCenter")
    manager = MoRef("SessionManager", "SessionManager")
    key = lab.get(manager, "currentSession").key
    assert lab.call(manager, "SessionIsActive", sessionID=key, userName="root") is True
    assert lab.call(manager, "SessionIsActive", sessionID=key, userName="other") is False
