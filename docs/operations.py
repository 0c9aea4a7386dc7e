"""Writes docs/operations.md: every operation of the contract, and where we stand with it. `python docs/operations.py`.

Law: nothing is called done by hand. An operation is *done* when a test marked `shows("Name")` sees its effect through
another operation or on a real machine; *answers* when there is code but no such test; else clients get NotImplemented.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import vmsdk.managed_objects as faces  # noqa: E402
from vmsdk.engine.managed_object import ManagedObject  # noqa: E402
from vmsdk.wsdl import CONTRACT  # noqa: E402


def implemented() -> dict[str, set[str]]:
    """Wire type -> operations that its face has."""
    for module in pkgutil.iter_modules(faces.__path__):
        importlib.import_module(f"{faces.__name__}.{module.name}")
    found: dict[str, set[str]] = {}
    work = [ManagedObject]
    while work:
        face = work.pop()
        work += face.__subclasses__()
        if face.wire_type in CONTRACT:
            found.setdefault(face.wire_type, set()).update(face.operations)
    return found


def shown(folder: Path) -> dict[str, list[str]]:
    """Operation -> the tests that are marked to show it."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.shows":
                    for argument in mark.args:
                        name = ast.literal_eval(argument)
                        found.setdefault(name, []).append(f"{path.relative_to(folder.parent)}::{node.name}")
    return found


def state(method: str, owner: str, have: dict[str, set[str]], tests: dict[str, list[str]]) -> tuple[str, str]:
    types = [name for name, operations in have.items() if method in operations and CONTRACT.managed(name).descends_from(owner)]
    if not types:
        return "NotImplemented", ""
    if method in tests:
        return "done", f"`{tests[method][0]}`"
    return "answers", ""


def page() -> str:
    have, tests = implemented(), shown(HERE.parent / "tests")
    served = CONTRACT.default_version
    unknown = sorted(set(tests) - set(CONTRACT.methods) - {"Fetch"})
    if unknown:
        raise SystemExit(f"marked as shown, but no operation: {unknown}")
    rows: list[str] = []
    counts = {"done": 0, "answers": 0, "NotImplemented": 0}
    for owner in sorted(CONTRACT.names("managed")):
        mine = [m for m in CONTRACT.managed(owner).own_methods.values() if m.since <= served]
        if not mine:
            continue
        rows += ["", f"## {owner}", "", "| operation | state | shown by |", "|---|---|---|"]
        for method in sorted(mine, key=lambda m: m.name):
            its, test = state(method.name, owner, have, tests)
            counts[its] += 1
            rows.append(f"| {method.name} | {its} | {test} |")
    total = sum(counts.values())
    head = [
        "# Operations",
        "",
        "Made by `python docs/operations.py` from the code and the tests; not edited by hand.",
        "",
        f"API {CONTRACT.versions[served]}: {total} operations. {counts['done']} are **done**: a test sees the effect through",
        f"another operation or on a real machine. {counts['answers']} **answer** without such a test yet.",
        f"{counts['NotImplemented']} say so with the `NotImplemented` fault (or `ManagedObjectNotFound`, where this kind of",
        "server has no such object).",
    ]
    return "\n".join([*head, *rows]) + "\n"


if __name__ == "__main__":
    (HERE / "operations.md").write_text(page(), encoding="utf-8")
