"""Custom fields of a centre: defined, filled, renamed, removed; and after a restart."""

from __future__ import annotations

import pytest

from tests.lab import Lab
from vmsdk.wsdl import MoRef, vim

MANAGER = MoRef("CustomFieldsManager", "CustomFieldsManager")


@pytest.fixture
def centre(tmp_path):
    made = Lab(tmp_path, personality="VirtualCenter")
    yield made
    made.step()
    assert made.missing == []


def values(lab, ref):
    return [(v.key, v.value) for v in lab.get(ref, "customValue")]


@pytest.mark.shows("AddCustomFieldDef", "SetField", "setCustomValue", "RenameCustomFieldDef", "RemoveCustomFieldDef")
def test_fields_are_defined_filled_renamed_and_removed(centre):
    vm, compute = centre.vm("web"), centre.get(centre.pool, "owner")
    seen = centre.watch(vm, "customValue")
    owner = centre.call(MANAGER, "AddCustomFieldDef", name="owner", moType="VirtualMachine")
    place = centre.call(MANAGER, "AddCustomFieldDef", name="place")
    assert [(f.key, f.name, f.managedObjectType) for f in centre.get(MANAGER, "field")] == [
        (owner.key, "owner", "VirtualMachine"), (place.key, "place", None),
    ]  # fmt: skip
    assert [f.name for f in vm.availableField] == ["owner", "place"]
    assert [f.name for f in centre.get(compute, "availableField")] == ["place"]
    centre.call(MANAGER, "SetField", entity=vm.ref, key=owner.key, value="ann")
    centre.call(vm, "setCustomValue", key="place", value="cellar")
    assert values(centre, vm) == [(owner.key, "ann"), (place.key, "cellar")]
    assert [v.value for v in vm.summary.customValue] == ["ann", "cellar"]
    centre.step()
    assert len(seen) == 2
    centre.call(MANAGER, "RenameCustomFieldDef", key=owner.key, name="keeper")
    assert [f.name for f in vm.availableField] == ["keeper", "place"]
    centre.call(MANAGER, "RemoveCustomFieldDef", key=owner.key)
    assert values(centre, vm) == [(place.key, "cellar")]


def test_what_is_wrong_with_a_field_is_said(centre):
    field = centre.call(MANAGER, "AddCustomFieldDef", name="owner", moType="VirtualMachine")
    compute = centre.get(centre.pool, "owner")
    for fault, method, arguments in (
        (vim.DuplicateName, "AddCustomFieldDef", {"name": "owner"}),
        (vim.InvalidArgument, "AddCustomFieldDef", {"name": " "}),
        (vim.InvalidArgument, "AddCustomFieldDef", {"name": "x", "moType": "Nonsense"}),
        (vim.InvalidArgument, "RemoveCustomFieldDef", {"key": 99}),
        (vim.InvalidArgument, "SetField", {"entity": compute, "key": field.key, "value": "x"}),
    ):
        with pytest.raises(fault):
            centre.call(MANAGER, method, **arguments)
    centre.call(MANAGER, "AddCustomFieldDef", name="owner", moType="HostSystem")


def test_values_outlive_the_server_and_go_with_their_object(tmp_path):
    lab = Lab(tmp_path, personality="VirtualCenter")
    vm, gone = lab.vm("web"), lab.vm("gone")
    field = lab.call(MANAGER, "AddCustomFieldDef", name="owner")
    for one in (vm, gone):
        lab.call(MANAGER, "SetField", entity=one.ref, key=field.key, value="ann")
    lab.run(gone, "Destroy_Task")
    again = Lab(tmp_path, store=lab.store, before=lab, personality="VirtualCenter")
    assert values(again, vm.ref) == [(field.key, "ann")]
    assert again.store.facts.keys("customValues.") == (f"customValues.{vm.ref.value}",)


def test_a_single_host_has_none(lab):
    vm = lab.vm("web")
    assert vm.customValue is None
    with pytest.raises(vim.NotSupported):
        lab.call(vm, "setCustomValue", key="owner", value="ann")
