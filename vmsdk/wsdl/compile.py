"""Makes `contract.tsv` from pyVmomi's type tables: `./dev contract`. Build time only.

Law: nothing at run time imports pyVmomi. Facts only (names, types, flags, versions, privileges, faults) are taken; the
table files are read as data, never executed by pyVmomi itself. vSAN-health types stay out: they inject foreign
types into `urn:vim25`.

The form: one line for each type, `name TAB kind TAB JSON`, so that a line is parsed when it is first needed and two contracts
can be compared with diff. Line one is the head: versions in order, source, notice.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from importlib import metadata, util
from pathlib import Path
from typing import Any

TABLES = ("_typeinfo_core", "_typeinfo_query", "_typeinfo_vim")
F_LINK, F_LINKABLE, F_OPTIONAL, F_SECRET = 1, 2, 4, 8
TARGET = Path(__file__).with_name("contract.tsv")

PRIMITIVES = {
    "void": "void", "anyType": "xsd:anyType", "string": "xsd:string", "boolean": "xsd:boolean", "bool": "xsd:boolean",
    "byte": "xsd:byte", "short": "xsd:short", "int": "xsd:int", "long": "xsd:long", "float": "xsd:float",
    "double": "xsd:double", "vmodl.DateTime": "xsd:dateTime", "vmodl.Binary": "xsd:base64Binary",
    "vmodl.URI": "xsd:anyURI", "vmodl.TypeName": "xsd:string", "vmodl.PropertyPath": "xsd:string",
    "vmodl.MethodName": "xsd:string", "vmodl.DataObject": "DynamicData", "vmodl.DynamicData": "DynamicData",
    "vmodl.ManagedObject": "ManagedObject", "vmodl.MethodFault": "MethodFault", "vmodl.RuntimeFault": "RuntimeFault",
    "vmodl.LocalizedMethodFault": "LocalizedMethodFault",
}  # fmt: skip


class Tables:
    """What the table files declare, collected by stand-ins for the four Create functions."""

    def __init__(self) -> None:
        self.data: dict[str, tuple] = {}
        self.managed: dict[str, tuple] = {}
        self.enums: dict[str, tuple] = {}
        self.versions: dict[str, tuple[str, str]] = {}
        self.parents: dict[str, set[str]] = defaultdict(set)

    def read(self, path: Path) -> None:
        text = re.sub(r"^from \.VmomiSupport import .*$", "", path.read_text(), flags=re.M)
        text = re.sub(r"^(newest|lts|oldest)Versions\..*$", "", text, flags=re.M)
        names: dict[str, Any] = {
            "F_LINK": F_LINK, "F_LINKABLE": F_LINKABLE, "F_OPTIONAL": F_OPTIONAL, "F_SECRET": F_SECRET,
            "AddVersion": lambda name, ns, number="", *rest: self.versions.setdefault(name, (ns, number)),
            "AddVersionParent": lambda child, parent: self.parents[child].add(parent),
            "AddBreakingChangesInfo": lambda *facts: None,
            "CreateDataType": lambda vmodl, wsdl, *rest: self.data.setdefault(vmodl, (wsdl, *rest)),
            "CreateManagedType": lambda vmodl, wsdl, *rest: self.managed.setdefault(vmodl, (wsdl, *rest)),
            "CreateEnumType": lambda vmodl, wsdl, *rest: self.enums.setdefault(vmodl, (wsdl, *rest)),
        }  # fmt: skip
        exec(compile(text, str(path), "exec"), names)


def _order(number: str) -> tuple:
    return tuple((int(part) if part.isdigit() else -1, part) for part in re.findall(r"\d+|[a-z]+", number))


class Compiler:
    def __init__(self, tables: Tables) -> None:
        self.t = tables
        public = {n: v[1] for n, v in tables.versions.items() if n.startswith("vim.version.") and v[1]}
        public = {n: number for n, number in public.items() if re.match(r"\d", number)}
        # The legacy branch 2.5u2server is a side branch: its members count as 4.0's.
        public = {n: number for n, number in public.items() if number != "2.5u2server"}
        self.chain = sorted(public, key=lambda n: (len(tables.parents[n]), _order(public[n])))
        self.chain.sort(key=lambda n: _order(public[n]))
        self.numbers = [public[n] for n in self.chain]
        self.wsdl = dict(PRIMITIVES)
        for table in (tables.data, tables.managed, tables.enums):
            self.wsdl.update({vmodl: facts[0] for vmodl, facts in table.items()})

    def since(self, version: str) -> int:
        for index, candidate in enumerate(self.chain):
            if version == candidate or version in self.t.parents[candidate]:
                return index
        return -1  # an internal version that no public one includes

    def type(self, name: str) -> tuple[str, bool]:
        array = name.endswith("[]")
        return self.wsdl[name.removesuffix("[]")], array

    def member(self, name: str, vmodl: str, version: str, flags: int, *privilege: str | None) -> list:
        type_name, array = self.type(vmodl)
        marks = ("?" if flags & F_OPTIONAL else "") + ("*" if array else "") + ("l" if flags & F_LINK else "")
        marks += "s" if flags & F_SECRET else ""
        return [name, type_name, marks, self.since(version), *([privilege[0]] if privilege and privilege[0] else [])]

    def lines(self) -> list[str]:
        out: dict[str, str] = {}

        def put(name: str, kind: str, facts: object) -> None:
            out[name] = f"{name}\t{kind}\t{json.dumps(facts, separators=(',', ':'))}"

        for vmodl, (wsdl, base, version, fields) in self.t.data.items():
            if self.since(version) < 0:
                continue
            members = [m for m in (self.member(*f) for f in fields or ()) if m[3] >= 0]
            put(wsdl, "data", {"m": vmodl, "b": self.wsdl[base], "s": self.since(version), "f": members})
        for vmodl, (wsdl, version, values) in self.t.enums.items():
            if self.since(version) >= 0:
                put(wsdl, "enum", {"m": vmodl, "s": self.since(version), "v": values})
        for vmodl, (wsdl, base, version, properties, methods) in self.t.managed.items():
            if self.since(version) < 0:
                continue
            put(wsdl, "managed", {
                "m": vmodl, "b": self.wsdl[base], "s": self.since(version),
                "p": [m for m in (self.member(*p) for p in properties or ()) if m[3] >= 0],
                "o": [self.method(m) for m in methods or () if self.since(m[2]) >= 0],
            })  # fmt: skip
        self.builtin(put)
        return [out[name] for name in sorted(out)]

    def method(self, facts: tuple) -> dict:
        vmodl, wire, version, params, (flags, result, task_result), privilege, faults = facts
        returns, array = self.type(result)
        made: dict[str, Any] = {"n": wire, "m": vmodl, "s": self.since(version), "r": returns}
        if array:
            made["ra"] = 1
        if flags & F_OPTIONAL:
            made["ro"] = 1
        if returns == "Task" and task_result != result:
            made["t"] = "".join(self.type(task_result)[0]) + ("[]" if self.type(task_result)[1] else "")
        if params:
            made["a"] = [m for m in (self.member(*p) for p in params) if m[3] >= 0]
        if privilege:
            made["p"] = privilege
        if faults:
            made["f"] = [self.wsdl[f] for f in faults]
        return made

    @staticmethod
    def builtin(put: Any) -> None:
        """Types that every server has but no table names."""
        put("ManagedObject", "managed", {"m": "vmodl.ManagedObject", "b": "", "s": 0, "p": [], "o": []})
        put("MethodFault", "data", {"m": "vmodl.MethodFault", "b": "", "s": 0, "f": [
            ["faultCause", "MethodFault", "?", 0], ["faultMessage", "LocalizableMessage", "?*", 0]]})  # fmt: skip
        put("RuntimeFault", "data", {"m": "vmodl.RuntimeFault", "b": "MethodFault", "s": 0, "f": []})
        put("LocalizedMethodFault", "data", {"m": "vmodl.LocalizedMethodFault", "b": "DynamicData", "s": 0, "f": [
            ["fault", "MethodFault", "", 0], ["localizedMessage", "xsd:string", "?", 0]]})  # fmt: skip
        put("DynamicData", "data", {"m": "vmodl.DynamicData", "b": "", "s": 0, "f": []})


def main() -> None:
    spec = util.find_spec("pyVmomi")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("pyVmomi is not installed: pip install 'vmsdk[contract]'")
    folder = Path(spec.submodule_search_locations[0])
    tables = Tables()
    for name in TABLES:
        tables.read(folder / f"{name}.py")
    compiler = Compiler(tables)
    head = {
        "source": f"pyvmomi {metadata.version('pyvmomi')} (Apache-2.0), type tables without vSAN health",
        "versions": compiler.numbers,
    }
    lines = compiler.lines()
    TARGET.write_text("\n".join([json.dumps(head), *lines]) + "\n")
    print(f"{TARGET.name}: {len(lines)} types, {len(compiler.numbers)} versions, newest {compiler.numbers[-1]}")


if __name__ == "__main__":
    main()
