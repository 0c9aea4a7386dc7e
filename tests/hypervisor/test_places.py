"""The grammar of datastore paths."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmsdk.hypervisor.errors import UnsafePath
from vmsdk.hypervisor.places import check_place, descriptor_of, extent_of, is_disk_name
from vmsdk.hypervisor.records import FilePlace


def parts(path: str) -> tuple[str, ...]:
    return check_place(FilePlace(datastore="d", path=path))


def test_plain_paths_are_taken_apart() -> None:
    assert parts("") == ()
    assert parts("vm/vm.vmdk") == ("vm", "vm.vmdk")
    for name in ("[ds] x", 'a "b"', "a'b", "-x", "...", "a..b", "x" * 255, "漢字 ä", "%2e%2e", "~", "a:b"):
        assert parts(name) == (name,)


SPELT = ["/", "/a", ".", "..", "a/..", "a/../b", "./a", "a//b", "a/", "a\\..\\b", "a\0", "a\r\nb", "a\x7f", "a\x85"]


@pytest.mark.parametrize("path", [*SPELT, "\ud800", "x" * 256, "ä" * 128, "a/" * 1024 + "a"])
def test_unsafe_paths_are_refused(path: str) -> None:
    with pytest.raises(UnsafePath):
        parts(path)


@given(st.lists(st.sampled_from(["..", ".", "", "a", "b.vmdk", "/", "a..", "\\", "\0", "ä", "..a"]), max_size=6))
def test_no_path_that_passes_leaves_its_root(pieces: list[str]) -> None:
    path = "/".join(pieces)
    try:
        found = parts(path)
    except UnsafePath:
        return
    assert "/".join(found) == path
    assert path == "" or os.path.normpath(path) == path
    assert os.path.normpath(os.path.join("/root", path)).startswith("/root")


def test_descriptor_and_extent_name_each_other() -> None:
    assert extent_of("a/x.vmdk") == "a/x-flat.vmdk"
    assert descriptor_of("a/x-flat.vmdk") == "a/x.vmdk"
    assert descriptor_of("a/x.vmdk") == ""
    assert is_disk_name("a/x.vmdk")
    assert not any(is_disk_name(path) for path in ("a/x-flat.vmdk", "a/.vmdk", "a/x.iso", "x.vmdk/a"))
