"""SOAP 1.1 framing: bytes to a Request, results and faults to bytes. Pure functions, no I/O, no session.

Law: any prefix will do; the method is the one element of the body, whatever SOAPAction says. What hostile bytes may
cost is bounded in `document`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..wsdl import CONTRACT, NAMESPACE, MethodFault
from ..wsdl.codec.decode import BadRequest, in_contract, local_name
from ..wsdl.codec.encode import Encoder
from ..wsdl.codec.text import escape
from .document import Limits, document

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<soapenv:Envelope xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/"\n'
    f' xmlns:soapenv="{ENVELOPE}"\n'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"\n'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
    "<soapenv:Body>\n"
)
LIMITS = Limits()
_ENVELOPE, _HEADER, _BODY = (f"{{{ENVELOPE}}}{name}" for name in ("Envelope", "Header", "Body"))
TAIL = "\n</soapenv:Body>\n</soapenv:Envelope>"


class Request(NamedTuple):
    """One decoded envelope. `method` is the wire name; `element` holds `_this` and the arguments."""

    method: str
    element: Any
    operation_id: str
    session_cookie: str  # of a vcSessionCookie header, else ""


def parse(body: bytes, limits: Limits = LIMITS) -> Request:
    """The request in a body. BadRequest says what is wrong with it."""
    return request(document(body, limits))


def request(root: Any) -> Request:
    """The request in a parsed envelope."""
    if root.tag != _ENVELOPE:
        if local_name(root) == "Envelope":
            raise BadRequest("Only SOAP 1.1 envelopes are understood")
        raise BadRequest(f"The document is <{local_name(root)[:80]}>, not a SOAP envelope")
    bodies = [child for child in root if child.tag == _BODY]
    if len(bodies) != 1:
        raise BadRequest("A SOAP envelope has one Body" if bodies else "The SOAP envelope has no Body")
    operations = [child for child in bodies[0] if isinstance(child.tag, str)]
    if not operations:
        raise BadRequest("The SOAP Body is empty")
    if len(operations) > 1:
        raise BadRequest("The SOAP Body holds more than one element")
    element = operations[0]
    if not in_contract(element):
        raise BadRequest(f"The namespace of {local_name(element)[:80]} is not {NAMESPACE}")
    return Request(local_name(element), element, *_headers(root))


def _headers(root: Any) -> tuple[str, str]:
    operation_id = session = ""
    for header in root:
        if header.tag != _HEADER:
            continue
        for entry in header:
            name = local_name(entry)
            if name == "operationID":
                operation_id = (entry.text or "").strip()[:256]
            elif name == "vcSessionCookie":
                session = (entry.text or "").strip()[:256]
            elif entry.get(f"{{{ENVELOPE}}}mustUnderstand") in ("1", "true"):
                raise BadRequest(f"The header {name[:80]} must be understood, and is not")
    return operation_id, session


# -- answers --------------------------------------------------------------------------------------------------


def response(method: str, inner: str) -> bytes:
    """A successful answer; `inner` is the encoded `<returnval>…` or empty."""
    return f'{HEAD}<{method}Response xmlns="{NAMESPACE}">{inner}</{method}Response>{TAIL}'.encode("utf-8", "replace")


def result(encoder: Encoder, method: str, kind: str, array: bool, value: Any) -> bytes:
    """A successful answer of a declared type."""
    out: list[str] = []
    if kind != "void":
        encoder.member("returnval", kind, array, value, out.append)
    return response(method, "".join(out))


def fault(encoder: Encoder, error: MethodFault, text: str, code: str = "ServerFaultCode") -> bytes:
    """A fault with its typed detail. `text` is the sentence for people."""
    sent = encoder.nearest(error._type) or CONTRACT.data("RuntimeFault")
    out: list[str] = []
    encoder.fields(error, out.append)
    return (
        f"{HEAD}<soapenv:Fault><faultcode>{code}</faultcode><faultstring>{escape(text)}</faultstring><detail>"
        f'<{sent.name}Fault xmlns="{NAMESPACE}" xsi:type="{sent.name}">{"".join(out)}</{sent.name}Fault>'
        f"</detail></soapenv:Fault>{TAIL}"
    ).encode("utf-8", "replace")
