"""Bytes of strangers to an lxml tree, at a bounded cost.

Law: what a document may cost is judged before and while it is parsed: its size, then upper bounds of its elements and
attributes by counting bytes, then libxml2's own caps (depth, names, text). A DOCTYPE is refused, so there is nothing
to expand or fetch. Every refusal is a BadRequest with a sentence.
"""

from __future__ import annotations

import ctypes
import re
from typing import Any, NamedTuple

from lxml import etree

from ..wsdl.codec.decode import BadRequest

_DECLARATION = re.compile(rb"\A<\?xml\s[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_BOMS = (
    (b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"), (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)  # fmt: skip
_FIRST_OF_BOM = frozenset(mark[:1] for mark, _ in _BOMS)
# Encodings that clients use. A table, because codecs.lookup() keeps every name it was ever asked for.
_ENCODINGS = {
    "utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "ascii", "ascii": "ascii", "iso-8859-1": "latin-1",
    "latin1": "latin-1", "windows-1252": "cp1252", "cp1252": "cp1252", "utf-16": "utf-16", "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
}  # fmt: skip
_SCOPE = 256  # namespace declarations around one element; resolving xsi:type walks them all
_RECYCLE = 64 << 20  # bytes of documents after which libxml2's table of names is thrown away


class Limits(NamedTuple):
    """What one request may hold. `depth` can be no more than 256, which is libxml2's own cap."""

    bytes: int = 16 << 20
    elements: int = 500_000
    attributes: int = 500_000
    attributes_of_one: int = 1_000
    depth: int = 200


def document(body: bytes, limits: Limits) -> Any:
    """The root element."""
    if len(body) > limits.bytes:
        raise BadRequest(f"The request is larger than {limits.bytes} bytes")
    data = _utf8(body)
    if not data or data.isspace():
        raise BadRequest("The request is empty")
    if b"\0" in data:
        raise BadRequest("The request holds NUL bytes")
    if b"<!DOCTYPE" in data:
        raise BadRequest("A document type declaration is not allowed")
    elements = data.count(b"<") - data.count(b"</")
    if elements > limits.elements:
        raise BadRequest(f"XML document element count exceeds configured maximum {limits.elements}")
    _judge_attributes(data, limits)
    try:
        root = _PARSER.parse(data)
    except etree.XMLSyntaxError as wrong:
        said = " ".join(str(wrong.msg).replace(", try XML_PARSE_HUGE", "").split())
        if "depth" in said:
            raise BadRequest(f"XML document depth exceeds configured maximum {limits.depth}") from None
        raise BadRequest(f"The request is not well-formed XML: {said[:200]}") from None
    if elements > limits.depth:
        _judge_depth(root, limits)
    if data.count(b"xmlns") > _SCOPE:
        _judge_scope(root)
    return root


def _judge_attributes(data: bytes, limits: Limits) -> None:
    equals = data.count(b"=")
    if equals <= limits.attributes_of_one:
        return
    if equals > limits.attributes:
        raise BadRequest(f"XML document attribute count exceeds configured maximum {limits.attributes}")
    # No `<` may stand in an attribute, so a tag ends before the next one. (Text with as many `=` is refused with it
    # only where it is no tag's at all.)
    at = data.find(b"<")
    while at >= 0:
        following = data.find(b"<", at + 1)
        end = following if following >= 0 else len(data)
        if end - at > 5 * limits.attributes_of_one and _attributes(data[at:end]) > limits.attributes_of_one:
            raise BadRequest(f"An element has more than {limits.attributes_of_one} attributes")
        at = following


def _attributes(tag_and_text: bytes) -> int:
    """Attributes of the tag at the start of some bytes; quoted values may hold `>`."""
    tag = re.match(rb"<[^>\"']*(?:\"[^\"]*\"[^>\"']*|'[^']*'[^>\"']*)*", tag_and_text)
    return tag.group().count(b"=") if tag else 0


def _judge_depth(root: Any, limits: Limits) -> None:
    level, depth = [root], 0
    while level:
        depth += 1
        if depth > limits.depth:
            raise BadRequest(f"XML document depth exceeds configured maximum {limits.depth}")
        level = [child for parent in level for child in parent if len(child) or depth == limits.depth]


def _judge_scope(root: Any) -> None:
    declared = 0
    for event, _ in etree.iterwalk(root, events=("start-ns", "end-ns")):
        declared += 1 if event == "start-ns" else -1
        if declared > _SCOPE:
            raise BadRequest(f"More than {_SCOPE} namespaces are declared around one element")


class _Parser:
    """One lxml parser for all documents of this thread: making one costs more than most requests.

    libxml2 keeps every name it ever met in a table that lxml ties to the thread: names that a stranger made up would
    stay for ever (measured: 1.4 MB of 1.2 MB). So it is dropped now and then; trees in use hold their own.
    """

    def __init__(self) -> None:
        self._parser = self._made()
        self._read = 0

    def parse(self, data: bytes) -> Any:
        self._read += len(data)
        if self._read > _RECYCLE:
            self._read = 0
            _drop_names()
            self._parser = self._made()
        return etree.fromstring(data, self._parser)

    @staticmethod
    def _made() -> etree.XMLParser:
        return etree.XMLParser(
            encoding="utf-8", resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False,
            dtd_validation=False, remove_comments=True, remove_pis=True, collect_ids=False,
        )  # fmt: skip


def _drop_names() -> None:
    """Make lxml begin a new table of names for this thread. With an lxml that keeps it elsewhere nothing happens."""
    thread_state = ctypes.pythonapi.PyThreadState_GetDict
    thread_state.restype, thread_state.argtypes = ctypes.c_void_p, ()
    address = thread_state()
    if address:
        ctypes.cast(address, ctypes.py_object).value.pop("_ParserDictionaryContext", None)


_PARSER = _Parser()


def _utf8(body: bytes) -> bytes:
    """The body as UTF-8. A byte order mark says more than the declaration does."""
    for mark, name in _BOMS if body[:1] in _FIRST_OF_BOM else ():
        if body.startswith(mark):
            return body[len(mark) :] if name == "utf-8" else _transcoded(body, name)
    declared = _DECLARATION.match(body)
    if declared is None:
        return body
    said = declared.group(1).decode("ascii")
    known = _ENCODINGS.get(said.lower())
    if known is None:
        raise BadRequest(f"The encoding {said} is not understood")
    return body if known == "utf-8" else _transcoded(body, known)


def _transcoded(body: bytes, encoding: str) -> bytes:
    try:
        return body.decode(encoding).encode("utf-8")
    except UnicodeError:
        raise BadRequest(f"The request is not valid {encoding}") from None
