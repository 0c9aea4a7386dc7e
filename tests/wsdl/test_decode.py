"""Values in: what clients send, in all its dialects, and what does not fit."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from vmsdk.soap import envelope
from vmsdk.wsdl import CONTRACT, Array, Long, Member, MoRef, vim
from vmsdk.wsdl.codec.decode import BadRequest, Decoder
from vmsdk.wsdl.private import PRIVATE

SERVED = CONTRACT.default_version
WIRE = Path(__file__).parents[1] / "wire" / "requests.jsonl"
RECORDED = [json.loads(line) for line in WIRE.read_text(encoding="utf-8").split("\n") if line]
NAMES = (
    'xmlns="urn:vim25" xmlns:v="urn:vim25" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xmlns:s="http://www.w3.org/2001/XMLSchema" xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/"'
)


def read(inner: str, kind: str, array: bool = False, served: int = SERVED, **options: Any) -> Any:
    element = etree.fromstring(f"<m {NAMES}>{inner}</m>")
    return Decoder(served).arguments(element, (Member("x", kind, array, False, 0),), **options)["x"]


def refusal(inner: str, kind: str, array: bool = False) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        read(inner, kind, array)
    assert str(caught.value)
    return caught.value


@pytest.mark.parametrize("row", RECORDED, ids=lambda row: f"{row['client']}-{row['operation']}")
def test_what_a_real_client_sent_decodes(row: dict[str, str]):
    request = envelope.parse(row["body"].encode())
    assert request.method == row["operation"]
    method = CONTRACT.methods.get(request.method) or PRIVATE.get(request.method)
    if method is None:
        assert request.method == "DynamicTypeMgrQueryTypeInfo"
        return
    decoder = Decoder(SERVED)
    assert decoder.reference(request.element[0]).value
    arguments = decoder.arguments(request.element, method.params)
    assert set(arguments) <= {p.name for p in method.params}
    assert {p.name for p in method.params if not p.optional and p.since <= SERVED} <= set(arguments)


def test_a_polymorphic_device_spec_is_read_with_all_its_types():
    row = next(r for r in RECORDED if r["operation"] == "CreateVM_Task" and "ParaVirtualSCSIController" in r["body"])
    method = CONTRACT.methods["CreateVM_Task"]
    config = Decoder(SERVED).arguments(envelope.parse(row["body"].encode()).element, method.params)["config"]
    kinds = {type(change.device).__name__ for change in config.deviceChange}
    assert "ParaVirtualSCSIController" in kinds


# -- dialects -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["s:string", "xsd:string", "xs:string", "soapenc:string", " s:string "])
def test_a_primitive_may_be_said_with_any_prefix(said: str):
    assert read(f'<x xsi:type="{said}">a</x>', "xsd:anyType") == "a"


def test_types_are_resolved_by_namespace_not_by_prefix():
    device = '<x xsi:type="{}VirtualE1000"><key>-1</key></x>'
    for prefix in ("", "v:"):
        assert read(device.format(prefix), "VirtualDevice") == vim.VirtualE1000(key=-1)
    assert refusal(device.format("s:"), "VirtualDevice").wrong_type
    assert "prefix" in str(refusal(device.format("nobody:"), "VirtualDevice"))


def test_values_of_any_type_keep_their_width():
    value = read('<x xsi:type="s:long">5</x>', "xsd:anyType")
    assert (value, type(value)) == (5, Long)
    assert read('<x xsi:type="ArrayOfString"><string>a</string></x>', "xsd:anyType") == Array("xsd:string", ("a",))
    reference = '<x type="Folder" xsi:type="ManagedObjectReference">f</x>'
    assert read(reference, "xsd:anyType") == MoRef("Folder", "f")


def test_members_out_of_order_are_read():
    read_so = read("<x><summary>b</summary><label>a</label></x>", "Description")
    assert read_so == vim.Description(label="a", summary="b")


def test_a_soap_array_is_read_by_what_it_holds_not_by_what_it_promises():
    inner = '<x soapenc:arrayType="s:string[1000000000]" xsi:type="ArrayOfString"><string>a</string></x>'
    assert read(inner, "xsd:anyType") == Array("xsd:string", ("a",))


def test_nil_is_unset():
    spec = read('<x><name xsi:nil="true"/><annotation/></x>', "VirtualMachineConfigSpec")
    assert (spec.name, spec.annotation) == (None, "")


def test_a_wrapped_fault_is_read_with_its_sentence():
    inner = '<x><fault xsi:type="NotFound"/><localizedMessage>gone</localizedMessage></x>'
    fault = read(inner, "MethodFault")
    assert (fault, fault.msg) == (vim.NotFound(), "gone")
    assert refusal('<x xsi:type="NotFound"/>', "MethodFault").wrong_type


def test_what_an_old_client_could_hang_on_any_object_is_read_over():
    assert read("<x><dynamicType>t</dynamicType><name>a</name></x>", "SelectionSpec") == vim.SelectionSpec(name="a")


def test_members_newer_than_what_is_served_are_read_over():
    old = CONTRACT.versions.index("5.5")
    members = CONTRACT.data("VirtualMachineConfigSpec").own
    newer = next(f for f in members if f.since > SERVED and f.type == "xsd:boolean")
    inner = f"<x><name>a</name><{newer.name}>true</{newer.name}></x>"
    for served in (SERVED, old):
        assert getattr(read(inner, "VirtualMachineConfigSpec", served=served), newer.name) is None
    unheard_of = "<x><name>a</name><futureThing><deep/></futureThing></x>"
    assert read(unheard_of, "VirtualMachineConfigSpec", newer_client=True).name == "a"
    assert "futureThing" in str(refusal(unheard_of, "VirtualMachineConfigSpec"))


def test_a_required_member_that_came_later_than_its_type_may_be_left_out():
    flags = "<x><fileType>false</fileType><fileSize>true</fileSize><modification>false</modification></x>"
    assert read(flags, "FileQueryFlags") == vim.FileQueryFlags(fileType=False, fileSize=True, modification=False)
    assert refusal(flags.replace("<fileSize>true</fileSize>", ""), "FileQueryFlags").argument == "x.fileSize"


# -- what does not fit ----------------------------------------------------------------------------------------

WRONG = [
    # (what is sent, declared type, what the sentence says, which argument it names, whether the type is to blame)
    ("", "xsd:string", "Required parameter x is missing", "x", False),
    ('<x xsi:nil="true"/>', "xsd:string", "Required parameter x is missing", "x", False),
    ("<x>a</x><x>b</x>", "xsd:string", "x is given more than once", "x", False),
    ("<x>a</x><y/>", "xsd:string", 'Unexpected element tag "y" seen', "y", False),
    ('<x xmlns="urn:pbm">a</x>', "xsd:string", 'Unexpected element tag "x" seen', "x", False),
    ("<x><y/></x>", "xsd:string", "x holds elements where a value of type xsd:string is due", "x", True),
    ("<x>junk<name>a</name></x>", "SelectionSpec", "x holds the text 'junk' where elements are due", "x", True),
    ("<x><extra/></x>", "SelectionSpec", 'Unexpected element tag "extra" seen in x', "x.extra", False),
    *(
        (f"<x>{v}</x>", "xsd:int", said, "x", False)
        for v, said in [
            ("1e3", "not an integer"), ("0x10", "not an integer"), ("", "not an integer"), ("½", "not an integer"),
            ("5 5", "not an integer"), ("٣", "not an integer"), ("2147483648", "out of the range of xsd:int"),
            ("-2147483649", "out of the range of xsd:int"), ("9" * 5000, "not an integer"),
        ]
    ),
    ("<x>9223372036854775808</x>", "xsd:long", "out of the range of xsd:long", "x", False),
    ("<x>128</x>", "xsd:byte", "out of the range of xsd:byte", "x", False),
    *((f"<x>{v}</x>", "xsd:boolean", "not a boolean", "x", False) for v in ("TRUE", "yes", "", "2")),
    *((f"<x>{v}</x>", "xsd:double", "not a number", "x", False) for v in ("1,5", "nan", "inf", "0x1p3", "1_0", "")),
    *(
        (f"<x>{v}</x>", "xsd:dateTime", "not a date and time", "x", False)
        for v in [
            "0000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "2026-13-01T00:00:00Z",
            "2026-02-30T00:00:00Z", "2026-01-01T25:00:00Z", "2026-01-01T00:61:00Z", "2026-01-01T00:00:62Z",
            "2026-01-01T00:00:00+15:00", "2026-01-01", "yesterday", "", "9999-12-31T23:59:59-14:00",
            "0001-01-01T00:00:00+14:00", "9" * 400 + "-01-01T00:00:00Z",
        ]
    ),
    ("<x>a*b</x>", "xsd:base64Binary", "not base64", "x", False),
    ("<x>on</x>", "VirtualMachinePowerState", "'on' is no value of VirtualMachinePowerState", "x", False),
    ("<x>vm-1</x>", "VirtualMachine", "a reference has no type attribute", "x", True),
    ('<x type="VirtualMachine"/>', "VirtualMachine", "a reference is empty", "x", False),
    ('<x type="Nothing">1</x>', "VirtualMachine", "no managed object type Nothing", "x", True),
    ('<x type="AboutInfo">1</x>', "VirtualMachine", "no managed object type AboutInfo", "x", True),
    ('<x type="Folder">1</x>', "VirtualMachine", "a reference to VirtualMachine is due, not to Folder", "x", True),
    ('<x xsi:type="Nothing"/>', "VirtualDevice", "no data type Nothing", "x", True),
    ('<x xsi:type="AboutInfo"/>', "VirtualDevice", "AboutInfo is no VirtualDevice", "x", True),
    ('<x xsi:type="VirtualMachine"/>', "VirtualDevice", "no data type VirtualMachine", "x", True),
    ("<x>a</x>", "xsd:anyType", "a value of any type needs xsi:type", "x", True),
    ('<x xsi:type="s:duration">P1D</x>', "xsd:anyType", "no primitive type duration", "x", True),
    ('<x xsi:type="ArrayOfNothing"/>', "xsd:anyType", "no array type ArrayOfNothing", "x", True),
    ('<x xmlns:p="urn:pbm" xsi:type="p:VirtualDisk"/>', "xsd:anyType", "no type VirtualDisk in urn:pbm", "x", True),
    (
        "<x><deviceChange/><deviceChange/></x>",
        "VirtualMachineConfigSpec",
        "x.deviceChange[0].device is missing",
        "x.deviceChange[0].device",
        False,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "kind", "said", "argument", "wrong_type"), WRONG, ids=lambda v: str(v)[:40])
def test_what_does_not_fit_is_named(sent: str, kind: str, said: str, argument: str, wrong_type: bool):
    error = refusal(sent, kind)
    assert said in str(error)
    assert (error.argument, error.wrong_type) == (argument, wrong_type)
    assert len(str(error)) < 400


def test_the_path_says_which_of_many():
    disk = '<device xsi:type="VirtualDisk"><key>1</key><capacityInKB>{}</capacityInKB></device>'
    change = f"<deviceChange>{disk}</deviceChange>"
    error = refusal(f"<x>{change.format(1)}{change.format('z')}</x>", "VirtualMachineConfigSpec")
    assert str(error) == "x.deviceChange[1].device.capacityInKB: 'z' is not an integer"


def test_data_nested_without_end_is_refused():
    deep = "<selectSet xsi:type='TraversalSpec'><type>a</type><path>b</path>" * 150 + "</selectSet>" * 150
    assert "nested too deeply" in str(refusal(f"<x><obj type='Folder'>f</obj>{deep}</x>", "ObjectSpec"))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, 0, UTC)),
        ("2026-01-02T03:04:05.5Z", datetime(2026, 1, 2, 3, 4, 5, 500000, UTC)),
        ("2026-01-02T03:04:05.123456789Z", datetime(2026, 1, 2, 3, 4, 5, 123456, UTC)),
        ("2026-01-02T03:04:05", datetime(2026, 1, 2, 3, 4, 5, 0, UTC)),
        ("2026-01-02T03:04:05+02:00", datetime(2026, 1, 2, 1, 4, 5, 0, UTC)),
        ("2026-01-02T03:04:05-0530", datetime(2026, 1, 2, 8, 34, 5, 0, UTC)),
        ("2026-01-02T24:00:00Z", datetime(2026, 1, 3, 0, 0, 0, 0, UTC)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, 0, 0, 0, 0, UTC)),
        (" 2026-01-02T03:04:05Z\n", datetime(2026, 1, 2, 3, 4, 5, 0, UTC)),
    ],
)
def test_times_are_read_in_every_form_that_clients_write(text: str, moment: datetime):
    assert read(f"<x>{text}</x>", "xsd:dateTime") == moment


@settings(max_examples=300)
@given(st.data())
def test_no_tree_of_known_names_makes_anything_but_a_value_or_a_bad_request(data: st.DataObject):
    """Elements of the contract's own vocabulary, put together at random."""
    words = ["x", "device", "backing", "key", "value", "fault", "name", "selectSet", "obj", "string", "item"]
    names = [
        "VirtualDisk", "s:int", "ArrayOfVirtualDisk", "OptionValue", "TraversalSpec", "LocalizedMethodFault",
        "v:NotFound", "ManagedObjectReference", "ArrayOfAnyType", "DynamicData", "VirtualDevice",
    ]  # fmt: skip
    types = ["", *(f' xsi:type="{name}"' for name in names)]
    texts = ["", "1", "true", "2026-01-01T00:00:00Z", "a"]

    def tree(depth: int) -> str:
        word, said = data.draw(st.sampled_from(words)), data.draw(st.sampled_from(types))
        count = data.draw(st.integers(0, 3)) if depth else 0
        inner = "".join(tree(depth - 1) for _ in range(count)) or data.draw(st.sampled_from(texts))
        return f'<{word}{said} type="Folder">{inner}</{word}>'

    kinds = ["xsd:anyType", "VirtualDeviceConfigSpec", "ObjectSpec", "MethodFault", "OptionValue"]
    kind = data.draw(st.sampled_from(kinds))
    inner = tree(4)
    try:
        read(f"<x{data.draw(st.sampled_from(types))}>{inner}</x>", kind)
    except BadRequest as wrong:
        assert str(wrong)
