"""Makes spyne 2.14 importable on today's Pythons. One file, so that it can go when spyne does.

Why: its last release is of 2022. It carries an old copy of `six`, whose importer has only the finder's form that Python
3.12 dropped (`find_module`; the new form is `find_spec`) and stays in `sys.meta_path`, where others (pytest) expect the new form
on 3.11 too; and it imports `cgi`, which Python 3.13 dropped (and 3.11 warns of), for one function that our protocol never calls.

Law: nothing stays behind that others could find: what stands in for `cgi` is gone from `sys.modules` after the import.
"""

from __future__ import annotations

import sys
from importlib import util
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_SIX = "spyne.util.six"


def import_spyne() -> ModuleType:
    """The package `spyne`. ImportError where it is not installed."""
    if "spyne" in sys.modules:
        return sys.modules["spyne"]
    before = sys.modules.get("cgi")
    sys.modules["cgi"] = before or _cgi()
    try:
        _import_six()
        import spyne.protocol.soap.soap11
        import spyne.server

        return spyne
    finally:
        if before is None:
            del sys.modules["cgi"]


def _import_six() -> None:
    """Load spyne's six by its file, before the package that needs it, and teach its importer the present form."""
    package = util.find_spec("spyne")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("No module named 'spyne'", name="spyne")
    spec = util.spec_from_file_location(_SIX, f"{package.submodule_search_locations[0]}/util/six.py")
    assert spec is not None and spec.loader is not None
    six = util.module_from_spec(spec)
    sys.modules[_SIX] = six
    spec.loader.exec_module(six)
    importer: Any = type(six._importer)

    def find_spec(self: Any, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return util.spec_from_loader(name, self) if name in self.known_modules else None

    importer.find_spec = find_spec
    importer.create_module = lambda self, spec: self.load_module(spec.name)
    importer.exec_module = lambda self, module: None


def _cgi() -> ModuleType:
    def parse_header(line: str) -> tuple[str, dict[str, str]]:
        raise NotImplementedError("our protocol reads no header of HTTP")

    made = ModuleType("cgi")
    made.parse_header = parse_header  # type: ignore[attr-defined]
    return made
