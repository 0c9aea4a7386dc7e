"""The stop of cold operations: spyne declares the services, hosts the documents, runs a call's MethodContext and its events, and
frames reply and fault through a Soap11 of ours that parses with `document` and spells with the codec.

Law: nothing is decided here: the house's own dispatch, given with each call, does the work, and the bytes are the same as
without the stop. Services are declared when their first operation comes, with no ComplexModel at all. Importing this
module imports spyne (about 0.25 s and 15 MB), so import it on first use; without it every operation can go the hot way.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from ..engine.call import Raw
from ..wsdl import NAMESPACE, Contract, Method, MethodFault
from ..wsdl.codec.decode import BadRequest
from ..wsdl.codec.encode import Encoder
from ..wsdl.documents import Documents
from ..wsdl.private import PRIVATE
from . import envelope
from .document import Limits, document
from .spyne_shim import import_spyne

import_spyne()

from spyne import Application, MethodContext, ServiceBase, rpc  # noqa: E402
from spyne.interface import InterfaceDocumentsBase  # noqa: E402
from spyne.model.primitive import AnyXml  # noqa: E402
from spyne.protocol.soap.soap11 import Soap11  # noqa: E402
from spyne.server import ServerBase  # noqa: E402
from spyne.util.appreg import unregister_application  # noqa: E402

__all__ = ["ColdCall", "ColdStop", "Failure", "Framed"]

UNKNOWN = "_"  # the operation that stands for every name the contract lacks
Perform = Callable[[envelope.Request], Awaitable[tuple[Method, Any]]]


class Failure(NamedTuple):
    """What a client is told of an error."""

    fault: MethodFault
    text: str
    code: str = "ServerFaultCode"


class Framed(NamedTuple):
    """An answer ready to leave; `ok` is False for a fault."""

    ok: bool
    body: bytes


class ColdCall:
    """One call at the stop: what spyne's context carries for us (`ctx.udc`)."""

    __slots__ = ("context", "encoder", "failed", "limits", "perform", "request")

    context: MethodContext
    request: envelope.Request
    perform: Perform
    encoder: Encoder
    failed: Callable[[BaseException], Failure]

    def __init__(self, limits: Limits):
        self.limits = limits


class ColdStop:
    """Runs cold calls of one contract, for a server that serves up to `served`."""

    def __init__(self, contract: Contract, served: int, documents: Documents | None = None):
        self._documents = documents or Documents(contract, served)
        self._application = _Application(contract, served, self._documents)
        self._server = _Server(self._application)

    def listen(self, event: str, listener: Callable[[MethodContext], None]) -> None:
        """Hear every cold call: `method_call`, `method_return_object`, `method_exception_object` and the other events of
        spyne. A context has the request in `in_object`, the result in `out_object`, the error in `out_error`."""
        self._application.event_manager.add_listener(event, listener)

    def document(self, name: str, location: str | None = None) -> bytes | None:
        """A document of the interface, as `Documents.get`."""
        return self._application.interface.docs.get(name, location)

    def service(self, owner: str) -> type[ServiceBase]:
        """The service that declares the operations of a managed type; listeners may be put on its `event_manager`."""
        return self._application.service(owner)

    def open(self, body: bytes, limits: Limits = envelope.LIMITS, request: envelope.Request | None = None) -> ColdCall:
        """Parse a body (BadRequest says what is wrong with it), or take a request that is parsed already."""
        call = ColdCall(limits)
        context = call.context = _Context(self._server, MethodContext.SERVER)
        context.udc = call
        if request is None:
            context.in_string = [body]
        else:
            call.request = request
        try:
            [call.context] = self._server.generate_contexts(context)
        except BadRequest as wrong:
            context.out_error = wrong
            context.fire_event("method_exception_object")
            context.close()
            raise
        return call

    async def run(
        self, call: ColdCall, perform: Perform, encoder: Encoder, failed: Callable[[BaseException], Failure]
    ) -> Framed:
        """Do it. `perform` is the house's dispatch and answers (method, result); `failed` says what of an error is told."""
        call.perform, call.encoder, call.failed = perform, encoder, failed
        context, protocol = call.context, self._application.out_protocol
        self._application.in_protocol.deserialize(context, Soap11.REQUEST)
        await self._application.run(context)
        protocol.serialize(context, Soap11.RESPONSE)
        failure = context.out_error is not None
        context.fire_event("method_exception_document" if failure else "method_return_document")
        protocol.create_out_string(context)
        context.fire_event("method_exception_string" if failure else "method_return_string")
        body = b"".join(context.out_string)
        context.close()
        return Framed(not failure, body)


class _Context(MethodContext):
    def close(self) -> None:
        # spyne's own also runs a full garbage collection now and then: seconds, with an inventory in memory.
        self.app.event_manager.fire_event("method_context_closed", self)
        self.is_closed = True


class _Server(ServerBase):
    transport = "urn:vmsdk:house"


class _Application(Application):
    """spyne's application, with services that come into being when they are asked for."""

    def __init__(self, contract: Contract, served: int, documents: Documents):
        self._contract, self._served = contract, served
        self._services: dict[str, type[ServiceBase]] = {}
        super().__init__(
            [], NAMESPACE, name="VimService", in_protocol=_Protocol(), out_protocol=_Protocol(),
            documents_container=lambda interface: _Documents(interface, documents),
        )  # fmt: skip
        unregister_application(self)  # spyne keeps a list of all applications; ours ends with its owner

    def operation(self, name: str) -> Any:
        """spyne's descriptor of an operation, its service declared if need be."""
        method = self._contract.methods.get(name) or PRIVATE.get(name)
        known = method is not None and method.since <= self._served
        service = self.service(method.owner if known and method is not None else UNKNOWN)
        return service.public_methods[name if known else UNKNOWN]

    def service(self, owner: str) -> type[ServiceBase]:
        declared = self._services.get(owner)
        if declared is None:
            declared = self._services[owner] = self._declare(owner)
        return declared

    def _declare(self, owner: str) -> type[ServiceBase]:
        if owner == UNKNOWN:
            names = [UNKNOWN]
        else:
            own = self._contract.managed(owner).own_methods.values()
            names = [m.name for m in (*own, *PRIVATE.values()) if m.owner == owner and m.since <= self._served]
        made: Any = type(f"{owner}Service", (ServiceBase,), {name: _declared(name) for name in names})
        for descriptor in made.public_methods.values():
            self.interface.process_method(made, descriptor)
        return made

    async def run(self, context: MethodContext) -> None:
        """spyne's process_request for operations that answer later."""
        try:
            context.fire_event("method_call")
            context.out_object = [await self.call_wrapper(context)]
            context.protocol = context.outprot_ctx
            context.fire_event("method_return_object")
        except GeneratorExit:
            raise
        except BaseException as error:
            context.out_error = error
            context.protocol = context.outprot_ctx
            context.fire_event("method_exception_object")


def _declared(name: str) -> Any:
    """One operation in spyne's words: an element in, an element out."""

    def operation(ctx: MethodContext, request: envelope.Request) -> Awaitable[tuple[Method, Any]]:
        return ctx.udc.perform(request)

    return rpc(
        AnyXml, _returns=AnyXml, _body_style="bare", _args=["request"], _in_message_name=f"{{{NAMESPACE}}}{name}",
        _out_message_name=f"{{{NAMESPACE}}}{name}Response",
    )(operation)  # fmt: skip


class _Protocol(Soap11):
    """Soap11 with the house's parser, codec and framing."""

    def create_in_document(self, ctx: MethodContext, charset: str | None = None) -> None:
        call: ColdCall = ctx.udc
        if ctx.in_string is not None:
            call.request = envelope.request(document(b"".join(ctx.in_string), call.limits))
        ctx.in_document = call.request.element.getroottree()

    def decompose_incoming_envelope(self, ctx: MethodContext, message: Any = Soap11.REQUEST) -> None:
        request: envelope.Request = ctx.udc.request
        ctx.in_body_doc = request.element
        ctx.method_request_string = f"{{{NAMESPACE}}}{request.method}"

    def get_call_handles(self, ctx: MethodContext) -> list[Any]:
        return [self.app.operation(ctx.udc.request.method)]

    def deserialize(self, ctx: MethodContext, message: Any) -> None:
        self.event_manager.fire_event("before_deserialize", ctx)
        ctx.in_object = [ctx.udc.request]
        self.event_manager.fire_event("after_deserialize", ctx)

    def serialize(self, ctx: MethodContext, message: Any) -> None:
        call: ColdCall = ctx.udc
        self.event_manager.fire_event("before_serialize", ctx)
        if ctx.out_error is None:
            try:
                [(method, result)] = ctx.out_object
                ctx.out_document = _answer(call.encoder, method, result)
            except Exception as error:  # a value that cannot be spelled is an error of the call like any other
                ctx.out_error = error
        if ctx.out_error is not None:
            ctx.out_document = envelope.fault(call.encoder, *call.failed(ctx.out_error))
        self.event_manager.fire_event("after_serialize", ctx)

    def create_out_string(self, ctx: MethodContext, charset: str | None = None) -> None:
        ctx.out_string = [ctx.out_document]


def _answer(encoder: Encoder, method: Method, result: Any) -> bytes:
    if isinstance(result, Raw):
        return envelope.response(method.name, result)
    return envelope.result(encoder, method.name, method.result, method.result_array, result)


class _Documents(InterfaceDocumentsBase):
    """The interface's documents: ours, made from the registry."""

    def __init__(self, interface: Any, documents: Documents):
        super().__init__(interface, wsdl11=None)
        self.get = documents.get
