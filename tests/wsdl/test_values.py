"""Values of the contract as Python objects."""

from __future__ import annotations

import pytest

from vmsdk.wsdl import CONTRACT, MethodFault, MoRef, vim


def test_a_misspelt_field_is_an_error_where_it_is_written():
    with pytest.raises(TypeError, match="nmae"):
        vim.AboutInfo(nmae="x")
    with pytest.raises(TypeError):
        vim.AboutInfo("by position")
    with pytest.raises(AttributeError):
        vim.AboutInfo().nmae = "x"
    with pytest.raises(AttributeError, match="no data type AboutInfos"):
        vim.AboutInfos()


def test_what_is_unset_is_none_or_an_empty_tuple():
    spec = vim.VirtualMachineConfigSpec()
    assert (spec.name, spec.deviceChange) == (None, ())


def test_classes_follow_the_bases_of_the_contract():
    assert isinstance(vim.VirtualVmxnet3(), vim.VirtualEthernetCard)
    assert issubclass(vim.InvalidPowerState, vim.VimFault) and issubclass(vim.VimFault, MethodFault)
    assert issubclass(vim.NotAuthenticated, vim.RuntimeFault)


def test_a_fault_can_be_raised_and_says_what_it_is():
    with pytest.raises(vim.InvalidState) as caught:
        raise vim.InvalidPowerState(requestedState="poweredOn", existingState="poweredOn", msg="It is on")
    assert str(caught.value) == "It is on"
    assert str(vim.NotFound()) == "NotFound()"


def test_values_are_equal_when_all_their_members_are():
    one = vim.ObjectSpec(obj=MoRef("Folder", "f"), selectSet=[vim.SelectionSpec(name="a")])
    assert one == vim.ObjectSpec(obj=MoRef("Folder", "f"), selectSet=(vim.SelectionSpec(name="a"),))
    assert one != vim.ObjectSpec(obj=MoRef("Folder", "f"), selectSet=[vim.SelectionSpec(name="b")])
    assert vim.SelectionSpec(name="a") != vim.TraversalSpec(name="a")


def test_a_secret_is_not_printed():
    kind = next(CONTRACT.data(n) for n in CONTRACT.names("data") if any(f.secret and f.optional for f in CONTRACT.data(n).own))
    secret = next(f for f in kind.own if f.secret)
    assert "hunter2" not in repr(getattr(vim, kind.name)(**{secret.name: "hunter2"}))


def test_a_field_named_like_a_word_of_python_is_written_with_an_underscore():
    event = vim.AlarmStatusChangedEvent(from_="green", to="red")
    assert getattr(event, "from") == "green"
    assert "from='green'" in repr(event)


def test_every_type_makes_a_class():
    for name in CONTRACT.names("data"):
        made = getattr(vim, name)()
        assert made._type.name == name
