"""Fixtures that every room uses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.lab.client", "tests.lab.lab")

from tests.lab import Lab  # noqa: E402 - asserts are rewritten before the first import


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """An empty simulated host. No required member of any answer may have been unset."""
    made = Lab(tmp_path)
    yield made
    made.step()
    assert not made.missing, f"required members left unset: {sorted(set(made.missing))}"


@pytest.fixture
def lab_of_three(tmp_path: Path) -> Lab:
    """A simulated host with three machines that are on."""
    return Lab(tmp_path, machines=3)
