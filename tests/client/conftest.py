"""One vmctld on a simulated host for all tests in here; `vmctl` is called as a person calls it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from vmctl.cli import vmctl

from tests.vmctld_process import Vmctld, vmctld


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vmctld]:
    """Three machines are there and on: vm-0001 to vm-0003."""
    with vmctld(tmp_path_factory.mktemp("vmctl") / "state", "--machines", "3") as running:
        yield running


@pytest.fixture
def environment(server: Vmctld) -> dict[str, str]:
    return {"VMCTL_URL": server.url, "VMCTL_USER": "root", "VMCTL_PASSWORD": server.password}


class Shell:
    """Runs `vmctl` in this process; the settings come from the environment."""

    def __init__(self, environment: dict[str, str]):
        self.environment = environment

    def __call__(self, *words: str, **environment: str) -> Result:
        return CliRunner().invoke(vmctl, list(words), env={**self.environment, **environment})

    def done(self, *words: str) -> str:
        """Standard output of what must succeed."""
        result = self(*words)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *words: str) -> Any:
        return json.loads(self.done(*words, "-o", "json"))

    def refused(self, *words: str, **environment: str) -> str:
        """What it says when it fails as it should: exit code 1, words on standard error, nothing on standard output."""
        result = self(*words, **environment)
        assert (result.exit_code, result.stdout, type(result.exception)) == (1, "", SystemExit), result.output
        return result.stderr


@pytest.fixture
def shell(environment: dict[str, str]) -> Shell:
    return Shell(environment)


@pytest.fixture
def witness(server: Vmctld) -> Iterator[Any]:
    """pyVmomi on the same server: another client sees what `vmctl` did. A function: machine's name -> machine or None."""
    from pyVim.connect import Disconnect, SmartConnect

    parts = server.url.removeprefix("http://").removesuffix("/sdk").split(":")
    other = SmartConnect(protocol="http", host=parts[0], port=int(parts[1]), user="root", pwd=server.password)

    def machine(name: str) -> Any:
        datacenter = other.content.rootFolder.childEntity[0]
        return next((vm for vm in datacenter.vmFolder.childEntity if vm.name == name), None)

    yield machine
    Disconnect(other)


@pytest.fixture(scope="session")
def client_folder() -> Path:
    return Path(__file__).parents[2] / "client"
