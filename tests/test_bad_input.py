"""Bodies that no honest client sends, against a real daemon under a memory limit: a typed fault each, and it goes on serving."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import pytest
from lxml import etree

from tests.soap.hostile import GOOD, READ, cases, framed
from tests.vmctld_process import Vmctld, vmctld

MB = 1 << 20
ADDRESS_SPACE = 1500 * MB
PEAK = 400 * MB


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    with vmctld(tmp_path_factory.mktemp("bad"), "--machines", "3", memory=ADDRESS_SPACE) as running:
        yield running


def faulted(status: int, body: bytes) -> str:
    """The type of the fault in an answer."""
    assert status == 500, (status, body[:300])
    [fault] = etree.fromstring(body).iter("{http://schemas.xmlsoap.org/soap/envelope/}Fault")
    [detail] = fault.find("detail")
    assert fault.findtext("faultstring"), "a fault says what was wrong"
    return detail.get("{http://www.w3.org/2001/XMLSchema-instance}type")


def answers(daemon: Vmctld) -> None:
    """It still lets someone in."""
    status, body = daemon.post(GOOD)
    assert (status, b"<LoginResponse" in body) == (200, True)


@pytest.mark.parametrize(("name", "expected", "made"), [pytest.param(*case, id=case[0]) for case in cases()])
def test_a_hostile_body_gets_a_typed_fault_or_is_read_as_it_says(daemon, name, expected, made):
    bodies = made() if callable(made) else made
    for body in bodies if isinstance(bodies, list) else [bodies]:
        try:
            status, text = daemon.post(body)
        except (BrokenPipeError, ConnectionResetError):
            assert len(body) > 16 * MB, "only what is far too large is cut off"
            continue
        if status == 413:
            assert len(body) > 16 * MB
        elif expected == READ:
            assert status == 200 or faulted(status, text) not in ("SystemError",)
        else:
            assert faulted(status, text) in ("InvalidRequest", "InvalidType", "MethodNotFound", "InvalidArgument", "NotAuthenticated",
                                             "ManagedObjectNotFound", "InvalidLogin")  # fmt: skip
    answers(daemon)


@pytest.mark.parametrize(
    ("name", "headers", "body"),
    [
        (
            "28 multipart",
            {"Content-Type": "multipart/related; boundary=x"},
            b"--x\r\nContent-Type: text/xml\r\n\r\n" + GOOD + b"\r\n--x--",
        ),
        ("28 JSON", {"Content-Type": "application/json"}, b"{}"),
        ("29 gzip", {"Content-Encoding": "gzip"}, gzip.compress(GOOD)),
        ("29 deflate", {"Content-Encoding": "deflate"}, zlib.compress(GOOD)),
        ("29 br", {"Content-Encoding": "br"}, b"\x0b\x02\x80hello\x03"),
        ("29 a bomb", {"Content-Encoding": "gzip"}, gzip.compress(b"<a>" * (64 * MB // 3))),
        ("29 gzip in gzip", {"Content-Encoding": "gzip, gzip"}, gzip.compress(gzip.compress(GOOD))),
    ],
)
def test_a_body_in_wrappings_is_refused_in_words(daemon, name, headers, body):
    assert faulted(*daemon.post(body, **headers)) == "InvalidRequest"
    answers(daemon)


def test_the_soap_action_does_not_matter(daemon):
    for action in ('"urn:vim25/99.9"', "urn:vim25#Logout", "vim25", '""', "x" * 20_000, "urn:vim25/" + "9." * 5000):
        status, body = daemon.post(GOOD, SOAPAction=action)
        assert (status, b"<LoginResponse" in body) == (200, True)


def test_a_document_type_is_refused_and_nothing_is_read_from_disk(daemon):
    entity = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    body = framed('<Login xmlns="urn:vim25"><_this type="SessionManager">&x;</_this></Login>', before=entity)
    status, text = daemon.post(body)
    assert faulted(status, text) == "InvalidRequest"
    assert b"root:" not in text


def test_its_memory_never_went_far(daemon):
    assert daemon.memory("VmHWM") < PEAK, f"{daemon.memory('VmHWM') // MB} MB"


def test_more_sessions_than_it_holds_end_in_a_typed_refusal(tmp_path: Path):
    with vmctld(tmp_path, "--max-sessions", "20") as daemon:
        outcomes = [daemon.post(GOOD) for _ in range(25)]
    assert [status for status, _ in outcomes] == [200] * 20 + [500] * 5
    assert {faulted(*outcome) for outcome in outcomes[20:]} == {"SystemError"}
