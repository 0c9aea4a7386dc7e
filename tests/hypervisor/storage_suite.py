"""The promises of the port's storage, held against a backend: `class TestX(StorageSuite)` with a fixture `bed`."""

from __future__ import annotations

import pytest

from vmsdk.hypervisor.errors import (
    FileExists,
    FileMissing,
    HypervisorError,
    NoSpace,
    NoSuchDatastore,
    UnsafePath,
)
from vmsdk.hypervisor.interface import StorageSeen
from vmsdk.hypervisor.records import FilePlace

from .bed import MIB, Bed

UNSAFE = [
    "..",
    "../x",
    "a/../../x",
    "/etc/passwd",
    "a//b",
    "a/./b",
    "a/",
    "a\nb",
    "a\0b",
    "a\\b",
    "\udc80",
    "x" * 300,
]


class StorageSuite:
    async def test_datastores_have_identities_and_figures(self, bed: Bed) -> None:
        stores = await bed.hypervisor.storage.datastores()
        assert bed.datastore in [each.id for each in stores]
        assert len({each.id for each in stores}) == len({each.name for each in stores}) == len(stores)
        for each in stores:
            assert each.accessible and 0 <= each.free <= each.capacity and each.directory

    async def test_a_folder_lists_what_was_put_into_it_by_name(self, bed: Bed) -> None:
        storage, folder = bed.hypervisor.storage, await bed.folder()
        for name in ("b.txt", "a b.txt", "ä.txt"):
            await storage.write(bed.place(f"{folder}/{name}"), b"x" * 10)
        await storage.make_directory(bed.place(f"{folder}/c"))
        found = [(each.path, each.directory) for each in await storage.list(bed.place(folder))]
        assert found == [
            (f"{folder}/a b.txt", False),
            (f"{folder}/b.txt", False),
            (f"{folder}/c", True),
            (f"{folder}/ä.txt", False),
        ]
        assert folder in [each.path for each in await storage.list(bed.place(""))]
        entry = await storage.stat(bed.place(f"{folder}/b.txt"))
        assert (entry.path, entry.size, entry.directory) == (f"{folder}/b.txt", 10, False)
        assert (await storage.stat(bed.place(folder))).directory

    async def test_what_is_not_there_is_missing(self, bed: Bed) -> None:
        storage, folder = bed.hypervisor.storage, await bed.folder()
        place = bed.place(f"{folder}/none.vmdk")
        for verb in (storage.list, storage.stat, storage.disk, storage.read):
            assert (await bed.refused(FileMissing, verb(place))).place == place
        await bed.refused(FileMissing, storage.resize_disk(place, bed.disk))
        below = bed.place(f"{folder}/none/x.vmdk")
        await bed.refused(FileMissing, storage.create_disk(below, bed.disk))
        await bed.refused(FileMissing, storage.write(below, b"x"))
        await bed.refused(FileMissing, storage.make_directory(below))
        assert await storage.list(bed.place(folder)) == ()

    async def test_a_directory_is_made_once(self, bed: Bed) -> None:
        storage, folder = bed.hypervisor.storage, await bed.folder()
        await storage.make_directory(bed.place(f"{folder}/a/b/c"), parents=True)
        assert (await storage.stat(bed.place(f"{folder}/a/b/c"))).directory
        for parents in (False, True):
            await bed.refused(FileExists, storage.make_directory(bed.place(f"{folder}/a/b"), parents=parents))

    async def test_a_disk_shows_its_descriptor_and_its_whole_extent(self, bed: Bed) -> None:
        storage, folder = bed.hypervisor.storage, await bed.folder()
        await storage.create_disk(bed.place(f"{folder}/x.vmdk"), bed.disk)
        found = {each.path: each for each in await storage.list(bed.place(folder))}
        assert set(found) == {f"{folder}/x.vmdk", f"{folder}/x-flat.vmdk"}
        assert found[f"{folder}/x-flat.vmdk"].size == bed.disk
        assert (await storage.stat(bed.place(f"{folder}/x-flat.vmdk"))).size == bed.disk

    async def test_a_thin_disk_takes_little_and_a_thick_one_all(self, bed: Bed) -> None:
        storage, folder = bed.hypervisor.storage, await bed.folder()
        thin, thick = bed.place(f"{folder}/thin.vmdk"), bed.place(f"{folder}/thick.vmdk")
        await storage.create_disk(thin, bed.disk)
        await storage.create_disk(thick, bed.disk, thin=False)
        image = await storage.disk(thin)
        assert (image.capacity, image.thin, image.parent) == (bed.disk, True, None)
        assert image.allocated < MIB
        image = await storage.disk(thick)
        assert (image.capacity, image.thin) == (bed.disk, False)
        assert image.allocated >= bed.disk

    async def test_a_disk_is_not_made_over_another(self, bed: Bed) -> None:
        storage, folder = bed.hypervisor.storage, await bed.folder()
        place = bed.place(f"{folder}/x.vmdk")
        await storage.create_disk(place, bed.disk)
        await bed.refused(FileExists, storage.create_disk(place, 2 * bed.disk))
        assert (await storage.disk(place)).capacity == bed.disk

    async def test_a_disk_without_space_leaves_nothing(self, bed: Bed) -> None:
        storage, folder = bed.hypervisor.storage, await bed.folder()
        [store] = [each for each in await storage.datastores() if each.id == bed.datastore]
        place = bed.place(f"{folder}/x.vmdk")
        error = await bed.refused(NoSpace, storage.create_disk(place, store.capacity + (1 << 30), thin=False))
        assert error.place == place
        assert await storage.list(bed.place(folder)) == ()

    async def test_a_disk_grows_and_never_shrinks(self, bed: Bed) -> None:
        storage, folder = bed.hypervisor.storage, await bed.folder()
        place = bed.place(f"{folder}/x.vmdk")
        await storage.create_disk(place, bed.disk)
        await storage.resize_disk(place, 2 * bed.disk)
        await bed.refused(HypervisorError, storage.resize_disk(place, bed.disk))
        assert (await storage.disk(place)).capacity == 2 * bed.disk
        assert (await storage.stat(bed.place(f"{folder}/x-flat.vmdk"))).size == 2 * bed.disk

    async def test_what_is_no_disk_is_called_so(self, bed: Bed) -> None:
        storage, folder = bed.hypervisor.storage, await bed.folder()
        place = bed.place(f"{folder}/notes.txt")
        await storage.write(place, b"x")
        await bed.refused(HypervisorError, storage.disk(place))

    async def test_a_disk_is_deleted_with_all_its_parts(self, bed: Bed) -> None:
        storage, folder = bed.hypervisor.storage, await bed.folder()
        place = bed.place(f"{folder}/x.vmdk")
        await storage.create_disk(place, bed.disk)
        await storage.delete(place)
        assert await storage.list(bed.place(folder)) == ()
        await storage.delete(place)  # gone already is success
        await storage.delete(bed.place(f"{folder}/never/was"))

    async def test_a_folder_is_deleted_when_it_is_empty(self, bed: Bed) -> None:
        storage, folder = bed.hypervisor.storage, await bed.folder()
        inner, file = bed.place(f"{folder}/a"), bed.place(f"{folder}/a/x.txt")
        await storage.make_directory(inner)
        await storage.write(file, b"x")
        await bed.refused(HypervisorError, storage.delete(inner))
        assert await storage.read(file) == b"x"
        await storage.delete(file)
        await storage.delete(inner)
        assert await storage.list(bed.place(folder)) == ()

    async def test_a_file_is_replaced_whole(self, bed: Bed) -> None:
        storage, folder = bed.hypervisor.storage, await bed.folder()
        place = bed.place(f"{folder}/x.vmx")
        for data in (b"", bytes(range(256)) * 40, b"short"):
            await storage.write(place, data)
            assert await storage.read(place) == data
        assert [each.path for each in await storage.list(bed.place(folder))] == [f"{folder}/x.vmx"]

    async def test_a_file_past_the_limit_is_not_read(self, bed: Bed) -> None:
        storage, folder = bed.hypervisor.storage, await bed.folder()
        place = bed.place(f"{folder}/x.bin")
        await storage.write(place, bytes(1000))
        assert len(await storage.read(place, limit=1000)) == 1000
        await bed.refused(HypervisorError, storage.read(place, limit=999))

    @pytest.mark.parametrize("path", UNSAFE)
    async def test_no_verb_follows_an_unsafe_path(self, bed: Bed, path: str) -> None:
        storage, place = bed.hypervisor.storage, bed.place(path)
        for verb in (storage.list, storage.stat, storage.disk, storage.delete, storage.read, storage.make_directory):
            await bed.refused(UnsafePath, verb(place))
        await bed.refused(UnsafePath, storage.write(place, b"x"))
        disk = bed.place(f"{path}/x.vmdk")
        await bed.refused(UnsafePath, storage.create_disk(disk, bed.disk))
        await bed.refused(UnsafePath, storage.resize_disk(disk, bed.disk))

    async def test_a_datastore_that_is_not_there_is_named(self, bed: Bed) -> None:
        storage, place = bed.hypervisor.storage, FilePlace(datastore="no-such", path="x.vmdk")
        for verb in (storage.list, storage.stat, storage.disk, storage.delete, storage.read, storage.make_directory):
            assert (await bed.refused(NoSuchDatastore, verb(place))).name == "no-such"
        await bed.refused(NoSuchDatastore, storage.write(place, b"x"))
        await bed.refused(NoSuchDatastore, storage.create_disk(place, bed.disk))

    async def test_the_root_of_a_datastore_stays(self, bed: Bed) -> None:
        storage = bed.hypervisor.storage
        await bed.refused(HypervisorError, storage.delete(bed.place("")))
        await bed.refused(FileExists, storage.make_directory(bed.place("")))
        assert (await storage.stat(bed.place(""))).directory

    async def test_what_takes_space_is_announced(self, bed: Bed) -> None:
        storage, folder = bed.hypervisor.storage, await bed.folder()
        place = bed.place(f"{folder}/x.vmdk")
        for verb in (
            lambda: storage.create_disk(place, bed.disk, thin=False),
            lambda: storage.resize_disk(place, 2 * bed.disk),
            lambda: storage.write(bed.place(f"{folder}/x.bin"), bytes(MIB)),
            lambda: storage.delete(place),
        ):
            bed.ear.forget()
            await verb()
            assert bed.datastore in [each.datastore.id for each in bed.ear.heard if isinstance(each, StorageSeen)]

    async def test_the_disk_of_a_running_machine_is_not_touched(self, bed: Bed) -> None:
        storage, made = bed.hypervisor.storage, await bed.running()
        place = made.devices[1].file  # type: ignore[union-attr]
        await bed.refused(HypervisorError, storage.resize_disk(place, 2 * bed.disk))
        await bed.refused(HypervisorError, storage.delete(place))
        assert (await storage.disk(place)).capacity == bed.disk
        await bed.hypervisor.stop(made.uuid)
        await storage.resize_disk(place, 2 * bed.disk)
