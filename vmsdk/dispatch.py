"""From a decoded request to its effect: session, object, method, arguments, privilege, claim, Task.

Law: what is found here is thrown; what the method raises is the task's error. An operation contains no request, reply, lock or
thread. An answer leaves after everything it acknowledges is on disk.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.defer import CancelledError
from twisted.logger import Logger

from .collector.paths import evaluate
from .collector.reader import Reader
from .engine import privileges
from .engine.call import Call, Raw
from .engine.claims import Claims
from .engine.inventory import Inventory
from .engine.managed_object import ManagedObject
from .engine.permissions import Permissions
from .engine.spawn import Nursery
from .engine.tasks import TaskHandle, Tasks
from .wsdl import CONTRACT, Contract, Method, MoRef, vim
from .wsdl.codec.decode import BadRequest, Decoder, local_name
from .wsdl.private import PRIVATE

log = Logger()


class Dispatch:
    """Runs operations on the faces of an inventory. `fault_of` makes a fault of any error; `flushed` waits for the store."""

    def __init__(
        self,
        served: int,
        inventory: Inventory,
        permissions: Permissions,
        claims: Claims,
        tasks: Tasks,
        nursery: Nursery,
        reader: Reader,
        fault_of: Callable[[BaseException], Any],
        flushed: Callable[[], Awaitable[None] | None],
        contract: Contract = CONTRACT,
    ):
        self.served, self._inventory, self._permissions, self._claims = served, inventory, permissions, claims
        self._tasks, self._nursery, self._reader, self._fault_of, self._flushed = tasks, nursery, reader, fault_of, flushed
        self._contract = contract
        self._decoder = Decoder(served, contract)

    def perform(self, name: str, element: Any, call: Call, newer_client: bool = False) -> tuple[Method, Any]:
        """(method, its result or an awaitable of it). `element` holds `_this` and the arguments. Raises faults and BadRequest.

        A client newer than the server may say members that no contract of ours has: they are read over."""
        method = PRIVATE.get(name) or self._contract.methods.get(name)
        this = next((child for child in element if local_name(child) == "_this"), None)
        if method is None or method.since > call.version:
            raise self._unknown(name, call, this)
        if this is None:
            raise BadRequest("Required parameter _this is missing", "_this")
        ref = self._decoder.reference(this)
        anonymous = method.privilege == privileges.ANONYMOUS
        if call.session is None and not anonymous:
            raise vim.NotAuthenticated(object=ref, privilegeId=method.privilege or "System.View")
        face = self._inventory.find(ref, call.session)
        if not (method.owner == "ManagedObject" or face.kind.descends_from(method.owner)):
            raise vim.MethodNotFound(receiver=ref, method=method.name)
        function = face.operations.get(method.name)
        if function is None and method.name != "Fetch":
            raise vim.NotImplemented()
        arguments = self._decoder.arguments(element, method.params, newer_client)
        if function is None:
            return method, self._fetch(face, arguments["prop"], call)
        self._judge(method, face, arguments, call)
        if method.is_task:
            return method, self._task(method, function, face, arguments, call)
        if "TaskInProgress" in method.faults:
            self._claims.check(face.ref)
        return method, function(face, call, **arguments)

    def _unknown(self, name: str, call: Call, this: Any) -> Exception:
        spoken = self._contract.versions[call.version]
        text = f"Unable to resolve WSDL method name {name[:80]} in version {spoken} (vim25/{spoken})"
        try:
            receiver = self._decoder.reference(this) if this is not None else MoRef("ServiceInstance", "ServiceInstance")
        except BadRequest:
            receiver = MoRef("ServiceInstance", "ServiceInstance")
        return vim.MethodNotFound(receiver=receiver, method=name[:80], msg=text)

    def _fetch(self, face: ManagedObject, name: str, call: Call) -> Any:
        path = self._reader.paths.judge(face.kind, name, call.version)
        if not (face.ref.type == "ServiceInstance" and path.steps[0].name == "content"):
            fault = self._permissions.refusal(call, face, path.privilege)
            if fault is not None:
                raise fault
        self._reader.graph.settle()
        value = evaluate(face, path, call)
        if value is None:
            return Raw()
        return Raw(self._reader.encoder(call.version).value("returnval", path.kind, path.array, value))

    # -- may it ----------------------------------------------------------------------------------------------

    def _judge(self, method: Method, face: ManagedObject, arguments: dict[str, Any], call: Call) -> None:
        pairs = privileges.needed(method)
        if pairs is None:
            raise vim.NoPermission(object=face.ref, privilegeId="System.Admin")
        for privilege, where in pairs:
            if privilege == privileges.SIGNED_IN:
                continue
            if privilege == privileges.OWN:
                if call.session is None or call.session.objects.get(face.ref.value) is not face:
                    raise vim.NotAuthenticated(object=face.ref, privilegeId="System.View")
                continue
            for target in self._targets(face, where, arguments, call):
                fault = self._permissions.refusal(call, target, privilege)
                if fault is not None:
                    raise fault

    def _targets(self, face: ManagedObject, where: str, arguments: dict[str, Any], call: Call) -> list[ManagedObject]:
        if where == "self":
            return [face]
        given = arguments.get(where)
        refs = given if isinstance(given, list) else [given] if given is not None else []
        return [self._inventory.find(ref, call.session) for ref in refs if isinstance(ref, MoRef)]

    # -- tasks -----------------------------------------------------------------------------------------------

    def _task(self, method: Method, function: Any, face: ManagedObject, arguments: dict[str, Any], call: Call) -> MoRef:
        claim = face.claim_for(method.name)
        if claim is not None:
            self._claims.check(claim)
        owner = face.kind.vmodl.removeprefix("vim.")
        description = f"{owner}.{method.vmodl[:1].lower()}{method.vmodl[1:]}"
        name = face.read("name", call) if "name" in face.props else ""
        handle = self._tasks.create(method.name, description, face.ref, name or "", call)
        if claim is not None:
            self._claims.take(claim, handle.ref)
        self._nursery.spawn(handle, self._run(handle, function, face, arguments, call._replace(task=handle)))
        return handle.ref

    async def _run(self, handle: TaskHandle, function: Any, face: ManagedObject, arguments: dict, call: Call) -> None:
        try:
            handle.start()
            result = await function(face, call, **arguments)
            await self.flushed()
        except CancelledError:
            self._claims.release(handle.ref)
            handle.fail(vim.RequestCanceled())
        except GeneratorExit:
            raise
        except BaseException as error:
            fault = self._fault_of(error)
            if fault._type.name == "SystemError":
                log.failure("{name} failed", name=handle.record.name)
            self._claims.release(handle.ref)
            handle.fail(fault)
        else:
            self._claims.release(handle.ref)
            handle.succeed(result)

    async def flushed(self) -> None:
        waiting = self._flushed()
        if waiting is not None:
            await waiting

    def needs_flush(self) -> Awaitable[None] | None:
        return self._flushed()


def is_later(result: Any) -> bool:
    return inspect.isawaitable(result)
