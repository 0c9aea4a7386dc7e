"""SOAP 1.1 framing: bytes to a Request, results and faults to bytes. Pure functions, no I/O, no session.

Law: hostile bytes cost a bounded time and memory: size, elements and depth are limited while reading, a DOCTYPE is refused, nothing is
fetched or expanded. Any prefix will do; the method is the first element of the body, whatever SOAPAction says.
"""

from __future__ import annotations

import codecs
import re
from typing import Any, NamedTuple

from lxml import etree

from ..wsdl import CONTRACT, NAMESPACE, MethodFault
from ..wsdl.codec.decode import BadRequest, in_contract, local_name
from ..wsdl.codec.encode import Encoder
from ..wsdl.codec.text import escape

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<soapenv:Envelope xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/"\n'
    f' xmlns:soapenv="{ENVELOPE}"\n'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"\n'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
    "<soapenv:Body>\n"
)
TAIL = "\n</soapenv:Body>\n</soapenv:Envelope>"
_DECLARED = re.compile(rb"\A<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_ENCODINGS = {"utf-8", "utf-16", "utf-16-le", "utf-16-be", "iso8859-1", "ascii", "cp1252", "utf-32"}


class Limits(NamedTuple):
    """What one request may hold."""

    bytes: int = 16 << 20
    elements: int = 500_000
    depth: int = 200


class Request(NamedTuple):
    """One decoded envelope. `method` is the wire name; `element` holds `_this` and the arguments."""

    method: str
    element: Any
    operation_id: str
    session_cookie: str  # of a vcSessionCookie header, else ""


def parse(body: bytes, limits: Limits = Limits()) -> Request:
    """The request in a body. BadRequest says what is wrong with it."""
    root = _document(body, limits)
    if root.tag != f"{{{ENVELOPE}}}Envelope":
        if local_name(root) == "Envelope":
            raise BadRequest("Only SOAP 1.1 envelopes are understood")
        raise BadRequest(f"The document is <{local_name(root)[:80]}>, not a SOAP envelope")
    bodies = [child for child in root if child.tag == f"{{{ENVELOPE}}}Body"]
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
        if header.tag != f"{{{ENVELOPE}}}Header":
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


def _document(body: bytes, limits: Limits) -> Any:
    if len(body) > limits.bytes:
        raise BadRequest(f"The request is larger than {limits.bytes} bytes")
    data = _utf8(body)
    if not data.strip():
        raise BadRequest("The request is empty")
    if b"<!DOCTYPE" in data:
        raise BadRequest("A document type declaration is not allowed")
    parser = etree.XMLPullParser(
        events=("start", "end"), resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    elements = depth = 0
    try:
        for at in range(0, len(data), 1 << 16):
            parser.feed(data[at : at + (1 << 16)])
            for event, _ in parser.read_events():
                if event == "start":
                    elements += 1
                    depth += 1
                    if elements > limits.elements:
                        raise BadRequest(f"XML document element count exceeds configured maximum {limits.elements}")
                    if depth > limits.depth:
                        raise BadRequest(f"XML document depth exceeds configured maximum {limits.depth}")
                else:
                    depth -= 1
        return parser.close()
    except etree.XMLSyntaxError as wrong:
        where = f" at line {wrong.lineno}, column {wrong.offset}" if wrong.lineno else ""
        raise BadRequest(f"The request is not well-formed XML{where}") from None


def _utf8(body: bytes) -> bytes:
    """The body as UTF-8 without its own encoding declaration; only encodings that clients use are read."""
    for mark, name in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
                       (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):  # fmt: skip
        if body.startswith(mark):
            return _transcoded(body, name)
    declared = _DECLARED.match(body)
    if declared is None:
        return body
    try:
        name = codecs.lookup(declared.group(1).decode("ascii")).name
    except LookupError:
        name = ""
    if name == "utf-8":
        return body
    if name not in _ENCODINGS:
        raise BadRequest(f"The encoding {declared.group(1).decode('ascii')} is not understood")
    return _transcoded(body, name)


def _transcoded(body: bytes, encoding: str) -> bytes:
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError:
        raise BadRequest(f"The request is not valid {encoding}") from None
    return re.sub(r"\A<\?xml[^>]{0,200}\?>", "", text).encode("utf-8")


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
