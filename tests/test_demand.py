"""What clients demand, property by property: answered on hosts of two shapes, true on a real one, or a departure that is written down.

The tables and witnesses are in `tests/demand/`. A test of a real machine fails, never skips, where QEMU is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.demand import witness_guest, witness_host, witness_machine, witness_setup, witness_site  # noqa: F401 - they register
from tests.demand.real import World, real_world
from tests.demand.simulated import ORDERS, Host, everything
from tests.demand.tables import DEPARTURES, Key, centre_only, demanded, departures, reasons
from tests.demand.witness import WITNESSES, disagreements
from vmsdk.config import Settings
from vmsdk.managed_objects.virtual_machine import VirtualMachine
from vmsdk.wsdl import CONTRACT

NOT_HERE = {**reasons("states.tsv"), **departures()}
HERE = [key for key in demanded() if key not in NOT_HERE]
WITNESSED = [key for key in HERE if key in WITNESSES]
VERSIONS = ("4.1", "5.5", "6.5", "7.0.3.0", "8.0.3.0", CONTRACT.versions[-1])


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Host]:
    return {shape: Host(tmp_path_factory.mktemp(shape), shape) for shape in ORDERS}


@pytest.fixture(scope="module")
def told(hosts: dict[str, Host]) -> dict[str, dict[Key, list[Any]]]:
    return {shape: host.all_told() for shape, host in hosts.items()}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with real_world() as found:
        yield found


# --- the tables ----------------------------------------------------------------------------------------------


def test_every_path_stands_in_one_table_only():
    states, gone, constants, eyes = map(set, (reasons("states.tsv"), departures(), reasons("constants.tsv"), WITNESSES))
    assert sorted(states & gone) == [], "unset for two reasons"
    assert sorted((states | gone) & (constants | eyes)) == [], "unset, yet it has a witness"
    assert sorted(constants & eyes) == [], "a constant that has a witness"
    known = states | gone | constants | eyes
    assert sorted(known - set(demanded())) == [], "nobody asks for these"
    assert sorted(set(demanded()) - known) == [], "neither witness nor reason"


# --- simulated hosts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ORDERS)
def test_every_demanded_property_is_set_or_said_to_be_unset(told, shape):
    missing = [str(key) for key in HERE if not told[shape][key]]
    assert not missing, f"neither set, nor in states.tsv or docs/departures.md: {missing}"
    stale = [str(key) for key in NOT_HERE if told[shape][key]]
    assert not stale, f"set by now: strike them from states.tsv or docs/departures.md: {stale}"


def test_two_hosts_of_different_shape_differ_wherever_they_should(told):
    small, large = told["small"], told["large"]
    both = [key for key in HERE if key.path != "<all>" and small[key] and large[key]]
    equal = {key for key in both if repr(small[key][0]) == repr(large[key][0])}
    allowed = set(reasons("equal.tsv"))
    assert not equal - allowed, f"the same on both: {sorted(map(str, equal - allowed))}"
    differing = allowed & set(both) - equal
    assert not differing, f"different by now, strike them from equal.tsv: {sorted(map(str, differing))}"


@pytest.mark.parametrize("shape", ORDERS)
@pytest.mark.parametrize("version", VERSIONS)
def test_everything_that_a_host_tells_can_be_sent_in_every_version(hosts, shape, version):
    host = hosts[shape]
    host.lab.missing.clear()
    client = host.lab.client(version).login()
    for face in [*host.lab.daemon.inventory]:
        if face.kind.since <= CONTRACT.versions.index(version):
            everything(client, face.ref)
    assert not host.lab.missing, f"required members left unset: {sorted(set(host.lab.missing))}"


def test_what_only_a_centre_has_is_set_in_front_of_one(tmp_path):
    centre = Host(tmp_path / "centre", "small", personality="VirtualCenter")
    assert not [str(key) for key in centre_only() if not centre.told(key)]


def test_progress_is_told_while_a_task_runs(lab):
    task = lab.call(lab.folder, "CreateVM_Task", config=lab.spec("web", disk_kb=1024), pool=lab.pool)
    seen = lab.watch(task, "info.progress")
    lab.step()
    assert seen
    assert seen == sorted(seen)
    assert task.info.progress is None, "a finished task has none"


# --- a real host ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", WITNESSED, ids=str)
def test_a_witness_agrees_on_a_real_host(world, key):
    spoken = world.told(key)
    assert spoken is not None, f"{key} is unset"
    wrong = disagreements(spoken[1], WITNESSES[key](world), str(key))
    assert not wrong, "; ".join(wrong)


@pytest.mark.parametrize("key", reasons("constants.tsv"), ids=str)
def test_what_has_no_witness_is_set_on_a_real_host(world, key):
    assert world.told(key) is not None


@pytest.mark.parametrize("key", NOT_HERE, ids=str)
def test_what_is_said_to_be_unset_is_unset_on_a_real_host(world, key):
    assert world.told(key) is None


# --- the document --------------------------------------------------------------------------------------------


def test_the_document_lists_the_operations_that_machines_lack():
    text = DEPARTURES.read_text(encoding="utf-8").partition("## Operations of VirtualMachine")[2].partition("What is there")[0]
    listed = set(re.findall(r"`(\w+)`", "".join(line.split("|")[1] for line in text.splitlines() if line.startswith("| `"))))
    served = CONTRACT.versions.index(Settings().api_version)
    methods = CONTRACT.managed("VirtualMachine").methods
    lacking = {name for name, method in methods.items() if method.since <= served and name not in VirtualMachine.operations}
    assert sorted(lacking - listed) == [], "docs/departures.md does not say why machines lack these"
    assert sorted(listed - lacking) == [], "machines have these by now: strike them from docs/departures.md"
