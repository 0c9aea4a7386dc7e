"""The most used client library reads what we send: every type, at several versions of the contract."""

from __future__ import annotations

import io

import pytest
from pyVmomi import SoapAdapter
from pyVmomi.VmomiSupport import GetVmodlType

from vmsdk.soap import envelope
from vmsdk.wsdl import CONTRACT, MoRef, vim
from vmsdk.wsdl.codec.encode import Encoder

from .contract_values import SAMPLES, filled

# Some texts name a type; pyVmomi wants those to exist.
TEXTS = {**SAMPLES, "xsd:string": "VirtualMachine"}
UNSAID = {"DynamicData", "DynamicArray", "DynamicProperty", "LocalizedMethodFault"}


@pytest.mark.parametrize(
    ("version", "its_name"), [("4.0", "version5"), ("5.5", "version9"), ("8.0.3.0", "v8_0_3_0")], ids=lambda v: v
)
def test_pyvmomi_reads_every_type_with_every_member(version: str, its_name: str):
    known = CONTRACT.versions.index(version)
    encoder = Encoder(known)
    stub = SoapAdapter.SoapStubAdapter("nowhere.invalid", version=f"vim.version.{its_name}")
    result = GetVmodlType("vmodl.query.PropertyCollector.ObjectContent[]")
    for name in CONTRACT.names("data"):
        kind = CONTRACT.data(name)
        if kind.since > known or name in UNSAID:
            continue
        value = vim.DynamicProperty(name="x", val=filled(name, CONTRACT.default_version, samples=TEXTS))
        held = vim.ObjectContent(obj=MoRef("VirtualMachine", "1"), propSet=[value])
        body = envelope.result(encoder, "RetrieveProperties", "ObjectContent", True, [held])
        [content] = SoapAdapter.SoapResponseDeserializer(stub).Deserialize(io.BytesIO(body), result)
        read = content.propSet[0].val
        assert read._wsdlName == name
        for member in kind.fields:
            if member.since <= known:
                got = getattr(read, member.name)
                assert got is not None and not (isinstance(got, list) and not got), (name, member)
