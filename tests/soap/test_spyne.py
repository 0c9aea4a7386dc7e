"""The stop of cold operations: it changes no byte, and whoever listens hears every call."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from tests.wsdl.contract_values import SAMPLES, filled
from vmsdk.engine.call import Raw
from vmsdk.soap import envelope
from vmsdk.soap.document import Limits
from vmsdk.soap.hot import HOT
from vmsdk.soap.spyne import ColdStop, Failure, Framed
from vmsdk.soap.spyne_shim import import_spyne
from vmsdk.wsdl import CONTRACT, DataType, Method, MethodFault, MoRef, vim
from vmsdk.wsdl.codec.decode import BadRequest, Decoder
from vmsdk.wsdl.codec.encode import Encoder
from vmsdk.wsdl.private import PRIVATE
from vmsdk.wsdl.registry import EnumType

SERVED = CONTRACT.default_version
ROOT = Path(__file__).parents[2]
WIRE = ROOT / "tests" / "wire" / "requests.jsonl"
RECORDED = [json.loads(line) for line in WIRE.read_text(encoding="utf-8").split("\n") if line]


class House:
    """Stands for dispatch: decodes, remembers the arguments, answers with a sample of what the contract declares."""

    def __init__(self, raises: bool = False) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._raises = raises

    async def perform(self, request: envelope.Request) -> tuple[Method, Any]:
        method = CONTRACT.methods.get(request.method) or PRIVATE.get(request.method)
        if method is None:
            raise vim.MethodNotFound(receiver=MoRef("ServiceInstance", "ServiceInstance"), method=request.method)
        self.asked.append((method.name, Decoder(SERVED).arguments(request.element, method.params)))
        if self._raises:
            raise getattr(vim, method.faults[0] if method.faults else "NotSupported")(msg="It <did> not work")
        return method, sample(method)


def sample(method: Method) -> Any:
    kind = CONTRACT.get(method.result)
    value: Any
    if method.name == "Fetch":
        return Raw('<returnval xsi:type="xsd:int">5</returnval>')
    if method.result == "void":
        return None
    if isinstance(kind, DataType):
        value = filled(kind.name, SERVED)
    elif isinstance(kind, EnumType):
        value = min(kind.values)
    else:
        value = SAMPLES.get(method.result, MoRef(method.result, "x-1"))
    return [value, value] if method.result_array else value


def told(error: BaseException) -> Failure:
    fault = error if isinstance(error, MethodFault) else vim.SystemError(reason=str(error))
    return Failure(fault, fault.msg)


def waited(answer: Awaitable[Any]) -> Any:
    """The result of a coroutine that waits for nothing outside."""
    found: list[Any] = []
    Deferred.fromCoroutine(answer).addBoth(found.append)  # type: ignore[arg-type]
    assert found, "it is still waiting"
    if hasattr(found[0], "raiseException"):
        found[0].raiseException()
    return found[0]


def without_the_stop(body: bytes, house: House, encoder: Encoder) -> Framed:
    try:
        method, result = waited(house.perform(envelope.parse(body)))
        if isinstance(result, Raw):
            return Framed(True, envelope.response(method.name, result))
        return Framed(True, envelope.result(encoder, method.name, method.result, method.result_array, result))
    except MethodFault as fault:
        return Framed(False, envelope.fault(encoder, fault, fault.msg))


@pytest.fixture
def stop() -> ColdStop:
    return ColdStop(CONTRACT, SERVED)


def login(name: str = "root") -> bytes:
    row = next(r for r in RECORDED if r["operation"] == "Login")
    return row["body"].replace("root", name).encode()


@pytest.mark.parametrize("version", ["5.5", "8.0.3.0"])
@pytest.mark.parametrize("raises", [False, True], ids=["answers", "faults"])
def test_what_clients_sent_gets_equal_bytes_with_the_stop_and_without(version: str, raises: bool):
    stop, encoder = ColdStop(CONTRACT, SERVED), Encoder(CONTRACT.versions.index(version))
    for row in RECORDED:
        body = row["body"].encode()
        direct, through = House(raises), House(raises)
        expected = without_the_stop(body, direct, encoder)
        got = waited(stop.run(stop.open(body), through.perform, encoder, told))
        assert got == expected, row["operation"]
        assert through.asked == direct.asked


def test_a_listener_hears_every_cold_call(stop: ColdStop):
    heard: list[tuple[str, str]] = []
    for event in ("method_call", "method_return_object", "method_exception_object", "method_context_closed"):
        stop.listen(event, lambda ctx, event=event: heard.append((event, ctx.udc.request.method)))
    names = ["Login", "Logout", "PowerOnVM_Task", "CreateVM_Task", "DynamicTypeMgrQueryTypeInfo"]
    bodies = [next(r["body"] for r in RECORDED if r["operation"] == name).encode() for name in names]
    for body in bodies:
        waited(stop.run(stop.open(body), House().perform, Encoder(SERVED), told))
    answered = ["method_call", "method_return_object", "method_context_closed"]
    expected = [(event, name) for name in names[:-1] for event in answered]
    failed = ["method_call", "method_exception_object", "method_context_closed"]
    assert heard == expected + [(event, names[-1]) for event in failed]


def test_a_listener_sees_request_result_and_error(stop: ColdStop):
    seen: list[Any] = []
    stop.listen("method_call", lambda ctx: seen.append((ctx.descriptor.name, ctx.in_object[0].method)))
    stop.listen("method_return_object", lambda ctx: seen.append(ctx.out_object[0][1]))
    stop.listen("method_exception_object", lambda ctx: seen.append(ctx.out_error))
    waited(stop.run(stop.open(login()), House().perform, Encoder(SERVED), told))
    waited(stop.run(stop.open(login()), House(raises=True).perform, Encoder(SERVED), told))
    named, session, _, error = seen
    assert named == ("Login", "Login")
    assert (type(session).__name__, type(error).__name__) == ("UserSession", CONTRACT.methods["Login"].faults[0])


def test_a_listener_of_one_service_hears_only_its_calls(stop: ColdStop):
    heard: list[str] = []
    stop.service("VirtualMachine").event_manager.add_listener("method_call", lambda ctx: heard.append(ctx.descriptor.name))
    power_on = next(r["body"] for r in RECORDED if r["operation"] == "PowerOnVM_Task").encode()
    for body in (login(), power_on):
        waited(stop.run(stop.open(body), House().perform, Encoder(SERVED), told))
    assert heard == ["PowerOnVM_Task"]


def test_a_listener_that_raises_refuses_the_call(stop: ColdStop):
    def refuse(ctx: Any) -> None:
        raise vim.NoPermission(object=MoRef("Folder", "f"), privilegeId="System.View", msg="not here")

    stop.listen("method_call", refuse)
    house = House()
    framed = waited(stop.run(stop.open(login()), house.perform, Encoder(SERVED), told))
    assert (framed.ok, house.asked) == (False, [])
    assert b"<NoPermissionFault" in framed.body and b"not here" in framed.body


def test_an_operation_that_answers_later_is_waited_for(stop: ColdStop):
    later: Deferred[Any] = Deferred()

    async def perform(request: envelope.Request) -> tuple[Method, Any]:
        return CONTRACT.methods["Logout"], await later

    done: list[Framed] = []
    logout = next(r["body"] for r in RECORDED if r["operation"] == "Logout").encode()
    Deferred.fromCoroutine(stop.run(stop.open(logout), perform, Encoder(SERVED), told)).addCallback(done.append)
    assert done == []
    later.callback(None)
    assert done[0].ok and b"<LogoutResponse" in done[0].body


def test_a_value_that_cannot_be_spelled_is_a_fault_not_a_crash(stop: ColdStop):
    async def perform(request: envelope.Request) -> tuple[Method, Any]:
        return CONTRACT.methods["Login"], "no session"

    framed = waited(stop.run(stop.open(login()), perform, Encoder(SERVED), told))
    assert not framed.ok and b"SystemErrorFault" in framed.body


def test_what_is_no_request_is_refused_before_a_call_begins(stop: ColdStop):
    failed: list[BaseException] = []
    stop.listen("method_exception_object", lambda ctx: failed.append(ctx.out_error))
    with pytest.raises(BadRequest, match="not well-formed"):
        stop.open(b"<a")
    with pytest.raises(BadRequest, match="larger than 10 bytes"):
        stop.open(login(), Limits(bytes=10))
    assert len(failed) == 2


def test_a_request_parsed_already_is_taken_as_it_is(stop: ColdStop):
    request = envelope.parse(login())
    call = stop.open(b"", request=request)
    assert call.request is request
    assert waited(stop.run(call, House().perform, Encoder(SERVED), told)).ok


def test_there_is_one_service_for_each_managed_type_and_no_complex_model():
    from spyne.model.complex import ComplexModelBase

    def models() -> int:
        gc.collect()
        return sum(1 for o in gc.get_objects() if isinstance(o, type) and issubclass(o, ComplexModelBase))

    stop = ColdStop(CONTRACT, SERVED)
    before = models()
    declared = {name for owner in CONTRACT.names("managed") for name in stop.service(owner).public_methods}
    served = {m.name for m in CONTRACT.methods.values() if m.since <= SERVED}
    assert declared == served | set(PRIVATE)
    assert models() == before


def test_the_interface_documents_are_those_of_the_registry(stop: ColdStop):
    assert b"VimPortType" in (stop.document("vim.wsdl") or b"")
    assert b"https://here/sdk" in (stop.document("vimService.wsdl", "https://here/sdk") or b"")
    assert stop.document("nothing.wsdl") is None


def test_hot_operations_are_operations_of_the_contract():
    assert HOT - set(PRIVATE) <= set(CONTRACT.methods)


def test_nothing_imports_spyne_before_the_first_cold_call():
    program = "import sys, vmsdk.soap.envelope, vmsdk.soap.hot, vmsdk.wsdl.documents; print('spyne' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "False"


def test_the_shim_leaves_nothing_behind_that_others_could_find():
    """A stand-in for the lost `cgi` must not look like the real one to anybody else."""
    program = "import sys, vmsdk.soap.spyne; print('cgi' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "False"


def test_what_it_leaves_in_the_import_system_has_the_present_form():
    import_spyne()
    assert all(hasattr(finder, "find_spec") for finder in sys.meta_path)
