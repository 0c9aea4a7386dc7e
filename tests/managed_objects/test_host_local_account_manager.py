"""Accounts: made, found, changed and removed, and what becomes of their sessions."""

from __future__ import annotations

import pytest

from tests.lab import Lab
from vmsdk.engine.passwords import weakness
from vmsdk.wsdl import MoRef, vim

ACCOUNTS = MoRef("HostLocalAccountManager", "ha-localacctmgr")
DIRECTORY = MoRef("UserDirectory", "ha-user-directory")
MANAGER = MoRef("AuthorizationManager", "ha-authmgr")
ROOT = MoRef("Folder", "ha-folder-root")
GOOD, OTHER = "correct-Horse7battery", "other-Horse7battery"


def found(lab, text="", exact=False, **more):
    results = lab.call(DIRECTORY, "RetrieveUserGroups", searchStr=text, exactMatch=exact, findUsers=True, findGroups=True, **more)
    return [(r.principal, r.fullName, r.group) for r in results]


def create(lab, name="ann", password=GOOD, **more):
    lab.call(ACCOUNTS, "CreateUser", user=vim.HostAccountSpec(id=name, password=password, **more))


@pytest.mark.shows("CreateUser", "UpdateUser", "RetrieveUserGroups")
def test_a_new_user_is_found_and_logs_in(lab):
    create(lab, description="Ann A.")
    assert found(lab) == [("ann", "Ann A.", False), ("root", None, False)]
    assert found(lab, "ANN") == found(lab, "ann", True) == [("ann", "Ann A.", False)]
    assert found(lab, "an", True) == []
    lab.client().login("ann", GOOD)
    lab.call(ACCOUNTS, "UpdateUser", user=vim.HostPosixAccountSpec(id="ann", password=OTHER, description="Ann B."))
    assert found(lab, "ann") == [("ann", "Ann B.", False)]
    lab.client().login("ann", OTHER)
    with pytest.raises(vim.InvalidLogin):
        lab.client().login("ann", GOOD)


def test_there_are_no_domains_and_no_groups(lab):
    for more in ({"domain": "EXAMPLE"}, {"belongsToGroup": "wheel"}, {"belongsToUser": "nobody"}):
        with pytest.raises(vim.NotFound):
            found(lab, **more)
    with pytest.raises(vim.NotSupported):
        lab.call(ACCOUNTS, "CreateGroup", group=vim.HostAccountSpec(id="wheel"))


@pytest.mark.shows("RemoveUser")
def test_a_removed_user_is_out_at_once(lab):
    create(lab)
    lab.call(MANAGER, "SetEntityPermissions", entity=ROOT,
             permission=[vim.Permission(principal="ann", group=False, roleId=-1, propagate=True)])  # fmt: skip
    ann = lab.client().login("ann", GOOD)
    assert ann.get(ROOT, "name") == "ha-folder-root"
    lab.call(ACCOUNTS, "RemoveUser", userName="ann")
    with pytest.raises(vim.NotAuthenticated):
        ann.call(MANAGER, "RetrieveAllPermissions")
    with pytest.raises(vim.InvalidLogin):
        lab.client().login("ann", GOOD)
    create(lab)  # a new account of the same name has no rights of the old one
    with pytest.raises(vim.NoPermission):
        lab.client().login("ann", GOOD).call(MANAGER, "RetrieveAllPermissions")


def test_what_is_wrong_with_an_account_is_said(lab):
    create(lab)
    with pytest.raises(vim.AlreadyExists) as taken:
        create(lab)
    assert taken.value.msg == "The specified key, name, or identifier 'ann' already exists."
    for name in ("", "a b", "../x", "x" * 40, "7up"):
        with pytest.raises(vim.InvalidArgument):
            create(lab, name)
    with pytest.raises(vim.InvalidArgument) as weak:
        create(lab, "ben", "short")
    assert weak.value.msg.startswith("Weak password: ")
    for method, arguments in (("UpdateUser", {"user": vim.HostAccountSpec(id="ben")}), ("RemoveUser", {"userName": "ben"})):
        with pytest.raises(vim.UserNotFound):
            lab.call(ACCOUNTS, method, **arguments)
    with pytest.raises(vim.InvalidArgument):
        lab.call(ACCOUNTS, "RemoveUser", userName="root")


@pytest.mark.shows("ChangePassword")
def test_who_knows_the_password_changes_it_without_a_session(lab):
    create(lab)
    client = lab.client()
    with pytest.raises(vim.InvalidLogin):
        client.call(ACCOUNTS, "ChangePassword", user="ann", oldPassword="wrong", newPassword=OTHER)
    with pytest.raises(vim.InvalidArgument):
        client.call(ACCOUNTS, "ChangePassword", user="ann", oldPassword=GOOD, newPassword="weak")
    client.call(ACCOUNTS, "ChangePassword", user="ann", oldPassword=GOOD, newPassword=OTHER)
    client.login("ann", OTHER)


def test_accounts_outlive_the_server(tmp_path):
    lab = Lab(tmp_path)
    create(lab)
    Lab(tmp_path, store=lab.store, before=lab).client().login("ann", GOOD)


@pytest.mark.parametrize(
    ("password", "good"),
    [("abc-D7x", True), ("VMware1!", True), ("Abcdefg1", False), ("abcdefgh", False), ("aB3-", False), ("ann-B7xxyz", False),
     ("aaaa-A7", True), ("aA7aA7aA7", False)],
)  # fmt: skip
def test_passwords_are_long_enough_and_mixed(password, good):
    assert (weakness(password, "ann") == "") == good
