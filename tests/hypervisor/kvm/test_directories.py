"""What a datastore of directories does beyond the common promises: links, devices, mounts, interrupted calls."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hypervisor.driving import ReactorThread
from vmsdk.hypervisor.errors import FileExists, FileMissing, HypervisorError, UnsafePath
from vmsdk.hypervisor.kvm import files, layout
from vmsdk.hypervisor.kvm.lanes import Lane
from vmsdk.hypervisor.kvm.paths import SCRATCH_PREFIX
from vmsdk.hypervisor.kvm.storage import DirectoryStorage
from vmsdk.hypervisor.records import FilePlace

MIB = 1 << 20


class Stand:
    """A storage on a folder of the test. `open` makes a new one on the same folders."""

    def __init__(self, thread: ReactorThread, folder: Path):
        self._thread, self.folder = thread, folder
        self.directory = folder / "ds"
        self.said: list[object] = []

    def open(self) -> DirectoryStorage:
        lanes = [Lane(self._thread.reactor, name) for name in ("file", "bulk")]
        storage = DirectoryStorage(
            *lanes, [("ds", str(self.directory))], str(self.folder / "state"), self.said.append
        )
        self._thread.run(storage.open())
        [self.record] = self._thread.run(storage.datastores())
        self._storage = storage
        return storage

    def do(self, verb: str, path: str, *words: object, **named: object) -> object:
        return self._thread.run(getattr(self._storage, verb)(self.place(path), *words, **named))

    def place(self, path: str) -> FilePlace:
        return FilePlace(datastore=self.record.id, path=path)


@pytest.fixture
def stand(reactor_thread: ReactorThread, tmp_path: Path) -> Iterator[Stand]:
    stand = Stand(reactor_thread, tmp_path)
    stand.open()
    yield stand


def test_the_identity_of_a_datastore_is_made_once_and_travels_with_it(stand: Stand) -> None:
    first = stand.record.id
    stand.open()
    assert stand.record.id == first and uuid.UUID(first)
    stand.directory.rename(stand.folder / "moved")
    stand.directory = stand.folder / "moved"
    stand.open()
    assert stand.record.id == first
    assert stand.do("list", "") == (), "the file of the identity is nobody's business"


def test_a_datastore_that_is_not_mounted_is_inaccessible_and_stays_untouched(stand: Stand) -> None:
    identity, mounted = stand.record.id, stand.folder / "elsewhere"
    stand.directory.rename(mounted)
    stand.directory.mkdir()
    stand.open()
    assert (stand.record.id, stand.record.accessible) == (identity, False)
    for verb, words in (("write", (b"x",)), ("create_disk", (MIB,)), ("list", ()), ("delete", ())):
        with pytest.raises(HypervisorError, match="not accessible"):
            stand.do(verb, "x.vmdk", *words)
    assert not list(stand.directory.iterdir())
    stand.directory.rmdir()
    mounted.rename(stand.directory)
    stand.do("write", "x", b"x")


def test_another_datastore_in_the_place_of_one_is_not_taken_for_it(stand: Stand) -> None:
    (stand.directory / ".vmsdk-datastore").write_text(str(uuid.uuid4()))
    with pytest.raises(HypervisorError, match="not accessible"):
        stand.do("list", "")


def test_links_are_followed_inside_their_datastore_and_not_out_of_it(stand: Stand) -> None:
    outside = stand.folder / "secret"
    outside.write_text("secret")
    (stand.directory / "in").mkdir()
    (stand.directory / "in" / "x.txt").write_text("x")
    (stand.directory / "good").symlink_to("in")
    (stand.directory / "bad").symlink_to(outside)
    (stand.directory / "up").symlink_to("..")
    assert stand.do("read", "good/x.txt") == b"x"
    for path in ("bad", "up/secret", "up"):
        for verb, words in (("read", ()), ("write", (b"no",)), ("stat", ()), ("delete", ())):
            with pytest.raises(UnsafePath):
                stand.do(verb, path, *words)
    assert outside.read_text() == "secret"
    assert [entry.path for entry in stand.do("list", "")] == ["good", "in"]


def test_a_device_a_socket_and_a_pipe_are_no_files_of_a_datastore(stand: Stand) -> None:
    os.mkfifo(stand.directory / "pipe")
    server = socket.socket(socket.AF_UNIX)
    here = os.open(".", os.O_RDONLY)
    os.chdir(stand.directory)
    server.bind("socket")
    os.fchdir(here)
    os.close(here)
    (stand.directory / "null").symlink_to("/dev/null")
    for path in ("pipe", "socket", "null"):
        for verb, words in (("read", ()), ("write", (b"x",)), ("stat", ()), ("delete", ())):
            with pytest.raises(UnsafePath):
                stand.do(verb, path, *words)
    assert stand.do("list", "") == ()
    server.close()


def test_what_an_interrupted_call_left_behind_is_never_shown_and_swept_at_opening(stand: Stand) -> None:
    (stand.directory / "a").mkdir()
    left = stand.directory / "a" / (SCRATCH_PREFIX + "1234")
    left.write_bytes(b"half")
    assert stand.do("list", "a") == ()
    with pytest.raises(UnsafePath):
        stand.do("read", f"a/{left.name}")
    stand.open()
    assert not left.exists()


def test_a_disk_whose_descriptor_cannot_be_written_leaves_nothing(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write_new", full)
    with pytest.raises(HypervisorError, match="no space"):
        stand.do("create_disk", "x.vmdk", MIB)
    assert stand.do("list", "") == ()


def test_a_disk_is_refused_where_only_its_extent_is_taken(stand: Stand) -> None:
    stand.do("write", "x-flat.vmdk", b"precious")
    with pytest.raises(FileExists):
        stand.do("create_disk", "x.vmdk", MIB)
    assert stand.do("read", "x-flat.vmdk") == b"precious"


def test_an_extent_cannot_be_named_by_what_is_written_in_a_descriptor(stand: Stand) -> None:
    (stand.folder / "secret").write_bytes(bytes(MIB))
    text = layout.descriptor("../secret", MIB, True, 1)
    stand.do("write", "x.vmdk", text)
    with pytest.raises(FileMissing) as caught:
        stand.do("disk", "x.vmdk")
    assert caught.value.place.path == "x-flat.vmdk"


def test_a_half_deleted_disk_is_deleted_by_asking_again(stand: Stand) -> None:
    stand.do("create_disk", "x.vmdk", MIB)
    (stand.directory / "x-flat.vmdk").unlink()
    stand.do("delete", "x.vmdk")
    assert stand.do("list", "") == ()


def test_a_disk_keeps_what_is_on_it_when_it_grows_and_stays_what_it_was(stand: Stand) -> None:
    for name, thin in (("thin", True), ("thick", False)):
        stand.do("create_disk", f"{name}.vmdk", MIB, thin=thin)
        extent = stand.directory / f"{name}-flat.vmdk"
        with extent.open("r+b") as file:
            file.write(b"boot")
        stand.do("resize_disk", f"{name}.vmdk", 2 * MIB + 1)
        image = stand.do("disk", f"{name}.vmdk")
        assert (image.capacity, image.thin) == (2 * MIB + 512, thin), "whole sectors"
        assert extent.read_bytes() == b"boot" + bytes(2 * MIB + 508)
        assert f"RW {image.capacity // 512} VMFS" in stand.do("read", f"{name}.vmdk").decode()
