"""Every face says only what the contract has, in the contract's words, and what it says can be sent."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import Any

import pytest

import vmsdk.managed_objects
from vmsdk.engine.managed_object import ManagedObject
from vmsdk.managed_objects.host_faces import host_faces
from vmsdk.wsdl import CONTRACT

from .small_site import encoded, put, small_site, strict_encoder


def _classes() -> list[type[ManagedObject]]:
    for module in pkgutil.walk_packages(vmsdk.managed_objects.__path__, "vmsdk.managed_objects."):
        importlib.import_module(module.name)
    found, open_ = [], [ManagedObject]
    while open_:
        for kind in open_.pop().__subclasses__():
            open_.append(kind)
            if kind.__module__.startswith("vmsdk.") and kind not in found:
                found.append(kind)
    return sorted(found, key=lambda kind: (kind.__module__, kind.__name__))


CLASSES = _classes()


def takes(function: Callable[..., Any]) -> tuple[str, ...]:
    """The argument names of an operation behind `self` and `call`."""
    return tuple(inspect.signature(function).parameters)[2:]


def test_the_faces_are_found():
    assert {"HostSystem", "VirtualMachine", "Folder"} <= {kind.__name__ for kind in CLASSES}


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: f"{kind.__module__.rpartition('.')[2]}.{kind.__name__}")
def test_what_a_face_has_stands_in_the_contract(kind):
    assert kind.wire_type in CONTRACT, f"{kind.__name__} is no type of the contract"
    wrong = [name for name in kind.props if name not in kind.kind.properties]
    wrong += [name for name in kind.operations if name not in kind.kind.methods]
    assert not wrong, f"{kind.wire_type} has no such members"


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: f"{kind.__module__.rpartition('.')[2]}.{kind.__name__}")
def test_operations_take_what_the_contract_gives_them(kind):
    for name, function in kind.operations.items():
        method = kind.kind.methods[name]
        assert set(takes(function)) == {p.name for p in method.params}, name
        signature = inspect.signature(function).parameters
        for parameter in method.params:
            has_default = signature[parameter.name].default is not inspect.Parameter.empty
            assert has_default or not parameter.optional, f"{name}: {parameter.name} may be left out by a client"
        assert not method.is_task or inspect.iscoroutinefunction(function), f"{name} is a task"


@pytest.mark.parametrize("personality", ["HostAgent", "VirtualCenter"])
@pytest.mark.parametrize("shape", ["small", "large"])
def test_all_that_the_host_says_can_be_sent_in_every_version(shape, personality):
    site = small_site(shape, personality=personality)
    faces = put(site, host_faces(site))
    for version in sorted({0, CONTRACT.versions.index("5.5"), CONTRACT.default_version, len(CONTRACT.versions) - 1}):
        encoder = strict_encoder(version)
        for face in faces:
            for name in face.props:
                if face.kind.properties[name].since <= version:
                    encoded(face, name, encoder)
