"""A login on a server: operations, properties in bulk, tasks that are waited for.

Law: one `requests` session, one cookie; every failure is a `Problem` (a `Fault` where the server says so). The contract comes from
this package, so nothing is asked of the server before the login. Not for two threads at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import zeep
from zeep.proxy import ServiceProxy
from zeep.transports import Transport

from .errors import Fault, Problem, task_fault, translated
from .transport import address, http_session

CONTRACT = Path(__file__).parent / "contract" / "vimService.wsdl"
_PATIENCE = 60  # seconds the server holds a wait open
_TIMEOUT = 300  # seconds for any one answer


@dataclass(frozen=True, slots=True)
class Found:
    """An object with the properties that were asked for; an unset one is None."""

    ref: Any
    values: dict[str, Any]

    def __getitem__(self, path: str) -> Any:
        return self.values.get(path)


def connect(
    url: str, user: str, password: str, *, verify: bool | str = True, fingerprint: str | None = None, contract: str | None = None
) -> Session:
    """Log in at `url` (`host`, `https://host:8443` …). `verify` and `fingerprint` as in `transport.http_session`.

    `contract` is the address or path of another WSDL than the one carried here: `f"{url}/vimService.wsdl"` takes the server's
    own, with every operation, and needs several seconds. Raises Problem; Fault of kind InvalidLogin for a wrong password.
    """
    where = address(url)
    http = http_session(verify, fingerprint)
    try:
        session = Session(where, http, contract or str(CONTRACT))
        session.call("Login", session.content.sessionManager, userName=user, password=password)
    except BaseException:
        http.close()
        raise
    return session


class Session:
    """`content` is the ServiceContent; `url` the address of the API. A context manager that logs out."""

    def __init__(self, url: str, http: requests.Session, contract: str):
        self.url, self._http = url, http
        with translated(url):
            client = zeep.Client(contract, transport=Transport(session=http, timeout=_TIMEOUT, operation_timeout=_TIMEOUT))
            self._types = client.type_factory("urn:vim25")
            self._service = ServiceProxy(client, client.service._binding, address=url)
        self.content = self.call("RetrieveServiceContent", self.ref("ServiceInstance", "ServiceInstance"))

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Log out and close the connection. What fails here is of no interest to anyone: the session ends anyway."""
        try:
            self.call("Logout", self.content.sessionManager)
        except Problem:
            pass
        finally:
            self._http.close()

    # -- values -----------------------------------------------------------------------------------------------

    def ref(self, kind: str, value: str) -> Any:
        """A reference: `ref("VirtualMachine", "3")`."""
        return self._types.ManagedObjectReference(value, type=kind)

    def type(self, name: str) -> Any:
        """A type of the contract; Problem where the contract at hand has none of that name."""
        with translated(self.url):
            return self._types[name]

    def make(self, kind: str, **fields: Any) -> Any:
        """A value of a type of the contract; fields left out are unset."""
        made = self.type(kind)
        with translated(self.url):
            return made(**fields)

    def operations(self) -> dict[str, Any]:
        """The operations of the contract at hand: name -> zeep's description."""
        return self._service._binding._operations

    # -- operations -------------------------------------------------------------------------------------------

    def call(self, method: str, ref: Any, **arguments: Any) -> Any:
        """Any operation of the contract on `ref`; its result, None for none. A `…_Task` returns the task, see `wait`."""
        if method not in self._service._binding._operations:
            raise Problem(f"the contract at hand has no operation {method}", "`vmctl api --list` shows those it has")
        with translated(self.url):
            return self._service[method](_this=ref, **arguments)

    def wait(self, task: Any, progress: Callable[[int], None] = lambda percent: None) -> Any:
        """Wait until `task` has ended; its result. `progress` is told whole percents. Raises its Fault when it failed."""
        collector = self.call("CreatePropertyCollector", self.content.propertyCollector)
        try:
            spec = self._filter([("Task", ["info.state", "info.progress"])], task)
            self.call("CreateFilter", collector, spec=spec, partialUpdates=False)
            version = ""
            seen: dict[str, Any] = {"info.state": "", "info.progress": None}
            options = self.make("WaitOptions", maxWaitSeconds=_PATIENCE)
            while seen["info.state"] not in ("success", "error"):
                update = self.call("WaitForUpdatesEx", collector, version=version, options=options)
                if update is None:  # nothing new within the time
                    continue
                version = update.version
                for change in _changes(update):
                    seen[change.name] = change.val
                if seen["info.progress"] is not None:
                    progress(seen["info.progress"])
        finally:
            self.call("DestroyPropertyCollector", collector)
        info = self.get(task, "info")["info"]
        if info.state == "error":
            raise task_fault(info.error)
        return bare(info.result)

    # -- properties -------------------------------------------------------------------------------------------

    def get(self, ref: Any, *paths: str) -> Found:
        """Some properties of one object. Raises Fault ManagedObjectNotFound where it is gone."""
        found = list(self._retrieve(self._filter([(ref.type, paths)], ref)))
        return found[0] if found else Found(ref, {})

    def get_all(self, refs: Sequence[Any], *paths: str) -> list[Found]:
        """Some properties of objects of one kind, in one answer; objects gone since are left out."""
        if not refs:
            return []
        return list(self._retrieve(self._filter([(refs[0].type, paths)], *refs)))

    def find(self, kind: str, *paths: str) -> list[Found]:
        """Every object of a kind in the inventory, with some properties."""
        view = self.call(
            "CreateContainerView", self.content.viewManager, container=self.content.rootFolder, type=[kind], recursive=True
        )
        try:
            walk = self.make("TraversalSpec", type="ContainerView", path="view", skip=False)
            return list(self._retrieve(self._filter([(kind, paths)], view, walk=walk)))
        finally:
            self.call("DestroyView", view)

    def named(self, kind: str, name: str, *paths: str) -> Found:
        """The one object of that name (or that reference, `TYPE:ID`), with some properties more. Problem where there is none."""
        all_of = self.find(kind, "name")
        found = [f for f in all_of if f["name"] == name] or [f for f in all_of if f"{kind}:{f.ref._value_1}" == name]
        if not found:
            taken = ", ".join(sorted(str(f["name"]) for f in all_of)[:10])
            raise Problem(f"there is no {kind} {name!r}", f"there are: {taken}" if taken else f"there is no {kind} at all")
        if len(found) > 1:
            raise Problem(f"{len(found)} objects are called {name!r}", "say which: " + ", ".join(f"{kind}:{f.ref._value_1}" for f in found))
        return self.get(found[0].ref, "name", *paths)

    def _filter(self, properties: Sequence[tuple[str, Sequence[str]]], *refs: Any, walk: Any = None) -> Any:
        make = self.make
        more = {"skip": True, "selectSet": [walk]} if walk is not None else {}
        return make(
            "PropertyFilterSpec",
            propSet=[make("PropertySpec", type=kind, pathSet=list(paths)) for kind, paths in properties],
            objectSet=[make("ObjectSpec", obj=ref, **more) for ref in refs],
        )

    def _retrieve(self, spec: Any) -> Iterator[Found]:
        collector = self.content.propertyCollector
        page = self.call("RetrievePropertiesEx", collector, specSet=[spec], options=self.make("RetrieveOptions"))
        while page is not None:
            for each in page.objects:
                yield Found(each.obj, {p.name: bare(p.val) for p in each.propSet})
            page = self.call("ContinueRetrievePropertiesEx", collector, token=page.token) if page.token else None


def _changes(update: Any) -> Iterator[Any]:
    for per_filter in update.filterSet:
        for per_object in per_filter.objectSet:
            if per_object.kind == "leave":
                raise Fault("ManagedObjectNotFound", "the task is gone before it was seen to end")
            yield from per_object.changeSet


def bare(value: Any) -> Any:
    """The list inside an `ArrayOf…`, which the contract wraps around lists in `anyType`; other values as they are."""
    name = type(value).__name__
    if name.startswith("ArrayOf") and hasattr(value, "__values__"):
        [inner] = value.__values__.values()
        return list(inner or ())
    return value
