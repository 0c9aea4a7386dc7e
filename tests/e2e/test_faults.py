"""What goes wrong on a real host, as clients see it: each fault's type, fields and sentence in the form that they match on.

Through pyVmomi where it lets the request out; by hand on the wire where a client library would refuse it first.
"""

from __future__ import annotations

import http.client
import re
from dataclasses import dataclass
from typing import Any

import pytest
from lxml import etree
from pyVim.connect import SmartConnect
from pyVmomi import vim, vmodl

from tests.e2e.server import Server
from tests.e2e.vsphere import Host, connected, spec

SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


@dataclass
class Fault:
    """A fault as it stood on the wire."""

    status: int
    code: str
    text: str
    type: str
    detail: Any


def by_hand(server: Server, body: str, cookie: str = "") -> Fault:
    """Post one SOAP body; its fault."""
    connection = http.client.HTTPSConnection(server.host, server.port, timeout=30, context=server.trusting())
    envelope = (
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns="urn:vim25">'
        f"<soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
    )
    connection.request("POST", "/sdk", envelope, {"Content-Type": "text/xml", "SOAPAction": "urn:vim25/8.0.3.0", "Cookie": cookie})
    answer = connection.getresponse()
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    found = etree.fromstring(answer.read()).find(f"{SOAP}Body/{SOAP}Fault")
    assert found is not None
    detail = found.find("detail")
    inside = detail[0] if detail is not None and len(detail) else None
    kind = "" if inside is None else inside.get(XSI_TYPE, "")
    assert inside is None or inside.tag == f"{{urn:vim25}}{kind.rpartition(':')[2]}Fault"
    connection.close()
    return Fault(answer.status, found.findtext("faultcode"), found.findtext("faultstring"), kind, inside)


def cookie_of(host: Host) -> str:
    return host.si._stub.cookie


def failure(host: Host, task: vim.Task) -> Any:
    """The fault of a task that has to fail; the raised one and the one in its info are the same."""
    with pytest.raises(vmodl.MethodFault) as caught:
        host.done(task)
    info = task.info
    assert info.state == "error" and type(info.error) is type(caught.value) and info.result is None
    assert info.completeTime is not None and info.progress is None
    return caught.value


def test_a_wrong_password(server):
    with pytest.raises(vim.fault.InvalidLogin) as caught:
        SmartConnect(host=server.host, port=server.port, user="root", pwd="wrong", sslContext=server.trusting())
    assert caught.value.msg == "Cannot complete login due to an incorrect user name or password."
    unknown = by_hand(
        server, '<Login><_this type="SessionManager">ha-sessionmgr</_this><userName>nobody</userName><password>x</password></Login>'
    )
    assert (unknown.status, unknown.code, unknown.type, unknown.text) == (500, "ServerFaultCode", "InvalidLogin", caught.value.msg)
    assert len(unknown.detail) == 0, "it has no fields"


def test_no_session(server):
    fault = by_hand(server, '<CurrentTime><_this type="ServiceInstance">ServiceInstance</_this></CurrentTime>')
    assert (fault.status, fault.code, fault.type) == (500, "ServerFaultCode", "NotAuthenticated")
    assert fault.text == "The session is not authenticated."
    fields = {child.tag.rpartition("}")[2]: (child.get("type"), child.text) for child in fault.detail}
    assert fields == {"object": ("ServiceInstance", "ServiceInstance"), "privilegeId": (None, "System.View")}


def test_a_deleted_object(host: Host, machine):
    vm = machine("gone")
    host.done(vm.Destroy_Task())
    with pytest.raises(vmodl.fault.ManagedObjectNotFound) as caught:
        vm.PowerOnVM_Task()
    assert caught.value.obj == vm
    assert re.search("has already been deleted or has not been completely created$", caught.value.msg)


@pytest.mark.parametrize(
    "operation, wanted, existing, words",
    [
        ("PowerOnVM_Task", "poweredOn", "poweredOn", "Powered on"),
        ("PowerOffVM_Task", "poweredOff", "poweredOff", "Powered off"),
        ("ResetVM_Task", "poweredOn", "poweredOff", "Powered off"),
        ("SuspendVM_Task", "suspended", "poweredOff", "Powered off"),
        ("Destroy_Task", "poweredOff", "poweredOn", "Powered on"),
        ("UnregisterVM", "poweredOff", "poweredOn", "Powered on"),
        ("ShutdownGuest", "poweredOn", "poweredOff", "Powered off"),
    ],
)
def test_a_wrong_power_state(host: Host, machine, operation, wanted, existing, words):
    vm = machine("power")
    if existing == "poweredOn":
        host.done(vm.PowerOnVM_Task())
    if operation.endswith("_Task"):
        fault = failure(host, getattr(vm, operation)())
    else:
        with pytest.raises(vim.fault.InvalidPowerState) as caught:
            getattr(vm, operation)()
        fault = caught.value
    assert type(fault) is vim.fault.InvalidPowerState
    assert (fault.requestedState, fault.existingState) == (wanted, existing)
    assert fault.msg == f"The attempted operation cannot be performed in the current state ({words})."


def test_a_guest_without_an_agent(host: Host, machine):
    vm = machine("bare")
    host.done(vm.PowerOnVM_Task())
    for ask in (vm.ShutdownGuest, vm.RebootGuest, vm.StandbyGuest):
        with pytest.raises(vim.fault.ToolsUnavailable) as caught:
            ask()
        assert caught.value.msg == "Cannot complete operation because VMware Tools is not running in this virtual machine."


def test_a_name_that_another_machine_has(server: Server, host: Host, machine):
    vm, other = machine("taken"), machine("other")
    files = server.files()
    create = host.folder.CreateVM_Task(spec("taken", host.datastore.name), host.pool)
    for task in (create, other.Rename_Task("taken"), other.ReconfigVM_Task(vim.vm.ConfigSpec(name="taken"))):
        fault = failure(host, task)
        assert type(fault) is vim.fault.DuplicateName
        assert (fault.name, fault.object, fault.msg) == ("taken", vm, "The name 'taken' already exists.")
    assert other.name == "other" and server.files() == files


def test_a_datastore_that_is_not_there(server: Server, host: Host):
    files = server.files()
    fault = failure(host, host.folder.CreateVM_Task(spec("lost", "nowhere"), host.pool))
    assert type(fault) is vim.fault.InvalidDatastorePath or type(fault) is vim.fault.InvalidDatastore
    assert "nowhere" in fault.msg and server.files() == files and host.named("lost") is None


def test_a_device_that_makes_no_sense(server: Server, host: Host):
    bad = spec("bad", host.datastore.name)
    bad.deviceChange[1].device.controllerKey = 4711
    files = server.files()
    fault = failure(host, host.folder.CreateVM_Task(bad, host.pool))
    assert type(fault) is vim.fault.InvalidDeviceSpec
    assert (fault.deviceIndex, fault.property) == (1, "virtualDeviceSpec.device.controllerKey")
    assert fault.msg == "Invalid configuration for device '1'. There is no controller 4711."
    assert server.files() == files and "bad" not in server.domains(), "nothing may be left of it"


def test_a_guest_id_that_nobody_knows(host: Host):
    fault = failure(host, host.folder.CreateVM_Task(spec("odd", host.datastore.name, guestId="beos64Guest"), host.pool))
    assert (type(fault), fault.invalidProperty) == (vmodl.fault.InvalidArgument, "configSpec.guestId")
    assert fault.msg == "A specified parameter was not correct: configSpec.guestId"


def test_a_missing_argument(server: Server, host: Host):
    fault = by_hand(
        server, f'<Rename_Task><_this type="Folder">{host.folder._moId}</_this></Rename_Task>', cookie_of(host)
    )
    assert (fault.status, fault.code, fault.type) == (500, "ClientFaultCode", "InvalidRequest")
    assert fault.text.startswith("Required parameter newName is missing")


def test_an_unknown_value_of_an_enumeration(server: Server, host: Host, machine):
    vm = machine("enum")
    fault = by_hand(
        server,
        f'<ReconfigVM_Task><_this type="VirtualMachine">{vm._moId}</_this><spec><deviceChange><operation>paint</operation>'
        '<device xsi:type="VirtualVmxnet3"><key>-1</key></device></deviceChange></spec></ReconfigVM_Task>',
        cookie_of(host),
    )
    assert (fault.status, fault.code) == (500, "ClientFaultCode")
    assert fault.type in ("InvalidRequest", "InvalidType") and "paint" in fault.text


def test_a_second_task_on_a_busy_machine(server: Server, host: Host, machine):
    vm = machine("busy")
    host.done(vm.PowerOnVM_Task())
    with connected(server) as other:
        same = vim.VirtualMachine(vm._moId, other.si._stub)
        first = vm.SuspendVM_Task()
        with pytest.raises(vim.fault.TaskInProgress) as caught:
            same.ReconfigVM_Task(vim.vm.ConfigSpec(annotation="too late"))
        assert (caught.value.task._moId, caught.value.msg) == (first._moId, "Another task is already in progress.")
        assert same.name == "busy", "reads pass"
        host.done(first)
        assert same.config.annotation == ""
        other.done(same.ReconfigVM_Task(vim.vm.ConfigSpec(annotation="now")))
