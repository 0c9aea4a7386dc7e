"""The documents: tools of others load them and speak by them, and what we send is valid by them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from vmsdk.soap import envelope
from vmsdk.wsdl import CONTRACT, MoRef, vim
from vmsdk.wsdl.codec.decode import Decoder
from vmsdk.wsdl.codec.encode import Encoder
from vmsdk.wsdl.documents import Documents

from .contract_values import Values

WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
XSD = "{http://www.w3.org/2001/XMLSchema}"
SERVED = CONTRACT.default_version
OPERATIONS = {"RetrieveServiceContent", "Login", "Logout", "RetrievePropertiesEx", "PowerOnVM_Task"}


def laid_down(documents: Documents, folder: Path) -> Path:
    for name in documents.names():
        body = documents.get(name)
        assert body is not None
        (folder / name).write_bytes(body)
    return folder


@pytest.fixture(scope="module")
def documents() -> Documents:
    return Documents(CONTRACT, SERVED)


@pytest.fixture(scope="module")
def folder(documents: Documents, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return laid_down(documents, tmp_path_factory.mktemp("sdk"))


@pytest.fixture(scope="module")
def answers(folder: Path) -> etree.XMLSchema:
    """The schema that the whole WSDL declares: types and the elements of requests, answers and fault details."""
    [inner] = etree.parse(folder / "vim.wsdl").iter(f"{XSD}schema")
    (folder / "all.xsd").write_bytes(etree.tostring(inner))
    return etree.XMLSchema(etree.parse(folder / "all.xsd"))


def content(envelope_bytes: bytes) -> etree._Element:
    [body] = etree.fromstring(envelope_bytes).iter(f"{{{envelope.ENVELOPE}}}Body")
    return body[0]


@pytest.mark.parametrize("version", ["4.0", "5.5", "6.5", "8.0.3.0", CONTRACT.versions[-1]])
def test_every_file_is_a_valid_schema_at_every_version(version: str, tmp_path: Path):
    laid_down(Documents(CONTRACT, CONTRACT.versions.index(version)), tmp_path)
    for file in sorted(tmp_path.glob("*.xsd")):
        etree.XMLSchema(etree.parse(file))
    [inner] = etree.parse(tmp_path / "vim.wsdl").iter(f"{XSD}schema")
    (tmp_path / "all.xsd").write_bytes(etree.tostring(inner))
    etree.XMLSchema(etree.parse(tmp_path / "all.xsd"))


def test_the_wsdl_has_every_operation_of_the_served_version_and_no_other(documents: Documents):
    root = etree.fromstring(documents.get("vim.wsdl") or b"")
    served = {name for name, method in CONTRACT.methods.items() if method.since <= SERVED}
    port, binding = root.find(f"{WSDL}portType"), root.find(f"{WSDL}binding")
    assert len(served) == 955
    assert {o.get("name") for o in port.findall(f"{WSDL}operation")} == served
    assert {o.get("name") for o in binding.findall(f"{WSDL}operation")} == served
    actions = {o.get("soapAction") for o in binding.iter("{http://schemas.xmlsoap.org/wsdl/soap/}operation")}
    assert actions == {"urn:vim25/8.0.3.0"}
    assert "Fetch" not in served


def test_every_message_and_element_that_is_named_exists(documents: Documents):
    root = etree.fromstring(documents.get("vim.wsdl") or b"")
    messages = {f"vim25:{m.get('name')}" for m in root.findall(f"{WSDL}message")}
    elements = {f"vim25:{e.get('name')}" for e in root.iter(f"{XSD}schema").__next__().findall(f"{XSD}element")}
    port = root.find(f"{WSDL}portType")
    assert {x.get("message") for x in port.iter(f"{WSDL}input", f"{WSDL}output", f"{WSDL}fault")} <= messages
    assert {p.get("element") for p in root.iter(f"{WSDL}part")} | {"vim25:versionURI"} == elements


def test_the_task_of_a_task_is_mandatory_whatever_its_flag_says(documents: Documents):
    root = etree.fromstring(documents.get("vim.wsdl") or b"")
    [answer] = root.xpath("//*[@name='GenerateLogBundles_TaskResponse']")
    assert CONTRACT.methods["GenerateLogBundles_Task"].result_optional
    assert answer.xpath(".//@minOccurs") == []


def test_the_service_names_the_address_the_client_came_to(documents: Documents):
    def address(body: bytes | None) -> str:
        return etree.fromstring(body or b"").xpath("//@location")[-1]

    assert address(documents.get("vimService.wsdl")) == "https://localhost/sdk/vimService"
    asked = 'https://h:8443/sdk/vimService?a=1&b="2"'
    assert address(documents.get("vimService.wsdl", asked)) == asked
    assert documents.get("../contract.tsv") is None


def test_the_list_of_versions_counts_down_from_the_served_one(documents: Documents):
    root = etree.fromstring(documents.get("vimServiceVersions.xml") or b"")
    assert (root.tag, root.get("version")) == ("namespaces", "1.0")
    assert root.findtext("namespace/name") == "urn:vim25"
    assert root.findtext("namespace/version") == "8.0.3.0"
    prior = [v.text for v in root.iterfind("namespace/priorVersions/version")]
    assert (prior[:4], prior[-8:]) == (
        ["8.0.2.0", "8.0.1.0", "8.0.0.2", "8.0.0.1"],
        ["6.7", "6.5", "6.0", "5.5", "5.1", "5.0", "4.1", "4.0"],
    )


def test_before_eight_every_object_could_carry_dynamic_properties(documents: Documents):
    old = Documents(CONTRACT, CONTRACT.versions.index("6.5")).get("core-types.xsd") or b""
    assert b'name="dynamicProperty"' in old
    assert b'name="dynamicProperty"' not in (documents.get("core-types.xsd") or b"")


# -- tools of others ------------------------------------------------------------------------------------------


def disk_spec(request: envelope.Request) -> object:
    method = CONTRACT.methods[request.method]
    return Decoder(SERVED).arguments(request.element, method.params)["spec"]


EXPECTED_SPEC = vim.VirtualMachineConfigSpec(
    name="web",
    deviceChange=[
        vim.VirtualDeviceConfigSpec(
            operation="add",
            device=vim.VirtualDisk(
                key=-1,
                capacityInKB=5,
                backing=vim.VirtualDiskFlatVer2BackingInfo(fileName="[datastore1] web/web.vmdk", diskMode="persistent"),
            ),
        )
    ],
)


def test_zeep_loads_the_documents_and_speaks_by_them(folder: Path):
    from zeep import Client

    client = Client(str(folder / "vimService.wsdl"))
    make = client.type_factory("urn:vim25")
    this = make.ManagedObjectReference("ha-sessionmgr", type="SessionManager")
    login = client.create_message(client.service, "Login", _this=this, userName="root", password="a<b&c")
    request = envelope.parse(etree.tostring(login))
    assert request.method == "Login"
    arguments = Decoder(SERVED).arguments(request.element, CONTRACT.methods["Login"].params)
    assert arguments == {"userName": "root", "password": "a<b&c"}

    backing = make.VirtualDiskFlatVer2BackingInfo(fileName="[datastore1] web/web.vmdk", diskMode="persistent")
    disk = make.VirtualDisk(key=-1, capacityInKB=5, backing=backing)
    spec = make.VirtualMachineConfigSpec(name="web", deviceChange=[make.VirtualDeviceConfigSpec(operation="add", device=disk)])
    machine = make.ManagedObjectReference("1", type="VirtualMachine")
    sent = client.create_message(client.service, "ReconfigVM_Task", _this=machine, spec=spec)
    assert disk_spec(envelope.parse(etree.tostring(sent))) == EXPECTED_SPEC

    # And it reads what we answer: subtypes, any-typed values, references, a fault.
    operation = client.service._binding.get("RetrievePropertiesEx")
    devices = Encoder(SERVED).value("val", "VirtualDevice", True, [EXPECTED_SPEC.deviceChange[0].device])
    objects = f'<obj type="VirtualMachine">1</obj><propSet><name>config.hardware.device</name>{devices}</propSet>'
    answer = envelope.response("RetrievePropertiesEx", f"<returnval><objects>{objects}</objects></returnval>")
    read = client.service._binding.process_reply(client, operation, Reply(answer))
    [found] = read.objects[0].propSet[0].val.VirtualDevice
    assert (found.capacityInKB, found.backing.fileName) == (5, "[datastore1] web/web.vmdk")


class Reply:
    """What zeep wants of an HTTP answer."""

    status_code, headers, encoding = 200, {"Content-Type": "text/xml"}, "utf-8"

    def __init__(self, body: bytes):
        self.content = body


def test_suds_loads_the_documents_and_speaks_by_them(folder: Path):
    from suds.cache import NoCache
    from suds.client import Client
    from suds.sudsobject import Property

    client = Client((folder / "vimService.wsdl").as_uri(), cache=NoCache(), nosend=True)
    make = client.factory.create
    disk, backing = make("{urn:vim25}VirtualDisk"), make("{urn:vim25}VirtualDiskFlatVer2BackingInfo")
    backing.fileName, backing.diskMode = "[datastore1] web/web.vmdk", "persistent"
    disk.key, disk.capacityInKB, disk.backing = -1, 5, backing
    change, spec = make("{urn:vim25}VirtualDeviceConfigSpec"), make("{urn:vim25}VirtualMachineConfigSpec")
    change.operation, change.device = "add", disk
    spec.name, spec.deviceChange = "web", [change]
    machine = Property("1")
    machine._type = "VirtualMachine"
    sent = client.service.ReconfigVM_Task(machine, spec)
    assert disk_spec(envelope.parse(sent.envelope)) == EXPECTED_SPEC


def test_a_smaller_contract_stands_by_itself(tmp_path: Path):
    from zeep import Client

    small = Documents(CONTRACT, SERVED, operations=OPERATIONS)
    laid_down(small, tmp_path)
    client = Client(str(tmp_path / "vimService.wsdl"))
    assert set(client.service._operations) == OPERATIONS
    # The properties of what it can read are there with their subtypes; what nothing reaches is not.
    make = client.type_factory("urn:vim25")
    assert make.VirtualMachineConfigInfo and make.VirtualVmxnet3 and make.InvalidPowerState
    assert b'"HostProfileCompleteConfigSpec"' not in (small.get("vim-types.xsd") or b"")
    with pytest.raises(KeyError):
        Documents(CONTRACT, SERVED, operations={"PowerOn"})


# -- what we send is valid by what we hand out ----------------------------------------------------------------

VALUES = Values(SERVED)
GENEROUS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@GENEROUS
@given(st.sampled_from(VALUES.data_types()).flatmap(VALUES.of))
def test_any_data_object_we_send_is_valid_and_comes_back_the_same(answers: etree.XMLSchema, value: object):
    kind = value._type.name
    encoder = Encoder(SERVED, on_missing=missing)
    held = vim.ObjectContent(obj=MACHINE, propSet=[vim.DynamicProperty(name="x", val=value)])
    body = envelope.result(encoder, "RetrieveProperties", "ObjectContent", True, [held])
    answers.assertValid(content(body))
    read = Decoder(SERVED).arguments(content(body), (RETURNED,))["returnval"]
    [found] = read[0].propSet
    assert type(found.val).__name__ == kind
    assert found.val == value


@GENEROUS
@given(st.sampled_from(sorted(n for n in VALUES.data_types() if CONTRACT.data(n).is_fault)).flatmap(VALUES.of))
def test_any_fault_we_send_is_valid(answers: etree.XMLSchema, fault: vim.MethodFault):
    body = envelope.fault(Encoder(SERVED, on_missing=missing), fault, "It did not work")
    [detail] = content(body).iter("detail")
    answers.assertValid(detail[0])


MACHINE = MoRef("VirtualMachine", "1")
RETURNED = CONTRACT.data("UpdateSet").own[0]._replace(name="returnval", type="ObjectContent", array=True)


def missing(type_name: str, member: str) -> None:
    raise AssertionError(f"{type_name}.{member} is unset")
