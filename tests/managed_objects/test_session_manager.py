"""Sessions as clients see them."""

from __future__ import annotations

import pytest

from vmsdk.wsdl import MoRef, vim

MANAGER = MoRef("SessionManager", "ha-sessionmgr")
INSTANCE = MoRef("ServiceInstance", "ServiceInstance")


@pytest.mark.shows("Login")
def test_login_opens_a_session_whose_cookie_is_not_its_key(lab):
    client = lab.client()
    session = client.call(MANAGER, "Login", userName="root", password="secret")
    assert (session.userName, session.fullName, session.callCount) == ("root", "root", 0)
    assert client.last.cookie == f'vmware_soap_session="{client.cookie.split(chr(34))[1]}"; Path=/; HttpOnly;'
    assert session.key not in client.last.cookie
    assert client.get(MANAGER, "currentSession").key == session.key


@pytest.mark.parametrize(
    "form",
    [
        'vmware_soap_session="{0}"; Path=/; HttpOnly; Secure;',
        "vmware_soap_session={0}",
        'a=b; vmware_soap_session="{0}"',
        "vmware_soap_session={0}; HttpOnly",
        "$Version=1; vmware_soap_session={0}; $Path=/",
    ],
)
def test_every_form_in_which_clients_send_the_cookie_back_is_understood(lab, form):
    client = lab.client().login()
    client.cookie = form.format(client.cookie.split('"')[1])
    assert client.call(INSTANCE, "CurrentTime") is not None


@pytest.mark.parametrize(("user", "password"), [("root", "wrong"), ("nobody", "secret"), ("", ""), ("root", "x" * 5000)])
def test_a_wrong_login_does_not_say_what_was_wrong(lab, user, password):
    with pytest.raises(vim.InvalidLogin) as refused:
        lab.client().login(user, password)
    assert refused.value.msg == "Cannot complete login due to an incorrect user name or password."


def test_three_failures_lock_an_account_for_a_quarter_of_an_hour(lab):
    client = lab.client()
    for _ in range(3):
        with pytest.raises(vim.InvalidLogin):
            client.login("root", "wrong")
    with pytest.raises(vim.InvalidLogin):
        client.login("root", "secret")
    lab.advance(901)
    client.login("root", "secret")


def test_without_a_session_nothing_is_told_but_the_service_content(lab):
    client = lab.client()
    assert client.call(INSTANCE, "RetrieveServiceContent").about.apiType == "HostAgent"
    with pytest.raises(vim.NotAuthenticated) as refused:
        client.call(INSTANCE, "CurrentTime")
    assert (refused.value.object, refused.value.privilegeId) == (INSTANCE, "System.View")
    assert refused.value.msg == "The session is not authenticated."


def test_reading_before_login_says_so_for_each_property(lab):
    client = lab.client()
    spec = vim.PropertyFilterSpec(
        propSet=[vim.PropertySpec(type="Folder", pathSet=["name"])],
        objectSet=[vim.ObjectSpec(obj=MoRef("Folder", "ha-folder-root"))],
    )
    content = client.call(client.collector, "RetrieveProperties", specSet=[spec])[0]
    assert content.propSet == ()
    assert [(m.path, type(m.fault).__name__) for m in content.missingSet] == [("name", "NotAuthenticated")]


def test_a_session_ends_after_half_an_hour_of_idleness(lab):
    client = lab.client().login()
    lab.advance(1700)
    client.call(INSTANCE, "CurrentTime")
    lab.advance(1801)
    with pytest.raises(vim.NotAuthenticated):
        client.call(INSTANCE, "CurrentTime")


def test_an_open_wait_keeps_its_session_alive(lab):
    vm = lab.vm("web")
    client = lab.client().login()
    seen = lab.watch(vm, "name", client)
    lab.advance(1799)
    lab.advance(1799)
    lab.root.login()
    lab.run(vm, "Rename_Task", newName="www")
    assert seen == ["web", "www"]


@pytest.mark.shows("Logout")
def test_logout_ends_waits_and_takes_the_sessions_objects_along(lab):
    client = lab.client().login()
    view = client.call(MoRef("ViewManager", "ViewManager"), "CreateContainerView",
                       container=MoRef("Folder", "ha-folder-root"), type=["VirtualMachine"], recursive=True)  # fmt: skip
    waiting = client.start(client.collector, "WaitForUpdatesEx", version="")
    outcome = []
    waiting.addBoth(outcome.append)
    client.call(MANAGER, "Logout")
    lab.turn()
    with pytest.raises(vim.NotAuthenticated):
        client.result("WaitForUpdatesEx", outcome[0])
    with pytest.raises(vim.ManagedObjectNotFound):
        lab.get(view, "view")


def test_a_session_does_not_see_the_objects_of_another(lab):
    one, two = lab.client().login(), lab.client().login()
    view = one.call(MoRef("ViewManager", "ViewManager"), "CreateContainerView",
                    container=MoRef("Folder", "ha-folder-root"), type=["VirtualMachine"], recursive=True)  # fmt: skip
    assert one.get(view, "view") == []
    with pytest.raises(vim.ManagedObjectNotFound):
        two.get(view, "view")
    with pytest.raises(vim.ManagedObjectNotFound):
        two.call(view, "DestroyView")


@pytest.mark.shows("TerminateSession")
def test_terminate_ends_another_session_but_not_ones_own(lab):
    other = lab.client().login()
    key = other.get(MANAGER, "currentSession").key
    mine = lab.get(MANAGER, "currentSession").key
    with pytest.raises(vim.InvalidArgument):
        lab.call(MANAGER, "TerminateSession", sessionId=[mine])
    with pytest.raises(vim.NotFound):
        lab.call(MANAGER, "TerminateSession", sessionId=[key, "unknown"])
    assert other.get(MANAGER, "currentSession") is not None
    lab.call(MANAGER, "TerminateSession", sessionId=[key])
    with pytest.raises(vim.NotAuthenticated):
        other.call(INSTANCE, "CurrentTime")


@pytest.mark.shows("AcquireCloneTicket", "CloneSession")
def test_a_clone_ticket_opens_one_session_once(lab):
    ticket = lab.call(MANAGER, "AcquireCloneTicket")
    clone = lab.client()
    assert clone.call(MANAGER, "CloneSession", cloneTicket=ticket).userName == "root"
    with pytest.raises(vim.InvalidLogin):
        lab.client().call(MANAGER, "CloneSession", cloneTicket=ticket)


def test_a_clone_ticket_is_good_for_half_a_minute(lab):
    ticket = lab.call(MANAGER, "AcquireCloneTicket")
    lab.advance(31)
    with pytest.raises(vim.InvalidLogin):
        lab.client().call(MANAGER, "CloneSession", cloneTicket=ticket)


@pytest.mark.shows("AcquireLocalTicket")
def test_the_local_root_logs_in_by_a_file_that_only_it_can_read(lab):
    from pathlib import Path

    client = lab.client()
    ticket = client.call(MANAGER, "AcquireLocalTicket", userName="root")
    file = Path(ticket.passwordFilePath)
    assert file.stat().st_mode & 0o777 == 0o600
    password = file.read_text()
    client.login("root", password)
    assert not file.exists()
    with pytest.raises(vim.InvalidLogin):
        lab.client().login("root", password)


def test_a_local_ticket_is_not_for_who_comes_from_elsewhere(lab):
    with pytest.raises(vim.InvalidLogin):
        lab.client(address="192.0.2.7").call(MANAGER, "AcquireLocalTicket", userName="root")


def test_session_is_active_is_for_a_centre(lab):
    with pytest.raises(vim.NotImplemented):
        lab.call(MANAGER, "SessionIsActive", sessionID="x", userName="root")


def test_the_cookie_is_secure_where_the_client_came_by_tls(lab):
    client = lab.client(address="192.0.2.7", secure=True).login()
    assert client.last.cookie is not None
    assert client.cookie.endswith("Path=/; HttpOnly; Secure;")
