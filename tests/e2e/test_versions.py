"""Clients of all ages: what they once put on the wire is understood, and nothing goes to them that they cannot know.

The recorded requests go to a simulated host (some would rebuild the network of a real one), the machines they make to a real one.
"""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from pyVim.connect import Connect, Disconnect
from pyVim.task import WaitForTask
from pyVmomi import VmomiSupport, vim, vmodl

from tests.e2e.server import Server
from tests.e2e.vsphere import Host, connected, spec

VERSIONS = ("vim25/4.0", "vim25/5.5", "vim25/6.5", "vim25/7.0.0.0", "vim25/9.1.0.0")
CORPUS = Path(__file__).parents[1] / "wire" / "requests.jsonl"
ROWS = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
REFERENCE = re.compile(r'(<[^<>]*?(?<![:\w])type="(\w+)"[^<>]*>)([^<>]*)(</)')


class Wire:
    """Bodies by hand, on one connection, with one session."""

    def __init__(self, server: Server, cookie: str):
        self._connection = http.client.HTTPSConnection(server.host, server.port, timeout=60, context=server.trusting())
        self._cookie = cookie

    def post(self, body: str, action: str | None) -> tuple[int, etree._Element]:
        """(status, what stands in the SOAP body)."""
        headers = {"Content-Type": "text/xml; charset=utf-8", "Cookie": self._cookie}
        if action is not None:
            headers["SOAPAction"] = action
        self._connection.request("POST", "/sdk", body.encode(), headers)
        answer = self._connection.getresponse()
        return answer.status, etree.fromstring(answer.read()).find(f"{SOAP}Body")[0]


def references(host: Host) -> dict[str, str]:
    """What this server calls the one object of a type."""
    named = [*vars(host.content).values(), *vars(host.host.configManager).values()]
    known = {type(value)._wsdlName: value._moId for value in named if isinstance(value, vim.ManagedObject)}
    return known | {
        "ResourcePool": host.pool._moId, "HostSystem": host.host._moId, "Datastore": host.datastore._moId,
        "Datacenter": host.datacenter._moId, "ComputeResource": host.host.parent._moId, "Network": host.datacenter.network[0]._moId,
        "HostDatastoreBrowser": host.datastore.browser._moId, "Folder": host.folder._moId, "datastore": host.datastore.name,
        "password": host.server.password,
    }  # fmt: skip


def mapped(body: str, known: dict[str, str]) -> str:
    """The request with this server's references and names in place of those of the simulator that it was recorded with."""

    def place(found: re.Match[str]) -> str:
        opening, kind, value, closing = found.groups()
        kept = kind == "Folder" and value.startswith("ha-folder")
        return f"{opening}{value if kept else known.get(kind, value)}{closing}"

    body = REFERENCE.sub(place, body)
    return body.replace("LocalDS_0", known["datastore"]).replace(">secret<", f">{known['password']}<")


# -- what was recorded -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def simulated(servers: Callable[..., Server]) -> Iterator[Server]:
    server = servers("--hypervisor", "simulated", "--machines", "2")
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize("client", sorted({row["client"] for row in ROWS}))
def test_what_a_client_once_sent_is_understood(simulated: Server, client: str):
    last = {"Destroy_Task": 1, "UnregisterVM": 1, "Logout": 2}  # they take the machine, or the session, with them
    rows = sorted((row for row in ROWS if row["client"] == client), key=lambda row: last.get(row["operation"], 0))
    bad = []
    with connected(simulated) as host:
        machine = host.create(f"for {client}")
        views = host.content.viewManager
        known = references(host) | {
            "VirtualMachine": machine._moId, "Task": machine.ReconfigVM_Task(vim.vm.ConfigSpec(annotation="a task"))._moId,
            "ContainerView": views.CreateContainerView(host.folder, [vim.VirtualMachine], True)._moId,
            "ListView": views.CreateListView([machine])._moId,
        }  # fmt: skip
        wire = Wire(simulated, host.si._stub.cookie)
        for row in rows:
            operation, names = row["operation"], known
            if operation == "DestroyPropertyCollector" or operation.startswith("WaitForUpdates"):
                names = known | {"PropertyCollector": watching(host, machine)}
            body = re.sub(r"(<(?:\w+:)?version\b[^>]*>)[^<]*(</)", r"\1\2", mapped(row["body"], names))
            by = Wire(simulated, "") if operation == "Login" else wire
            status, answer = by.post(body, row["SOAPAction"])
            if status == 200:
                assert etree.QName(answer).localname == f"{operation}Response"
                if operation.endswith("_Task"):
                    error = ended(host, answer[0].text)
                    if isinstance(error, (vmodl.fault.SystemError, vmodl.fault.InvalidArgument)):
                        bad.append((operation, type(error).__name__, error.msg))
                continue
            assert (status, answer.tag) == (500, f"{SOAP}Fault")
            detail = answer.find("detail")
            fault = detail[0].get(XSI_TYPE) if detail is not None and len(detail) else "none"
            odd = fault in ("none", "SystemError", "RuntimeFault") or (fault == "NotAuthenticated" and operation != "Logout")
            if odd or answer.findtext("faultcode") != "ServerFaultCode":
                bad.append((operation, fault, answer.findtext("faultstring")))
    assert bad == []


def ended(host: Host, task: str) -> Any:
    """The error of a task once it has ended, or None."""
    found = vim.Task(task, host.si._stub)
    WaitForTask(found, raiseOnError=False, si=host.si)
    return found.info.error


def watching(host: Host, entity: Any) -> str:
    """A collector that has something to tell at once."""
    collector = host.content.propertyCollector.CreatePropertyCollector()
    pc = vmodl.query.PropertyCollector
    wanted = pc.PropertySpec(type=type(entity), pathSet=["name"])
    collector.CreateFilter(pc.FilterSpec(objectSet=[pc.ObjectSpec(obj=entity)], propSet=[wanted]), False)
    return collector._moId


@pytest.mark.parametrize("row", [r for r in ROWS if r["operation"] == "CreateVM_Task"], ids=lambda row: row["client"])
def test_a_machine_as_each_client_makes_it_is_made_on_a_real_host(server: Server, host: Host, machine, row: dict):
    wire = Wire(server, host.si._stub.cookie)
    status, answer = wire.post(mapped(row["body"], references(host)), row["SOAPAction"])
    assert status == 200, answer.findtext("faultstring")
    task = vim.Task(answer[0].text, host.si._stub)
    if row["client"] == "esxi_mcp":  # it names no datastore at all
        with pytest.raises(vim.fault.InvalidDatastorePath):
            host.done(task)
        return
    vm = host.done(task)
    name = re.search(r"<name>(job-[^<]*)</name>", row["body"])
    assert name is not None and vm.name == name[1]
    assert f"{vm.name}/{vm.name}.vmx" in server.files()
    asked, given = row["body"].count(">add<"), [d for d in vm.config.hardware.device if d.key >= 1000 and d.key != 12000]
    assert len(given) == asked - row["body"].count('"VirtualIDEController"')


# -- what goes out ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_of_any_age_does_its_work(server: Server, machine, version: str):
    si = Connect(
        host=server.host, port=server.port, user=server.user, pwd=server.password, version=VmomiSupport.versionMap[version],
        sslContext=server.trusting(),
    )  # fmt: skip
    try:
        host = Host(server, si)
        vm = host.done(host.folder.CreateVM_Task(spec("aged", host.datastore.name, network="VM Network"), host.pool))
        host.done(vm.ReconfigVM_Task(vim.vm.ConfigSpec(annotation=version)))
        assert (vm.config.annotation, vm.summary.config.name) == (version, "aged")
        if version != "vim25/4.0":  # WaitForUpdatesEx came with 4.1; the tasks were waited for with WaitForUpdates
            host.until(vm, "name", "aged")
        host.done(vm.Destroy_Task())
        assert host.named("aged") is None
    finally:
        Disconnect(si)


@pytest.mark.parametrize("version", VERSIONS[:4])
def test_nothing_goes_out_that_the_client_cannot_know(server: Server, host: Host, machine, version: str):
    """Every element of a read of everything is held against pyVmomi's own tables for that version."""
    vm = machine("seen", network="VM Network", iso="iso/guest.iso")
    failed = vm.PowerOffVM_Task()  # a task with a fault in it
    targets = [vm, failed, host.host, host.datastore, host.pool, host.host.parent, host.datacenter.network[0], host.folder,
               host.content.taskManager, host.content.sessionManager, host.content.perfManager, host.content.setting,
               host.content.eventManager, host.content.authorizationManager, host.content.licenseManager]  # fmt: skip
    wire = Wire(server, host.si._stub.cookie)
    elements = 0
    for target in targets:
        kind = type(target)._wsdlName
        body = (
            '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><RetrieveProperties '
            f'xmlns="urn:vim25"><_this type="PropertyCollector">{host.content.propertyCollector._moId}</_this><specSet><propSet>'
            f'<type>{kind}</type><all>true</all></propSet><objectSet><obj type="{kind}">{target._moId}</obj></objectSet></specSet>'
            "</RetrieveProperties></soapenv:Body></soapenv:Envelope>"
        )
        status, answer = wire.post(body, f"urn:{version}")
        assert status == 200, (kind, answer.findtext("faultstring"))
        judge = Judge(VmomiSupport.versionMap[version])
        for held in answer.iter("{urn:vim25}propSet"):
            judge.property(target, held)
        assert judge.wrong == [], kind
        assert judge.elements > 0, kind
        elements += judge.elements
    assert elements > 500


class Judge:
    """Reads answers by pyVmomi's type tables as a client of one version has them; `wrong` lists what it would not know."""

    def __init__(self, version: str):
        self.version, self.wrong, self.elements = version, [], 0

    def _had(self, since: str) -> bool:
        return VmomiSupport.IsChildVersion(self.version, since)

    def property(self, target: Any, held: etree._Element) -> None:
        name, value = held.findtext("{urn:vim25}name"), held.find("{urn:vim25}val")
        found = type(target)._GetPropertyInfo(name)
        if not self._had(found.version):
            self.wrong.append(f"property {name} of {found.version}")
        self._value(value, found.type, name)

    def _value(self, element: etree._Element, declared: type, at: str) -> None:
        self.elements += 1
        said = element.get(XSI_TYPE)
        kind = declared
        if said is not None:
            prefix, _, local = said.rpartition(":")
            if element.nsmap.get(prefix or None) != "urn:vim25":
                return  # a type of XML Schema
            if local.endswith("ManagedObjectReference"):
                return
            kind = VmomiSupport.GetWsdlType("urn:vim25", local)
        inside = element.find("{urn:vim25}fault")
        if issubclass(kind, vmodl.MethodFault) and inside is not None:  # wrapped with its sentence
            self._value(inside, vmodl.MethodFault, f"{at}.fault")
            return
        if issubclass(kind, list):
            for child in element:
                self._value(child, kind.Item, at)
            return
        if issubclass(kind, VmomiSupport.DataObject):
            if not self._had(kind._version):
                self.wrong.append(f"{at}: type {kind.__name__} of {kind._version}")
            for child in element:
                local = etree.QName(child).localname
                found = kind._GetPropertyInfo(local)
                if not self._had(found.version):
                    self.wrong.append(f"{at}.{local} of {found.version}")
                inner = found.type.Item if issubclass(found.type, list) else found.type
                if child.get(XSI_TYPE, "").startswith("ArrayOf"):
                    inner = found.type
                self._value(child, inner, f"{at}.{local}")
