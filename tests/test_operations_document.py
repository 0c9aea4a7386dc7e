"""docs/operations.md is made from the code and the tests, and is up to date."""

from __future__ import annotations

import importlib.util
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"


def test_the_page_of_operations_is_what_the_code_and_the_tests_say():
    spec = importlib.util.spec_from_file_location("operations_page", DOCS / "operations.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (DOCS / "operations.md").read_text() == module.page(), "run: python docs/operations.py"
