"""The contract as data."""

from __future__ import annotations

import subprocess
import sys

import pytest

from vmsdk.wsdl import CONTRACT, DataType, EnumType, ManagedType


def test_the_served_version_has_the_types_that_were_counted():
    served = CONTRACT.default_version

    def count(kind: str) -> int:
        return sum(CONTRACT[name].since <= served for name in CONTRACT.names(kind))

    methods = [m for m in CONTRACT.methods.values() if m.since <= served]
    # 2,937 data types, 138 managed types and 431 enums were counted; ours names their bases as well (DynamicData,
    # MethodFault, RuntimeFault; ManagedObject).
    assert (count("data"), count("managed"), count("enum")) == (2940, 139, 431)
    assert sum(CONTRACT.data(n).is_fault and CONTRACT.data(n).since <= served for n in CONTRACT.names("data")) == 697
    assert (len(methods), sum(m.is_task for m in methods)) == (955, 241)


def test_every_name_that_the_contract_uses_is_a_type_of_it():
    for name in CONTRACT.names("data"):
        for member in CONTRACT.data(name).own:
            assert member.type.startswith("xsd:") or member.type in CONTRACT, (name, member)
    for method in CONTRACT.methods.values():
        used = [p.type for p in method.params] + [method.result, *method.faults]
        used += [method.task_result.removesuffix("[]")] if method.task_result else []
        assert [t for t in used if not t.startswith("xsd:") and t != "void" and t not in CONTRACT] == [], method


def test_members_of_a_base_come_first():
    names = [f.name for f in CONTRACT.data("VirtualDisk").fields]
    assert names[:3] == ["key", "deviceInfo", "backing"]
    assert names.index("capacityInKB") == len(CONTRACT.data("VirtualDevice").fields)


def test_a_method_knows_its_parameters_privilege_faults_and_the_result_of_its_task():
    method = CONTRACT.methods["CreateVM_Task"]
    assert [p.name for p in method.params] == ["config", "pool", "host"]
    assert (method.result, method.task_result) == ("Task", "VirtualMachine")
    assert method.privilege == "VirtualMachine.Inventory.Create"
    assert {"InvalidName", "DuplicateName"} <= set(method.faults)
    assert [p.privilege for p in method.params] == ["", "Resource.AssignVMToPool", ""]


def test_a_managed_type_has_the_properties_of_its_bases():
    kind = CONTRACT.managed("VirtualMachine")
    assert kind.descends_from("ManagedEntity") and not kind.descends_from("Folder")
    assert {"name", "parent", "value", "runtime"} <= set(kind.properties)
    assert "Rename_Task" in kind.methods and "Rename_Task" not in kind.own_methods


@pytest.mark.parametrize(
    ("action", "spoken"),
    [
        ('"urn:vim25/6.5"', "6.5"),
        ("urn:vim25/7.0", "6.9.1"),  # no version of this name: the newest that is not newer
        ("urn:vim25/9.1.0.0", "8.0.3.0"),
        ("urn:vim25/99.9", "8.0.3.0"),
        ("urn:vim25/4.0", "4.0"),
        ("urn:vim25/1.0", "2.0"),
        ("vim25", "8.0.3.0"),
        ("urn:vim25#Login", "8.0.3.0"),
        ('""', "8.0.3.0"),
        (None, "8.0.3.0"),
        ("urn:vim25/6.5\r\nX-Evil: 1", "6.5"),
        ("urn:vim25/" + "9" * 1_000_000, "8.0.3.0"),
    ],
)
def test_a_client_is_answered_in_the_version_it_asked_for(action: str | None, spoken: str):
    assert CONTRACT.versions[CONTRACT.negotiate(action, CONTRACT.default_version)] == spoken


def test_an_unknown_name_says_so():
    with pytest.raises(KeyError, match="no type VirtualMachin"):
        CONTRACT["VirtualMachin"]
    with pytest.raises(KeyError, match="not a data type"):
        CONTRACT.data("VirtualMachine")
    kinds = {name: type(CONTRACT[name]) for name in ("VirtualDisk", "VirtualMachinePowerState", "VirtualMachine")}
    assert list(kinds.values()) == [DataType, EnumType, ManagedType]


def test_the_contract_loads_fast_and_without_the_library_it_was_made_from():
    program = (
        "import sys, time; t = time.process_time(); import vmsdk.wsdl.registry; took = time.process_time() - t;"
        "print(took, 'pyVmomi' in sys.modules)"
    )
    took, dragged_in = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout.split()
    assert dragged_in == "False"
    assert float(took) < 0.15, "50 ms were promised; three times that is no noise"
