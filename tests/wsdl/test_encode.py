"""Values out: what each client may see, and how it is spelled."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from vmsdk.wsdl import CONTRACT, Array, Byte, Long, Member, MoRef, Short, vim
from vmsdk.wsdl.codec.decode import Decoder
from vmsdk.wsdl.codec.encode import Encoder, Unencodable
from vmsdk.wsdl.codec.text import escape

from .contract_values import filled

VERSIONS = ["4.0", "5.5", "6.5", "8.0.3.0"]
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
NAMES = 'xmlns="urn:vim25" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'


def at(version: str, **options: Any) -> Encoder:
    return Encoder(CONTRACT.versions.index(version), **options)


def spelled(value: Any, kind: str, version: str = "8.0.3.0", array: bool = False) -> str:
    out: list[str] = []
    at(version).member("x", kind, array, value, out.append)
    return "".join(out)


def parsed(text: str) -> Any:
    return etree.fromstring(f"<r {NAMES}>{text}</r>")


def read_back(text: str, kind: str) -> Any:
    member = Member("val", kind, False, False, 0)
    return Decoder(CONTRACT.default_version).arguments(parsed(text), (member,))["val"]


# -- versions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_nothing_goes_out_that_a_client_of_its_version_does_not_know(version: str):
    """Every type of the newest contract, filled, as each client sees it: no newer member, no newer type."""
    known, newest = CONTRACT.versions.index(version), len(CONTRACT.versions) - 1
    encoder = at(version)
    for name in CONTRACT.names("data"):
        if name in ("DynamicData", "DynamicArray", "LocalizedMethodFault"):
            continue
        text = encoder.value("val", name, False, filled(name, newest))
        if not text:
            assert CONTRACT.data(name).since > known
            continue
        [root] = parsed(text)
        judge(root, root.get(XSI_TYPE), known)


def judge(element: Any, name: str, known: int) -> None:
    kind = CONTRACT.data(name)
    assert kind.since <= known, f"{name} is newer"
    members = {f.name: f for f in kind.fields}
    for child in element:
        tag = etree.QName(child).localname
        member = members[tag]
        assert member.since <= known, f"{name}.{tag} is newer"
        wrapped = member.type == "MethodFault" and name != "LocalizedMethodFault"
        declared = "LocalizedMethodFault" if wrapped else member.type
        said = child.get(XSI_TYPE, declared)
        if said in CONTRACT and len(child):
            judge(child, said, known)


def test_a_type_too_new_goes_out_as_the_nearest_one_known():
    sata = vim.VirtualAHCIController(key=1, busNumber=0)  # 5.5
    assert parsed(spelled(sata, "VirtualDevice", "5.5"))[0].get(XSI_TYPE) == "VirtualAHCIController"
    assert parsed(spelled(sata, "VirtualDevice", "5.1"))[0].get(XSI_TYPE) == "VirtualController"
    tpm = vim.VirtualTPM(key=11000)  # 6.7, straight below the declared type
    assert spelled(tpm, "VirtualDevice", "6.5") == "<x><key>11000</key></x>"


def test_a_type_too_new_is_left_out_where_its_known_bases_say_nothing():
    backing = vim.VirtualPCIPassthroughDynamicBackingInfo(deviceName="x", assignedId="1")  # 7.0
    card = vim.VirtualPCIPassthrough(key=1, backing=backing)
    assert "backing" in spelled(card, "VirtualDevice", "8.0.3.0")
    assert parsed(spelled(card, "VirtualDevice", "6.5"))[0][-1].get(XSI_TYPE) == "VirtualDeviceDeviceBackingInfo"
    slot = vim.VirtualDevicePciBusSlotInfo(pciSlotNumber=1)
    assert "slotInfo" not in spelled(vim.VirtualVmxnet3(key=1, slotInfo=slot), "VirtualDevice", "5.0")


def test_a_fault_too_new_goes_out_as_its_nearest_base():
    fault = vim.VmConfigIncompatibleForFaultTolerance()  # 4.0
    assert parsed(spelled(fault, "MethodFault", "2.5"))[0][0].get(XSI_TYPE) == "VmConfigFault"


def test_an_enum_value_that_old_clients_refuse_is_left_out():
    assert spelled("ignore", "HostConfigChangeOperation", "5.5") == "<x>ignore</x>"
    assert spelled("ignore", "HostConfigChangeOperation", "5.1") == ""


def test_an_empty_enum_is_left_out():
    assert spelled("", "VirtualMachinePowerState") == ""
    runtime = vim.VirtualMachineRuntimeInfo(connectionState="", powerState="poweredOn")
    assert "connectionState" not in spelled(runtime, "VirtualMachineRuntimeInfo")


# -- forms ----------------------------------------------------------------------------------------------------


def test_the_type_is_said_only_where_it_differs_from_the_declared_one():
    label = vim.Description(label="a", summary="b")
    assert spelled(label, "Description") == "<x><label>a</label><summary>b</summary></x>"
    assert spelled(vim.ElementDescription(label="a", summary="b", key="k"), "Description").startswith(
        '<x xsi:type="ElementDescription">'
    )


def test_a_property_value_always_says_its_type():
    encoder = at("8.0.3.0")
    assert encoder.value("val", "xsd:string", False, "a") == '<val xsi:type="xsd:string">a</val>'
    status = encoder.value("val", "ManagedEntityStatus", False, "green")
    assert status == '<val xsi:type="ManagedEntityStatus">green</val>'
    reference = '<val type="Folder" xsi:type="ManagedObjectReference">group-v3</val>'
    assert encoder.value("val", "Folder", False, MoRef("Folder", "group-v3")) == reference
    assert encoder.value("val", "Description", False, vim.Description(label="a", summary="b")) == (
        '<val xsi:type="Description"><label>a</label><summary>b</summary></val>'
    )


def test_an_array_as_property_value_is_wrapped_and_each_item_says_its_type():
    encoder = at("8.0.3.0")
    assert encoder.value("val", "xsd:int", True, [1, 2]) == (
        '<val xsi:type="ArrayOfInt"><int xsi:type="xsd:int">1</int><int xsi:type="xsd:int">2</int></val>'
    )
    assert encoder.value("val", "Datastore", True, [MoRef("Datastore", "d")]) == (
        '<val xsi:type="ArrayOfManagedObjectReference">'
        '<ManagedObjectReference type="Datastore" xsi:type="ManagedObjectReference">d</ManagedObjectReference></val>'
    )
    assert encoder.value("val", "Event", True, [vim.VmPoweredOnEvent(key=1)]).startswith(
        '<val xsi:type="ArrayOfEvent"><Event xsi:type="VmPoweredOnEvent"><key>1</key>'
    )
    assert encoder.value("val", "Tag", True, ()) == '<val xsi:type="ArrayOfTag"></val>'


def test_a_fault_as_a_member_is_wrapped_with_its_sentence():
    encoder = at("8.0.3.0", fault_text=lambda fault: f"{fault._type.name} & so on")
    assert encoder.value("val", "TaskInfo", False, vim.TaskInfo(error=vim.NotFound())).endswith(
        '<error><fault xsi:type="NotFound"></fault><localizedMessage>NotFound &amp; so on</localizedMessage></error></val>'
    )
    for text in (encoder.value("val", "MethodFault", False, vim.NotFound()), encoder.any("val", vim.NotFound())):
        assert text.startswith('<val xsi:type="LocalizedMethodFault"><fault xsi:type="NotFound">')


def test_values_of_any_type_say_what_they_are():
    def option(value: Any) -> str:
        text = spelled(vim.OptionValue(key="k", value=value), "OptionValue")
        return text.removeprefix("<x><key>k</key><value").removesuffix("</value></x>")

    forms = {
        "text": ' xsi:type="xsd:string">text', True: ' xsi:type="xsd:boolean">true', 5: ' xsi:type="xsd:int">5',
        1 << 40: f' xsi:type="xsd:long">{1 << 40}', Long(6): ' xsi:type="xsd:long">6',
        Short(7): ' xsi:type="xsd:short">7', Byte(-8): ' xsi:type="xsd:byte">-8',
        1.5: ' xsi:type="xsd:double">1.5', b"\0": ' xsi:type="xsd:base64Binary">AA==',
        MoRef("Folder", "f"): ' type="Folder" xsi:type="ManagedObjectReference">f',
        Array("xsd:string", ("a",)): ' xsi:type="ArrayOfString"><string xsi:type="xsd:string">a</string>',
        datetime(2026, 1, 2, tzinfo=UTC): ' xsi:type="xsd:dateTime">2026-01-02T00:00:00.000000Z',
    }  # fmt: skip
    for value, form in forms.items():
        assert option(value) == form


def test_bytes_of_the_contract_are_signed_numbers():
    assert spelled([-1, 127], "xsd:byte", array=True) == "<x>-1</x><x>127</x>"


def test_unset_members_are_absent_and_an_unset_required_one_is_told():
    heard: list[tuple[str, str]] = []
    encoder = at("8.0.3.0", on_missing=lambda kind, member: heard.append((kind, member)))
    out: list[str] = []
    encoder.member("x", "AboutInfo", False, vim.AboutInfo(name="n", vendor="v"), out.append)
    assert "".join(out) == "<x><name>n</name><vendor>v</vendor></x>"
    assert ("AboutInfo", "fullName") in heard and ("AboutInfo", "instanceUuid") not in heard


# -- scalars --------------------------------------------------------------------------------------------------


ZONES = [UTC, timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=8))]


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=st.sampled_from(ZONES)))
def test_a_time_goes_out_in_utc_with_six_digits(moment: datetime):
    text = spelled(moment, "xsd:dateTime")
    assert re.fullmatch(r"<x>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z</x>", text)
    assert read_back(f'<val xsi:type="xsd:dateTime">{text[3:-4]}</val>', "xsd:anyType") == moment


@given(st.text(st.characters(codec=None, categories=None)))
def test_any_text_makes_well_formed_xml_and_what_xml_carries_comes_back(text: str):
    [element] = parsed(spelled(text, "xsd:string"))
    carried = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", "\ufffd", text)
    assert (element.text or "") == carried
    assert parsed(f'<y a="{escape(text)}"/>')[0].get("a").split() == carried.split()


@pytest.mark.parametrize(
    ("kind", "value", "told"),
    [
        ("xsd:int", "5", "str '5' is no integer"),
        ("xsd:string", 5, "int '5' is no text"),
        ("xsd:dateTime", "today", "str 'today' is no time"),
        ("VirtualMachinePowerState", "on", "'on' is no VirtualMachinePowerState"),
        ("Description", vim.AboutInfo(), "AboutInfo is no Description"),
        ("Description", "text", "str is no Description"),
        ("LocalizableMessage", vim.LocalizableMessage(key="k", arg=[None]), "None stands where a value is due"),
    ],
)
def test_a_value_that_has_no_place_there_is_refused_by_name(kind: str, value: Any, told: str):
    with pytest.raises(Unencodable, match=re.escape(told)):
        spelled(value, kind)


def test_the_member_that_could_not_be_spelled_is_named():
    disk = vim.VirtualDisk(key=1, capacityInKB="5")
    with pytest.raises(Unencodable, match=r"VirtualHardware\.device: VirtualDisk\.capacityInKB: str '5' is no integer"):
        spelled(vim.VirtualHardware(numCPU=1, memoryMB=1, device=[disk]), "VirtualHardware")


def test_equal_numbers_of_other_kinds_do_not_change_how_a_number_is_spelled():
    assert spelled(True, "xsd:int") == "<x>1</x>"
    assert spelled(1, "xsd:int") == "<x>1</x>"
    assert spelled(1, "xsd:double") == "<x>1.0</x>"
    assert spelled(1, "xsd:boolean") == "<x>true</x>"
    assert spelled(0.0, "xsd:boolean") == "<x>false</x>"


def test_every_type_comes_back_as_it_went():
    encoder = Encoder(CONTRACT.default_version)
    for name in CONTRACT.names("data"):
        if CONTRACT.data(name).since <= CONTRACT.default_version and name != "LocalizedMethodFault":
            value = filled(name, CONTRACT.default_version)
            assert read_back(encoder.any("val", value), "xsd:anyType") == value, name
