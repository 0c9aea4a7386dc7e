"""A client of the server in the same process: real envelopes both ways, values and faults of the contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lxml import etree
from twisted.internet.defer import Deferred

from vmsdk.engine.call import Peer
from vmsdk.request import Answer, Service
from vmsdk.soap.envelope import HEAD, TAIL
from vmsdk.wsdl import CONTRACT, NAMESPACE, Member, MoRef, vim
from vmsdk.wsdl.codec.decode import XSI, Decoder, local_name
from vmsdk.wsdl.codec.encode import Encoder
from vmsdk.wsdl.private import PRIVATE

NEWEST = len(CONTRACT.versions) - 1


class Client:
    """One session's view of a server. `cookie` is what it was given; `version` is what it says in SOAPAction."""

    collector = MoRef("PropertyCollector", "ha-property-collector")
    session_manager = MoRef("SessionManager", "ha-sessionmgr")

    def __init__(self, service: Service, settle: Callable[[], None], version: str = "8.0.3.0", peer: Peer | None = None):
        self.service, self.settle, self.version, self.peer = service, settle, version, peer or Peer()
        self.cookie = ""
        self.last: Answer | None = None
        self._encoder, self._decoder = Encoder(NEWEST), Decoder(CONTRACT.versions.index(version))

    # -- calls ------------------------------------------------------------------------------------------------

    def start(self, ref: Any, method: str, **arguments: Any) -> Answer | Deferred[Answer]:
        """Send a call; its answer, or a Deferred of it where the server takes its time."""
        return self.post(self.envelope(ref, method, **arguments))

    def post(self, body: bytes) -> Answer | Deferred[Answer]:
        return self.service.handle(body, self.cookie, f'"urn:vim25/{self.version}"', self.peer)

    def envelope(self, ref: Any, method: str, **arguments: Any) -> bytes:
        facts = PRIVATE.get(method) or CONTRACT.methods[method]
        ref = getattr(ref, "ref", ref)
        out: list[str] = []
        for param in facts.params:
            if param.name in arguments:
                self._encoder.member(param.name, param.type, param.array, plain(arguments[param.name]), out.append)
        this = f'<_this type="{ref.type}">{ref.value}</_this>'
        return f'{HEAD}<{method} xmlns="{NAMESPACE}">{this}{"".join(out)}</{method}>{TAIL}'.encode()

    def call(self, ref: Any, method: str, **arguments: Any) -> Any:
        """The result, or the fault raised. A call that waits is given the turns it needs."""
        answer = self.start(ref, method, **arguments)
        if isinstance(answer, Deferred):
            done: list[Any] = []
            answer.addBoth(done.append)
            for _ in range(50):
                if done:
                    break
                self.settle()
            assert done, f"{method} did not answer"
            answer = done[0]
        return self.result(method, answer)

    def result(self, method: str, answer: Any) -> Any:
        """What an answer says: a value, or its fault raised."""
        assert isinstance(answer, Answer), answer
        self.last = answer
        if answer.cookie:
            self.cookie = answer.cookie
        body = etree.fromstring(answer.body)[0]
        first = body[0]
        if local_name(first) == "Fault":
            assert answer.status == 500
            raise self._fault(first)
        assert answer.status == 200
        assert local_name(first) == f"{method}Response"
        facts = PRIVATE.get(method) or CONTRACT.methods[method]
        if facts.result == "void":
            assert len(first) == 0
            return None
        member = Member("returnval", facts.result, facts.result_array, True, 0)
        value = self._decoder.arguments(first, (member,)).get("returnval")
        return value or [] if facts.result_array else value

    def _fault(self, element: Any) -> Exception:
        found = {local_name(child): child for child in element}
        detail = found["detail"][0]
        kind = detail.get(XSI + "type")
        assert local_name(detail) == f"{kind}Fault"
        fields = self._decoder.arguments(detail, tuple(f._replace(optional=True) for f in CONTRACT.data(kind).fields))
        fault = getattr(vim, kind)(**fields)
        fault.msg = found["faultstring"].text or ""
        fault.code = found["faultcode"].text
        return fault

    # -- reading ----------------------------------------------------------------------------------------------

    def get(self, ref: Any, *paths: str) -> Any:
        """Property values by RetrievePropertiesEx: one path gives its value, several a dict of what is set."""
        ref = getattr(ref, "ref", ref)
        spec = vim.PropertyFilterSpec(
            propSet=[vim.PropertySpec(type=ref.type, pathSet=list(paths))], objectSet=[vim.ObjectSpec(obj=ref)]
        )
        result = self.call(self.collector, "RetrievePropertiesEx", specSet=[spec], options=vim.RetrieveOptions())
        found = {p.name: unwrapped(p.val) for p in result.objects[0].propSet}
        return found.get(paths[0]) if len(paths) == 1 else found

    def login(self, user: str = "root", password: str = "secret") -> Client:
        self.call(self.session_manager, "Login", userName=user, password=password)
        return self


def unwrapped(value: Any) -> Any:
    """An ArrayOfX as a list."""
    return list(value.items) if type(value).__name__ == "Array" else value


def plain(value: Any) -> Any:
    """Proxies inside arguments as references."""
    if isinstance(value, Proxy):
        return value.ref
    if isinstance(value, (list, tuple)) and not isinstance(value, MoRef):
        return [plain(item) for item in value]
    return value


class Proxy:
    """A managed object as a client sees it: attributes are read afresh, each time."""

    def __init__(self, client: Client, ref: MoRef):
        self.client, self.ref = client, ref

    def __getattr__(self, name: str) -> Any:
        if name not in CONTRACT.managed(self.ref.type).properties:
            raise AttributeError(name)
        return self.client.get(self.ref, name)

    def __repr__(self) -> str:
        return f"<{self.ref}>"
