"""The contract's documents as a server hands them out below `/sdk/`: WSDL, XSD and the list of versions.

Law: they say what is sent: both they and the codec read the registry. Made when first asked for, kept as bytes.
Imports between the files are relative, so that they work below any path.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cached_property

from . import documents_schema as schemas
from . import documents_wsdl as wsdl
from .registry import NAMESPACE, Contract, DataType, Method

LOCATION = "https://localhost/sdk/vimService"


class Documents:
    """The files for one served version (an index of `Contract.versions`).

    `operations` makes a smaller contract, for tools that choke on a thousand methods: only these, the types they
    reach, and what the properties of their objects hold. An unknown operation is a KeyError.
    """

    def __init__(
        self, contract: Contract, served: int, location: str = LOCATION, operations: Collection[str] | None = None
    ):
        self._contract, self._served, self._location = contract, served, location
        known = {name: m for name, m in contract.methods.items() if m.since <= served}
        names = sorted(known if operations is None else operations)
        self._methods: list[Method] = [known[name] for name in names]
        self._version = contract.versions[served]
        self._reduced = operations is not None
        self._made: dict[str, bytes] = {}

    _makers: dict[str, Callable[[Documents], str]] = {
        "vim.wsdl": lambda d: wsdl.vim_wsdl(d._writer, d._version, d._methods, d._faults),
        "core-types.xsd": lambda d: schemas.schema((), d._writer.types("core")),
        "reflect-types.xsd": lambda d: schemas.schema(("core-types.xsd",), ()),
        "query-types.xsd": lambda d: schemas.schema(("core-types.xsd",), d._writer.types("query")),
        "vim-types.xsd": lambda d: schemas.schema(("core-types.xsd", "query-types.xsd"), d._writer.types("vim")),
        "query-messagetypes.xsd": lambda d: d._messages("query"),
        "vim-messagetypes.xsd": lambda d: d._messages("vim"),
        "vimServiceVersions.xml": lambda d: d._versions(),
    }

    def names(self) -> list[str]:
        """Every file there is."""
        return ["vimService.wsdl", *self._makers]

    def get(self, name: str, location: str | None = None) -> bytes | None:
        """A file's bytes, or None where there is no such file. `location` is the address `vimService.wsdl` names."""
        if name == "vimService.wsdl":
            return wsdl.service_wsdl(location or self._location).encode()
        made = self._made.get(name)
        if made is None and name in self._makers:
            made = self._made[name] = self._makers[name](self).encode()
        return made

    # -- inside -----------------------------------------------------------------------------------------------

    @cached_property
    def _writer(self) -> schemas.SchemaWriter:
        if not self._reduced:
            return schemas.SchemaWriter(self._contract, self._served)
        return schemas.SchemaWriter(self._contract, self._served, self._reached.__contains__)

    @cached_property
    def _faults(self) -> list[str]:
        named = sorted(self._contract.names("data"))
        return [
            name
            for name in named
            if (known := self._contract.data(name)).is_fault
            and known.since <= self._served
            and (not self._reduced or name in self._reached)
        ]

    def _messages(self, file: str) -> str:
        body = (
            self._writer.request_type(wsdl.request_type(m.name), m.params)
            for m in self._methods
            if schemas.home(self._contract[m.owner].vmodl) == file
        )
        return schemas.schema((f"{file}-types.xsd",), body)

    def _versions(self) -> str:
        numbers = self._contract.versions
        first = numbers.index("4.0")
        prior = "".join(f"   <version>{n}</version>\n" for n in reversed(numbers[first : self._served]))
        return (
            f'{schemas.HEAD}<namespaces version="1.0">\n <namespace>\n  <name>{NAMESPACE}</name>\n'
            f"  <version>{self._version}</version>\n  <priorVersions>\n{prior}  </priorVersions>\n"
            " </namespace>\n</namespaces>\n"
        )

    @cached_property
    def _reached(self) -> frozenset[str]:
        """Names of the types that the chosen operations, their objects' properties and every fault reach."""
        derived: dict[str, list[str]] = {}
        for name in self._contract.names("data"):
            base = self._contract.data(name).base
            if base is not None and base.name != "DynamicData":
                derived.setdefault(base.name, []).append(name)
        # Any answer may be a fault.
        todo = ["MethodFault", "LocalizedMethodFault", "DynamicProperty"]
        for method in self._methods:
            todo += (p.type for p in method.params)
            todo += [method.result, method.task_result.removesuffix("[]"), *method.faults]
            todo += (p.type for p in self._contract.managed(method.owner).properties.values())
        seen: set[str] = set()
        while todo:
            name = todo.pop()
            if name in seen:
                continue
            seen.add(name)
            known = self._contract.get(name)
            if isinstance(known, DataType):
                todo += (f.type for f in known.own)
                todo += (base.name for base in known.lineage())
                todo += derived.get(name, ())
        return frozenset(seen)
