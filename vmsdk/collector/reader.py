"""Texts of properties: cached by slot, judged by privilege, spelled for a version.

Law: what a caller may not read stands in `missingSet`; what is unset is absent. Nothing else is ever missing.
"""

from __future__ import annotations

from collections.abc import Callable

from ..engine.call import Call
from ..engine.cells import Graph, Slot
from ..engine.managed_object import ManagedObject
from ..wsdl import MethodFault
from ..wsdl.codec.encode import Encoder
from ..wsdl.codec.text import escape
from .paths import Path, Paths, evaluate

Authorize = Callable[[Call, ManagedObject, str], "MethodFault | None"]


class Reader:
    """Reads properties as a client of some version and session sees them. `encoder(version)` spells, `authorize` judges; `rights` gives a
    text that differs when what the caller may do has changed."""

    def __init__(
        self,
        graph: Graph,
        encoder: Callable[[int], Encoder],
        authorize: Authorize,
        rights: Callable[[Call], str] = lambda call: "",
    ):
        self.rights = rights
        self.graph, self.encoder, self.authorize = graph, encoder, authorize
        self.paths = Paths()

    def slot(self, face: ManagedObject, path: Path, call: Call) -> Slot:
        """The shared slot of a path; one of its own for what depends on the caller."""
        if face.depends_on_caller(path.steps[0].name):
            return Slot(self.graph, lambda version: self._compute(face, path, call, version))
        slot = face.slots.get(path.text)
        if slot is None:
            slot = face.slots[path.text] = Slot(self.graph, lambda version: self._compute(face, path, None, version))
        return slot

    def _compute(self, face: ManagedObject, path: Path, call: Call | None, version: int) -> str | None:
        value = evaluate(face, path, call)
        if value is None:
            return None
        return self.encoder(version).value("val", path.kind, path.array, value)

    def text(self, face: ManagedObject, path: Path, call: Call) -> str | None:
        """`<val …>…</val>` or None when unset."""
        if face.depends_on_caller(path.steps[0].name):
            return self._compute(face, path, call, call.version)
        slot = face.slots.get(path.text)
        if slot is None:
            slot = self.slot(face, path, call)
        return slot.text(call.version)

    def content(self, face: ManagedObject, paths: tuple[Path, ...], call: Call) -> str:
        """One ObjectContent without its element: obj, propSet …, missingSet …"""
        out = [reference("obj", face)]
        missing: list[str] = []
        verdicts: dict[str, MethodFault | None] = {}
        for path in paths:
            fault = self._verdict(face, path, call, verdicts)
            if fault is not None:
                missing.append(self.missing(path, fault, call))
                continue
            text = self.text(face, path, call)
            if text is not None:
                out.append(f"<propSet><name>{escape(path.text)}</name>{text}</propSet>")
        return "".join(out + missing)

    def _verdict(self, face: ManagedObject, path: Path, call: Call, known: dict) -> MethodFault | None:
        if path.privilege not in known:
            known[path.privilege] = self.authorize(call, face, path.privilege)
        return known[path.privilege]

    def missing(self, path: Path, fault: MethodFault, call: Call) -> str:
        out: list[str] = []
        self.encoder(call.version).member("fault", "MethodFault", False, fault, out.append)
        return f"<missingSet><path>{escape(path.text)}</path>{''.join(out)}</missingSet>"


def reference(tag: str, face: ManagedObject) -> str:
    return f'<{tag} type="{face.ref.type}">{escape(face.ref.value)}</{tag}>'
