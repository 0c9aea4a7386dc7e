"""Roles and permissions: who may what, from when on, and after a restart."""

from __future__ import annotations

import pytest

from tests.lab import Lab
from vmsdk.engine.privilege_list import privileges
from vmsdk.wsdl import CONTRACT, MoRef, vim

MANAGER = MoRef("AuthorizationManager", "ha-authmgr")
ACCOUNTS = MoRef("HostLocalAccountManager", "ha-localacctmgr")
ROOT = MoRef("Folder", "ha-folder-root")
PASSWORD = "correct-Horse7battery"


def user(lab, name="ann"):
    lab.call(ACCOUNTS, "CreateUser", user=vim.HostAccountSpec(id=name, password=PASSWORD))
    return lab.client().login(name, PASSWORD)


def grant(lab, entity, name, role, propagate=True):
    wanted = vim.Permission(principal=name, group=False, roleId=role, propagate=propagate)
    lab.call(MANAGER, "SetEntityPermissions", entity=getattr(entity, "ref", entity), permission=[wanted])


def told(permissions):
    return [(p.entity.value, p.principal, p.group, p.roleId, p.propagate) for p in permissions]


def missing(client, ref, path):
    spec = vim.PropertyFilterSpec(propSet=[vim.PropertySpec(type=ref.type, pathSet=[path])], objectSet=[vim.ObjectSpec(obj=ref)])
    result = client.call(client.collector, "RetrievePropertiesEx", specSet=[spec], options=vim.RetrieveOptions())
    return [(m.path, type(m.fault.fault if hasattr(m.fault, "fault") else m.fault).__name__) for m in result.objects[0].missingSet]


def test_every_privilege_that_the_contract_names_is_listed():
    named = {m.privilege for m in CONTRACT.methods.values()}
    named |= {p.privilege for m in CONTRACT.methods.values() for p in m.params}
    assert named - {""} <= privileges().keys()


def test_a_fresh_host_has_system_roles_and_one_administrator(lab):
    roles = {r.name: r for r in lab.get(MANAGER, "roleList")}
    assert [r.roleId for r in roles.values()] == list(range(-8, 0))
    assert all(r.system for r in roles.values())
    assert set(roles["Admin"].privilege) == {p.privId for p in lab.get(MANAGER, "privilegeList")}
    assert sorted(roles["ReadOnly"].privilege) == ["System.Anonymous", "System.Read", "System.View"]
    assert (len(roles["NoTrustedAdmin"].privilege), len(roles["NoCryptoAdmin"].privilege)) == (468, 449)
    assert told(lab.call(MANAGER, "RetrieveAllPermissions")) == [("ha-folder-root", "root", False, -1, True)]
    assert len(lab.get(MANAGER, "description").privilege) == len(privileges())


@pytest.mark.shows("AddAuthorizationRole", "UpdateAuthorizationRole", "RemoveAuthorizationRole")
def test_roles_are_made_changed_and_removed(lab):
    role = lab.call(MANAGER, "AddAuthorizationRole", name="Operator", privIds=["VirtualMachine.Interact.PowerOn"])
    made = {r.roleId: r for r in lab.get(MANAGER, "roleList")}[role]
    assert (made.name, made.system, made.info.label) == ("Operator", False, "Operator")
    assert set(made.privilege) == {"System.Anonymous", "System.Read", "System.View", "VirtualMachine.Interact.PowerOn"}
    lab.call(MANAGER, "UpdateAuthorizationRole", roleId=role, newName="Night", privIds=[])
    made = {r.roleId: r for r in lab.get(MANAGER, "roleList")}[role]
    assert (made.name, len(made.privilege)) == ("Night", 3)
    lab.call(MANAGER, "RemoveAuthorizationRole", roleId=role, failIfUsed=True)
    assert role not in [r.roleId for r in lab.get(MANAGER, "roleList")]
    assert lab.call(MANAGER, "AddAuthorizationRole", name="Night") == role + 1  # an id is never used again


def test_what_is_wrong_with_a_role_is_said(lab):
    lab.call(MANAGER, "AddAuthorizationRole", name="Operator")
    for fault, method, arguments in (
        (vim.AlreadyExists, "AddAuthorizationRole", {"name": "operator"}),
        (vim.InvalidName, "AddAuthorizationRole", {"name": " "}),
        (vim.InvalidArgument, "AddAuthorizationRole", {"name": "x", "privIds": ["No.Such"]}),
        (vim.InvalidArgument, "UpdateAuthorizationRole", {"roleId": -1, "newName": "x"}),
        (vim.NotFound, "UpdateAuthorizationRole", {"roleId": 77, "newName": "x"}),
        (vim.InvalidArgument, "RemoveAuthorizationRole", {"roleId": -2, "failIfUsed": False}),
        (vim.NotFound, "RetrieveRolePermissions", {"roleId": 77}),
    ):
        with pytest.raises(fault):
            lab.call(MANAGER, method, **arguments)


@pytest.mark.shows("SetEntityPermissions", "RetrieveEntityPermissions", "RetrieveAllPermissions", "RetrieveRolePermissions")
def test_a_read_only_user_reads_and_changes_nothing(lab):
    vm = lab.vm("web")
    ann = user(lab)
    assert missing(ann, vm.ref, "name") == [("name", "NoPermission")]
    grant(lab, ROOT, "ann", -2)
    assert ann.get(vm, "name") == "web"
    assert ann.get(vm, "effectiveRole") == [-2]
    with pytest.raises(vim.NoPermission) as refused:
        ann.call(vm, "PowerOnVM_Task")
    assert (refused.value.object, refused.value.privilegeId) == (vm.ref, "VirtualMachine.Interact.PowerOn")
    with pytest.raises(vim.NoPermission):
        ann.call(MANAGER, "SetEntityPermissions", entity=ROOT,
                 permission=[vim.Permission(principal="ann", group=False, roleId=-1, propagate=True)])  # fmt: skip
    mine = ("ha-folder-root", "ann", False, -2, True)
    assert mine in told(lab.call(MANAGER, "RetrieveEntityPermissions", entity=vm.ref, inherited=True))
    assert told(lab.call(MANAGER, "RetrieveEntityPermissions", entity=vm.ref, inherited=False)) == []
    assert told(lab.call(MANAGER, "RetrieveRolePermissions", roleId=-2)) == [mine]
    assert mine in told(lab.get(ROOT, "permission"))


def test_the_nearest_permission_decides_and_the_way_to_it_can_be_seen(lab):
    mine, other = lab.vm("mine"), lab.vm("other")
    ann = user(lab)
    grant(lab, mine, "ann", -1)
    lab.step()
    task = ann.call(mine, "PowerOnVM_Task")
    lab.step()
    assert ann.get(task, "info.state") == "success"
    assert missing(ann, other.ref, "name") == [("name", "NoPermission")]
    assert ann.get(lab.folder, "effectiveRole") == [-3]
    grant(lab, ROOT, "ann", -1)
    grant(lab, other, "ann", -5)
    assert missing(ann, other.ref, "name") == [("name", "NoPermission")]
    grant(lab, other, "ann", -2)
    assert ann.get(other, "name") == "other"
    ann.call(ann.session_manager, "Logout")


def test_a_task_is_its_starters_and_not_everybodys_to_cancel(lab):
    vm = lab.vm("web")
    ann = user(lab)
    grant(lab, ROOT, "ann", -2)
    task = lab.call(vm, "PowerOnVM_Task")
    assert ann.get(task, "info.state") == "running"
    with pytest.raises(vim.NoPermission) as refused:
        ann.call(task, "CancelTask")
    assert refused.value.privilegeId == "Global.CancelTask"
    lab.step()
    grant(lab, ROOT, "ann", -5)
    grant(lab, vm, "ann", -1)
    mine = ann.call(vm, "PowerOffVM_Task")
    lab.step()
    lab.run(vm, "Destroy_Task")
    assert ann.get(mine, "info.state") == "success"


def test_who_sees_one_machine_alone_can_still_log_out(lab):
    vm = lab.vm("web")
    ann = user(lab)
    grant(lab, vm, "ann", -2)
    assert ann.get(vm, "name") == "web"
    ann.call(ann.session_manager, "Logout")


@pytest.mark.shows("RemoveEntityPermission", "ResetEntityPermissions")
def test_permissions_are_taken_away_and_replaced(lab):
    vm = lab.vm("web")
    ann, ben = user(lab), user(lab, "ben")
    grant(lab, vm, "ann", -2)
    grant(lab, vm, "ben", -2)
    lab.call(MANAGER, "RemoveEntityPermission", entity=vm.ref, user="ann", isGroup=False)
    assert missing(ann, vm.ref, "name") == [("name", "NoPermission")]
    assert ben.get(vm, "name") == "web"
    with pytest.raises(vim.NotFound):
        lab.call(MANAGER, "RemoveEntityPermission", entity=vm.ref, user="ann", isGroup=False)
    wanted = vim.Permission(principal="ann", group=False, roleId=-2, propagate=False)
    lab.call(MANAGER, "ResetEntityPermissions", entity=vm.ref, permission=[wanted])
    assert told(lab.get(vm, "permission")) == [(vm.ref.value, "ann", False, -2, False)]


def test_an_administrator_always_stays(lab):
    refusals = [
        ("RemoveEntityPermission", {"entity": ROOT, "user": "root", "isGroup": False}),
        ("ResetEntityPermissions", {"entity": ROOT}),
        ("MergePermissions", {"srcRoleId": -1, "dstRoleId": -2}),
        ("SetEntityPermissions", {"entity": ROOT, "permission": [vim.Permission(principal="root", group=False, roleId=-2, propagate=True)]}),
    ]
    for method, arguments in refusals:
        with pytest.raises(vim.AuthMinimumAdminPermission):
            lab.call(MANAGER, method, **arguments)
    user(lab)
    grant(lab, ROOT, "ann", -1)
    lab.call(MANAGER, "RemoveEntityPermission", entity=ROOT, user="root", isGroup=False)
    with pytest.raises(vim.NoPermission):
        lab.call(MANAGER, "RetrieveAllPermissions")


def test_permissions_name_accounts_and_roles_that_exist(lab):
    for fault, facts in (
        (vim.UserNotFound, {"principal": "nobody", "group": False, "roleId": -2}),
        (vim.UserNotFound, {"principal": "root", "group": True, "roleId": -2}),
        (vim.NotFound, {"principal": "root", "group": False, "roleId": 99}),
        (vim.InvalidArgument, {"principal": "root", "group": False, "roleId": -3}),
    ):
        with pytest.raises(fault):
            lab.call(MANAGER, "SetEntityPermissions", entity=ROOT, permission=[vim.Permission(propagate=True, **facts)])


@pytest.mark.shows("MergePermissions")
def test_a_role_in_use_is_merged_or_goes_with_what_was_granted(lab):
    vm = lab.vm("web")
    ann = user(lab)
    role = lab.call(MANAGER, "AddAuthorizationRole", name="Operator", privIds=["VirtualMachine.Interact.PowerOn"])
    grant(lab, vm, "ann", role)
    with pytest.raises(vim.RemoveFailed):
        lab.call(MANAGER, "RemoveAuthorizationRole", roleId=role, failIfUsed=True)
    ann.call(vm, "PowerOnVM_Task")
    lab.step()
    lab.call(MANAGER, "MergePermissions", srcRoleId=role, dstRoleId=-2)
    with pytest.raises(vim.NoPermission):
        ann.call(vm, "PowerOnVM_Task")
    grant(lab, vm, "ann", role)
    lab.call(MANAGER, "RemoveAuthorizationRole", roleId=role, failIfUsed=False)
    assert missing(ann, vm.ref, "name") == [("name", "NoPermission")]


@pytest.mark.shows("HasPrivilegeOnEntity", "HasPrivilegeOnEntities", "HasUserPrivilegeOnEntities", "FetchUserPrivilegeOnEntities")
def test_questions_are_answered_as_operations_are_judged(lab):
    vm = lab.vm("web")
    ann = user(lab)
    grant(lab, vm, "ann", -2)
    key = ann.get(ann.session_manager, "currentSession").key
    asked = ["System.Read", "VirtualMachine.Interact.PowerOn"]
    assert lab.call(MANAGER, "HasPrivilegeOnEntity", entity=vm.ref, sessionId=key, privId=asked) == [True, False]
    [one] = lab.call(MANAGER, "HasPrivilegeOnEntities", entity=[vm.ref], sessionId=key, privId=asked)
    [two] = lab.call(MANAGER, "HasUserPrivilegeOnEntities", entities=[vm.ref], userName="ann", privId=asked)
    assert one == two
    assert [(a.privId, a.isGranted) for a in one.privAvailability] == list(zip(asked, [True, False], strict=True))
    [all_] = lab.call(MANAGER, "FetchUserPrivilegeOnEntities", entities=[vm.ref], userName="ann")
    assert sorted(all_.privileges) == ["System.Anonymous", "System.Read", "System.View"]
    with pytest.raises(vim.InvalidArgument):
        lab.call(MANAGER, "HasPrivilegeOnEntity", entity=vm.ref, sessionId="none", privId=asked)


def test_roles_and_permissions_outlive_the_server_and_go_with_their_object(tmp_path):
    lab = Lab(tmp_path)
    vm, gone = lab.vm("web"), lab.vm("gone")
    user(lab)
    role = lab.call(MANAGER, "AddAuthorizationRole", name="Operator", privIds=["VirtualMachine.Interact.PowerOn"])
    grant(lab, vm, "ann", role)
    grant(lab, gone, "ann", role)
    lab.run(gone, "Destroy_Task")
    before = told(lab.call(MANAGER, "RetrieveAllPermissions"))
    assert before == [("ha-folder-root", "root", False, -1, True), (vm.ref.value, "ann", False, role, True)]
    again = Lab(tmp_path, store=lab.store, before=lab)
    assert told(again.call(MANAGER, "RetrieveAllPermissions")) == before
    assert "Operator" in [r.name for r in again.get(MANAGER, "roleList")]
    ann = again.client().login("ann", PASSWORD)
    ann.call(vm.ref, "PowerOnVM_Task")
    again.step()
    assert again.get(vm.ref, "runtime.powerState") == "poweredOn"


def test_a_watcher_of_the_roles_is_told_of_a_new_one(lab):
    seen = lab.watch(MANAGER, "roleList")
    lab.call(MANAGER, "AddAuthorizationRole", name="Operator")
    lab.step()
    assert len(seen) == 2


def test_who_watches_is_told_nothing_more_when_the_right_is_gone_and_all_when_it_is_back(lab):
    vm = lab.vm("web")
    ann = user(lab)
    grant(lab, vm, "ann", -2)
    seen = lab.watch(vm, "name", ann)
    lab.run(vm, "Rename_Task", newName="two")
    grant(lab, vm, "ann", -5)
    lab.step()
    lab.run(vm, "Rename_Task", newName="three")
    assert seen == ["web", "two"]
    grant(lab, vm, "ann", -2)
    lab.step()
    assert seen == ["web", "two", "three"]
    grant(lab, ROOT, "root", -1)  # nothing of ann's
    lab.step()
    lab.run(vm, "Rename_Task", newName="four")
    assert seen == ["web", "two", "three", "four"]
