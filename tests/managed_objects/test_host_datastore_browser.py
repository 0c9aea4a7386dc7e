"""Searches in datastores: by folder, by pattern, by kind, and below a folder."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest

from tests.lab import Lab
from vmsdk.hypervisor.errors import FileExists
from vmsdk.hypervisor.records import FilePlace
from vmsdk.wsdl import MoRef, vim

HOSTS = MoRef("HostDatastoreBrowser", "ha-host-datastorebrowser")


def datastore(lab, name=""):
    """(its id, its browser)."""
    found = {cell.get().name: id_ for id_, cell in lab.daemon.site.host.datastores.items()}
    id_ = found[name or lab.datastore]
    return id_, lab.get(lab.daemon.site.datastore_refs[id_], "browser")


def put(lab, *paths):
    id_, _ = datastore(lab)
    storage = lab.hypervisor.storage
    for path in paths:
        folder = path.rpartition("/")[0]
        if folder:
            with suppress(FileExists):
                lab.finish(storage.make_directory(FilePlace(datastore=id_, path=folder), parents=True))
        lab.finish(storage.write(FilePlace(datastore=id_, path=path), b"hello"))


def search(lab, folder="", operation="SearchDatastore_Task", browser=HOSTS, **spec):
    wanted = vim.HostDatastoreBrowserSearchSpec(**spec) if spec else None
    return lab.run(browser, operation, datastorePath=f"[{lab.datastore}] {folder}", **({"searchSpec": wanted} if wanted else {}))


def paths(result):
    return [file.path for file in result.file]


@pytest.mark.shows("SearchDatastore_Task")
def test_a_folder_is_listed_with_what_was_asked_of_each_file(lab):
    put(lab, "media/x.iso")
    flags = vim.FileQueryFlags(fileType=True, fileSize=True, modification=True, fileOwner=True)
    found = search(lab, "media", details=flags)
    [file] = found.file
    now = datetime.fromtimestamp(lab.clock.seconds(), UTC)
    assert (type(file).__name__, file.path, file.fileSize, file.modification) == ("IsoImageFileInfo", "x.iso", 5, now)
    assert (found.folderPath, found.datastore) == (f"[{lab.datastore}] media/", lab.get(HOSTS, "datastore")[0])
    [bare] = search(lab, "media").file
    assert (bare.path, bare.fileSize, bare.modification, bare.owner) == ("x.iso", None, None, None)


def test_a_full_path_is_the_folder_and_the_name_as_clients_put_them_together(lab):
    put(lab, "top.txt", "a/b/low.txt")
    for folder, name in (("", "top.txt"), ("a/b", "low.txt")):
        found = search(lab, folder, matchPattern=[name])
        whole = found.folderPath + found.file[0].path
        assert whole == f"[{lab.datastore}] {folder}/{name}".replace(" /", " ")


@pytest.mark.shows("SearchDatastoreSubFolders_Task")
def test_all_below_a_folder_is_searched_and_folders_without_a_match_are_left_out(lab):
    put(lab, "a/x.iso", "a/b/c/y.iso", "a/b/n.txt", "z/other.iso")
    found = search(lab, "a", "SearchDatastoreSubFolders_Task", matchPattern=["*.iso"])
    told = {result.folderPath: paths(result) for result in found.items}
    assert told == {f"[{lab.datastore}] a/": ["x.iso"], f"[{lab.datastore}] a/b/c/": ["y.iso"]}


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("*", ["A.iso", "ab.iso", "disk[1].iso"]),
        ("a*.iso", ["A.iso", "ab.iso"]),
        ("?b.iso", ["ab.iso"]),
        ("disk[1].iso", ["disk[1].iso"]),
        ("[ad]*", []),
        ("iso", []),
    ],
)
def test_stars_and_question_marks_stand_for_others_and_nothing_else_does(lab, pattern, matches):
    put(lab, "m/A.iso", "m/ab.iso", "m/disk[1].iso")
    assert paths(search(lab, "m", matchPattern=[pattern])) == matches


def test_upper_and_lower_case_are_told_apart_when_asked(lab):
    put(lab, "m/A.iso", "m/ab.iso")
    assert paths(search(lab, "m", matchPattern=["a*"], searchCaseInsensitive=False)) == ["ab.iso"]


def test_kinds_are_asked_for_by_queries(lab):
    lab.vm("web", disk_kb=65536)
    put(lab, "web/x.iso", "web/sub/y.iso")
    assert paths(search(lab, "web", query=[vim.IsoImageFileQuery()])) == ["x.iso"]
    assert paths(search(lab, "web", query=[vim.VmConfigFileQuery(), vim.VmDiskFileQuery()])) == ["web.vmdk", "web.vmx"]
    assert paths(search(lab, "web", query=[vim.FolderFileQuery()])) == ["sub"]
    everything = search(lab, "web", query=[vim.FileQuery()], sortFoldersFirst=True)
    assert paths(everything) == ["sub", "web.vmdk", "web.vmx", "x.iso"], "a disk is one file, by its descriptor"


@pytest.mark.parametrize(
    ("wanted", "matches"),
    [
        ({"thin": True}, ["thin.vmdk"]),
        ({"thin": False}, ["thick.vmdk"]),
        ({"diskType": ["VirtualDiskFlatVer2BackingInfo"]}, ["thick.vmdk", "thin.vmdk"]),
        ({"diskType": ["VirtualDiskSparseVer2BackingInfo"]}, []),
        ({"encrypted": True}, []),
    ],
)
def test_disks_are_filtered_by_what_they_are(lab, wanted, matches):
    put(lab, "d/n.txt")
    id_, _ = datastore(lab)
    for name, thin in (("thin", True), ("thick", False)):
        lab.finish(lab.hypervisor.storage.create_disk(FilePlace(datastore=id_, path=f"d/{name}.vmdk"), 1 << 20, thin))
    query = vim.VmDiskFileQuery(filter=vim.VmDiskFileQueryFilter(**wanted))
    assert paths(search(lab, "d", query=[query])) == matches


def test_what_is_not_there_is_said_by_its_name(lab):
    for operation in ("SearchDatastore_Task", "SearchDatastoreSubFolders_Task"):
        with pytest.raises(vim.FileNotFound) as missing:
            search(lab, "no/such", operation)
        assert missing.value.file == f"[{lab.datastore}] no/such"
    for text, fault in (("no brackets", vim.InvalidDatastorePath), (f"[{lab.datastore}] ../x", vim.InvalidDatastorePath),
                        ("[nowhere]", vim.InvalidDatastore)):  # fmt: skip
        with pytest.raises(fault):
            lab.run(HOSTS, "SearchDatastore_Task", datastorePath=text)


def test_a_folder_that_goes_during_a_search_does_not_end_it(lab):
    put(lab, "a/x.iso", "b/y.iso", "c/z.iso")
    id_, _ = datastore(lab)
    storage, whole = lab.hypervisor.storage, lab.hypervisor.storage.list

    async def losing(place):
        """Once `a` is listed, `b` goes."""
        entries = await whole(place)
        if place.path == "a":
            await storage.delete(FilePlace(datastore=id_, path="b/y.iso"))
            await storage.delete(FilePlace(datastore=id_, path="b"))
        return entries

    storage.list = losing
    found = search(lab, "", "SearchDatastoreSubFolders_Task", matchPattern=["*.iso"])
    assert [result.folderPath for result in found.items] == [f"[{lab.datastore}] a/", f"[{lab.datastore}] c/"]


def test_the_browser_of_a_datastore_looks_into_no_other(tmp_path):
    lab = Lab(tmp_path, shape="large")
    _, bulk = datastore(lab, "bulk")
    assert lab.run(bulk, "SearchDatastore_Task", datastorePath="[bulk]").file == ()
    with pytest.raises(vim.InvalidDatastore):
        lab.run(bulk, "SearchDatastore_Task", datastorePath="[fast]")
    assert lab.run(HOSTS, "SearchDatastore_Task", datastorePath="[fast]").file == ()
