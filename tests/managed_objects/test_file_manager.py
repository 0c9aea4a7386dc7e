"""Files of datastores: made, moved, copied and deleted, and what a machine lives on stays."""

from __future__ import annotations

import pytest

from vmsdk.hypervisor.records import FilePlace
from vmsdk.wsdl import MoRef, vim

MANAGER = MoRef("FileManager", "ha-nfc-file-manager")
BROWSER = MoRef("HostDatastoreBrowser", "ha-host-datastorebrowser")
ACCOUNTS = MoRef("HostLocalAccountManager", "ha-localacctmgr")
PERMISSIONS = MoRef("AuthorizationManager", "ha-authmgr")
PASSWORD = "correct-Horse7battery"


def path(lab, text):
    return f"[{lab.datastore}] {text}"


def listed(lab, folder=""):
    found = lab.run(BROWSER, "SearchDatastore_Task", datastorePath=path(lab, folder))
    return sorted(file.path for file in found.file)


def put(lab, text, data=b"hello"):
    [store] = [c.get().id for c in lab.daemon.site.host.datastores.values() if c.get().name == lab.datastore]
    lab.finish(lab.hypervisor.storage.write(FilePlace(datastore=store, path=text), data))


def delete(lab, text):
    lab.run(MANAGER, "DeleteDatastoreFile_Task", name=path(lab, text))


@pytest.mark.shows("MakeDirectory", "DeleteDatastoreFile_Task")
def test_folders_are_made_and_go_with_all_in_them(lab):
    lab.call(MANAGER, "MakeDirectory", name=path(lab, "a/b"), createParentDirectories=True)
    put(lab, "a/b/x.iso")
    put(lab, "a/y.txt")
    assert listed(lab, "a") == ["b", "y.txt"]
    delete(lab, "a/y.txt")
    assert listed(lab, "a") == ["b"]
    delete(lab, "a")
    assert "a" not in listed(lab)


def test_what_is_wrong_with_a_path_is_said(lab):
    lab.call(MANAGER, "MakeDirectory", name=path(lab, "a"))
    for fault, name in (
        (vim.FileAlreadyExists, path(lab, "a")),
        (vim.FileNotFound, path(lab, "no/such")),
        (vim.InvalidDatastorePath, "no brackets"),
        (vim.InvalidDatastorePath, path(lab, "../x")),
        (vim.InvalidDatastore, "[nowhere] x"),
    ):
        with pytest.raises(fault):
            lab.call(MANAGER, "MakeDirectory", name=name)
    with pytest.raises(vim.FileNotFound) as missing:
        delete(lab, "nothing")
    assert missing.value.msg == f"File [{lab.datastore}] nothing was not found"
    with pytest.raises(vim.CannotDeleteFile):
        delete(lab, "")


def test_what_a_machine_lives_on_is_locked(lab):
    lab.vm("web", disk_kb=65536)
    before = listed(lab, "web")
    for text in ("web", "web/web.vmx", "web/web.vmdk", "web/web-flat.vmdk", "web/web-000001.vmdk"):
        with pytest.raises(vim.FileLocked):
            delete(lab, text)
    with pytest.raises(vim.FileLocked):
        lab.run(MANAGER, "MoveDatastoreFile_Task", sourceName=path(lab, "web/web.vmx"), destinationName=path(lab, "x.vmx"))
    with pytest.raises(vim.FileLocked):
        lab.run(MANAGER, "CopyDatastoreFile_Task", sourceName=path(lab, "web/web.vmx"),
                destinationName=path(lab, "web/web.vmdk"), force=True)  # fmt: skip
    assert listed(lab, "web") == before


def test_the_files_of_an_unregistered_machine_go_with_its_folder(lab):
    vm = lab.vm("web", disk_kb=65536)
    lab.call(vm, "UnregisterVM")
    delete(lab, "web")
    assert "web" not in listed(lab)


def test_a_medium_is_locked_while_its_machine_runs(lab):
    put(lab, "x.iso")
    vm = lab.vm("web", iso=path(lab, "x.iso"))
    lab.run(vm, "PowerOnVM_Task")
    with pytest.raises(vim.FileLocked):
        delete(lab, "x.iso")
    lab.run(vm, "PowerOffVM_Task")
    delete(lab, "x.iso")
    assert "x.iso" not in listed(lab)


@pytest.mark.shows("CopyDatastoreFile_Task", "MoveDatastoreFile_Task")
def test_files_are_copied_and_moved(lab):
    put(lab, "x.txt")
    names = {"sourceName": path(lab, "x.txt"), "destinationName": path(lab, "y.txt")}
    lab.run(MANAGER, "CopyDatastoreFile_Task", **names)
    assert {"x.txt", "y.txt"} <= set(listed(lab))
    with pytest.raises(vim.FileAlreadyExists):
        lab.run(MANAGER, "MoveDatastoreFile_Task", **names)
    lab.run(MANAGER, "MoveDatastoreFile_Task", **names, force=True)
    assert "x.txt" not in listed(lab)
    with pytest.raises(vim.FileNotFound):
        lab.run(MANAGER, "CopyDatastoreFile_Task", **names)
    with pytest.raises(vim.InvalidArgument):
        lab.run(MANAGER, "MoveDatastoreFile_Task", sourceName=path(lab, "y.txt"), destinationName=path(lab, "y.txt"), force=True)


def test_disks_and_folders_are_not_for_here_and_it_is_said(lab):
    lab.vm("web", disk_kb=65536)
    for text in ("web", "web/web.vmdk", "web/web-flat.vmdk"):
        with pytest.raises(vim.NotSupported) as refused:
            lab.run(MANAGER, "CopyDatastoreFile_Task", sourceName=path(lab, text), destinationName=path(lab, "copy.vmdk"))
        assert "copied" in refused.value.msg


def test_the_right_is_asked_of_the_datastore(lab):
    lab.call(ACCOUNTS, "CreateUser", user=vim.HostAccountSpec(id="ann", password=PASSWORD))
    ann = lab.client().login("ann", PASSWORD)
    store = lab.get(BROWSER, "datastore")[0]
    name = lab.get(store, "name")
    root = MoRef("Folder", "ha-folder-root")
    for entity, role in ((root, -2), (store, -1)):
        with pytest.raises(vim.NoPermission) as refused:
            ann.call(MANAGER, "MakeDirectory", name=f"[{name}] a")
        assert (refused.value.object, refused.value.privilegeId) == (store, "Datastore.FileManagement")
        lab.call(PERMISSIONS, "SetEntityPermissions", entity=entity,
                 permission=[vim.Permission(principal="ann", group=False, roleId=role, propagate=True)])  # fmt: skip
    ann.call(MANAGER, "MakeDirectory", name=f"[{name}] a")
    lab.call(PERMISSIONS, "SetEntityPermissions", entity=store,
             permission=[vim.Permission(principal="ann", group=False, roleId=-5, propagate=True)])  # fmt: skip
    task = ann.call(BROWSER, "SearchDatastore_Task", datastorePath=f"[{name}]")
    lab.step()
    assert isinstance(ann.get(task, "info").error, vim.NoPermission)
