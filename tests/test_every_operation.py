"""All operations of the contract answer: done, or a typed fault that the client can tell apart."""

from __future__ import annotations

import pytest

from vmsdk.wsdl import CONTRACT, MethodFault, MoRef, vim

SERVED = CONTRACT.default_version
WAITS = {"WaitForUpdates", "WaitForUpdatesEx"}  # without a filter they wait, as they should
METHODS = sorted(m.name for m in CONTRACT.methods.values() if m.since <= SERVED)


def target(lab, owner):
    """An object that has the operation; else a reference to one that does not exist."""
    for face in lab.daemon.inventory:
        if face.kind.descends_from(owner):
            return face.ref
    return MoRef(owner, "none")


def test_there_are_955_of_them():
    assert len(METHODS) == 955


def test_each_answers_an_empty_request_with_a_result_or_a_typed_fault(lab):
    lab.vm("web")
    odd, untyped = [], []
    for name in sorted(set(METHODS) - WAITS):
        ref = target(lab, CONTRACT.methods[name].owner)
        client = lab.client().login()
        try:
            client.call(ref, name)
        except MethodFault as fault:
            if type(fault) is vim.MethodFault or type(fault) is vim.RuntimeFault:
                untyped.append(name)
            elif isinstance(fault, vim.SystemError):
                odd.append((name, fault.msg))
        session = lab.daemon.service.session_of(client.cookie)
        if session is not None:
            lab.daemon.sessions.end(session)
    assert (odd, untyped) == ([], [])


def test_what_is_not_had_yet_says_so_before_it_looks_at_arguments(lab):
    vm = lab.vm("web")
    with pytest.raises(vim.NotImplemented) as refused:
        lab.call(vm, "MigrateVM_Task")
    assert refused.value.msg == "This operation is not implemented on this server."


def test_an_operation_newer_than_the_client_is_not_known_to_it(lab):
    old = lab.client("5.5").login()
    since = CONTRACT.versions.index("5.5")
    newer = next(m for m in CONTRACT.methods.values() if since < m.since <= SERVED and m.owner == "VirtualMachine")
    with pytest.raises(vim.MethodNotFound) as refused:
        old.call(lab.vm("web"), newer.name)
    assert refused.value.method == newer.name
    assert refused.value.msg.startswith("Unable to resolve WSDL method name")
