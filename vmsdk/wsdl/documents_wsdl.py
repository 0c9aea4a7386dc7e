"""Operations of the contract as WSDL 1.1 text: `vim.wsdl` (what there is) and `vimService.wsdl` (where it is).

Law: written from the registry alone. Document/literal; the soapAction is `urn:vim25/` and the served version. Private
methods that clients call (`Fetch`) are in no document.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from xml.sax.saxutils import quoteattr

from .documents_schema import HEAD, SCHEMA, XSD, SchemaWriter
from .registry import NAMESPACE, Method

_WSDL = "http://schemas.xmlsoap.org/wsdl/"
_SOAP = "http://schemas.xmlsoap.org/wsdl/soap/"
_SERVICE = "urn:vim25Service"


def request_type(method: str) -> str:
    """The name of a method's request type: `PowerOnVM_Task` has `PowerOnVMRequestType`."""
    return method.removesuffix("_Task") + "RequestType"


def elements(writer: SchemaWriter, methods: Iterable[Method], faults: Iterable[str]) -> Iterator[str]:
    """The global elements: requests, answers, fault details."""
    yield '<element name="versionURI" type="xsd:string"/>\n'
    for method in methods:
        yield f'<element name="{method.name}" type="vim25:{request_type(method.name)}"/>\n'
        result = ""
        if method.result != "void":
            kind, optional = writer.spelled(method.result), method.result_optional and not method.is_task
            result = writer.element("returnval", kind, optional, method.result_array)
        content = f"<sequence>\n{result}</sequence>" if result else ""
        yield f'<element name="{method.name}Response">\n<complexType>{content}</complexType>\n</element>\n'
    for fault in faults:
        yield f'<element name="{fault}Fault" type="vim25:{fault}"/>\n'


def vim_wsdl(writer: SchemaWriter, version: str, methods: Sequence[Method], faults: Sequence[str]) -> str:
    """`vim.wsdl`: elements, messages, port type, binding. `version` as clients write it: `8.0.3.0`."""
    action = f"{NAMESPACE}/{version}"
    out = [
        f'{HEAD}<definitions targetNamespace="{NAMESPACE}" xmlns="{_WSDL}" '
        f'xmlns:soap="{_SOAP}" xmlns:vim25="{NAMESPACE}" xmlns:xsd="{XSD}">\n<types>\n{SCHEMA}'
        '<include schemaLocation="query-messagetypes.xsd"/>\n<include schemaLocation="vim-messagetypes.xsd"/>\n',
        *elements(writer, methods, faults),
        "</schema>\n</types>\n",
        *(_message(f"{fault}FaultMsg", "fault", f"{fault}Fault") for fault in faults),
    ]
    for method in methods:
        out.append(_message(f"{method.name}RequestMsg", "parameters", method.name))
        out.append(_message(f"{method.name}ResponseMsg", "parameters", f"{method.name}Response"))
    out.append('<portType name="VimPortType">\n')
    known = frozenset(faults) - {"RuntimeFault"}
    declared = {m.name: [*(f for f in m.faults if f in known), "RuntimeFault"] for m in methods}
    for method in methods:
        out.append(
            f'<operation name="{method.name}">\n<input message="vim25:{method.name}RequestMsg"/>\n'
            f'<output message="vim25:{method.name}ResponseMsg"/>\n'
        )
        out += (f'<fault name="{f}" message="vim25:{f}FaultMsg"/>\n' for f in declared[method.name])
        out.append("</operation>\n")
    out.append(
        '</portType>\n<binding name="VimBinding" type="vim25:VimPortType">\n'
        '<soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>\n'
    )
    for method in methods:
        out.append(
            f'<operation name="{method.name}">\n<soap:operation soapAction="{action}" style="document"/>\n'
            '<input><soap:body use="literal"/></input>\n<output><soap:body use="literal"/></output>\n'
        )
        out += (f'<fault name="{f}"><soap:fault name="{f}" use="literal"/></fault>\n' for f in declared[method.name])
        out.append("</operation>\n")
    out.append("</binding>\n</definitions>\n")
    return "".join(out)


def _message(name: str, part: str, element: str) -> str:
    return f'<message name="{name}"><part name="{part}" element="vim25:{element}"/></message>\n'


def service_wsdl(location: str) -> str:
    """`vimService.wsdl`: the service and its address."""
    return (
        f'{HEAD}<definitions targetNamespace="{_SERVICE}" xmlns="{_WSDL}" xmlns:soap="{_SOAP}" '
        f'xmlns:interface="{NAMESPACE}">\n<import location="vim.wsdl" namespace="{NAMESPACE}"/>\n'
        '<service name="VimService">\n<port binding="interface:VimBinding" name="VimPort">\n'
        f"<soap:address location={quoteattr(location)}/>\n</port>\n</service>\n</definitions>\n"
    )
