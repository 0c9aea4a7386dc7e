"""A datastore: a directory with its figures, the machines that live on it, and what their disks may still take."""

from __future__ import annotations

import msgspec
import pytest

from tests.lab import Lab
from tests.lab.lab import definition_of
from vmsdk.engine.machine import MachineCells
from vmsdk.hypervisor.records import Controller, Definition, Disk, FileEntry, FilePlace, Machine
from vmsdk.managed_objects.datastore import Datastore
from vmsdk.wsdl import MoRef, vim

from .small_site import encoded, small_site

MIB = 1 << 20


def record(lab):
    return next(iter(lab.daemon.site.host.datastores.values()))


def ref(lab):
    return next(iter(lab.daemon.site.datastore_refs.values()))


@pytest.mark.parametrize("personality", ["HostAgent", "VirtualCenter"])
def test_it_is_a_directory_and_says_so_in_the_words_of_each_side(tmp_path, personality):
    lab = Lab(tmp_path, personality=personality)
    one, said = record(lab).get(), lab.get(ref(lab), "name", "summary", "info", "host")
    summary, info, [mount] = said["summary"], said["info"], said["host"]
    path = f"/vmfs/volumes/{one.id}"
    assert summary.url == info.url == (path if personality == "HostAgent" else f"ds://{path}/")
    assert (said["name"], summary.name, summary.type, type(info).__name__) == (one.name, one.name, "OTHER", "LocalDatastoreInfo")
    assert (summary.capacity, summary.freeSpace, info.freeSpace) == (one.capacity, one.free, one.free)
    assert (info.path, info.containerId) == (one.directory, one.id)
    assert (mount.mountInfo.path, mount.mountInfo.accessMode, mount.mountInfo.accessible) == (path, "readWrite", True)
    assert mount.key == MoRef("HostSystem", lab.daemon.personality.fixed["host"])


def test_figures_follow_the_storage_and_whoever_waits_is_told(lab):
    free = lab.watch(ref(lab), "summary.freeSpace")
    vm = lab.vm("web", disk_kb=64 * 1024)
    assert free[-1] < free[0]
    lab.run(vm, "Destroy_Task")
    assert free[-1] == free[0]


@pytest.mark.shows("RefreshDatastore", "RefreshDatastoreStorageInfo")
@pytest.mark.parametrize("operation", ["RefreshDatastore", "RefreshDatastoreStorageInfo"])
def test_a_refresh_reads_the_storage_again(lab, operation):
    true = record(lab).get()
    record(lab).set(msgspec.structs.replace(true, free=1, accessible=False))
    assert lab.get(ref(lab), "summary").freeSpace == 1
    lab.call(ref(lab), operation)
    assert (lab.get(ref(lab), "summary").freeSpace, lab.get(ref(lab), "summary").accessible) == (true.free, True)


def test_out_of_reach_is_said_everywhere(lab):
    record(lab).set(msgspec.structs.replace(record(lab).get(), accessible=False))
    said = lab.get(ref(lab), "summary", "host")
    assert (said["summary"].accessible, said["host"][0].mountInfo.accessible) == (False, False)


def test_its_browser_looks_into_it_alone(tmp_path):
    lab = Lab(tmp_path, shape="large")
    for one in lab.daemon.site.datastore_refs.values():
        assert lab.get(lab.get(one, "browser"), "datastore") == [one]


def test_its_machines_are_told_as_they_come_and_go(tmp_path):
    lab = Lab(tmp_path, shape="large")
    by_name = {lab.get(one, "name"): one for one in lab.daemon.site.datastore_refs.values()}
    seen = {name: lab.watch(one, "vm") for name, one in by_name.items()}
    home = vim.VirtualMachineFileInfo(vmPathName="[bulk]")
    vm = lab.vm("web", files=home)
    lab.run(vm, "Destroy_Task")
    told = {name: [list(refs.items) for refs in values] for name, values in seen.items()}
    assert told == {"fast": [[]], "bulk": [[], [vm.ref], []], "iso": [[]]}


def test_a_thin_disk_may_still_grow_by_what_it_does_not_hold(lab):
    vm = lab.vm("web", disk_kb=64 * 1024)
    listed = lab.daemon.site.machines[definition_of(lab, vm).uuid].files.get().files
    held = sum(f.allocated for f in listed if f.path.endswith(".vmdk"))
    assert lab.get(ref(lab), "summary").uncommitted == 64 * MIB - held
    lab.run(vm, "Destroy_Task")
    assert lab.get(ref(lab), "summary").uncommitted == 0


def test_what_a_disk_holds_is_taken_from_its_own_datastore():
    """A machine at home in `a` with disks in `b`, one of them at a path that exists in `a` as well."""
    site = small_site("large")
    a, b, *_ = site.host.datastores

    def disk(key, datastore, path, thin):
        return Disk(
            key=key, controller=1000, unit=key - 2000, file=FilePlace(datastore=datastore, path=path), capacity=100, thin=thin
        )

    devices = (
        Controller(key=1000, model="pvscsi"), disk(2000, a, "web/web.vmdk", True), disk(2001, b, "web/web.vmdk", True),
        disk(2002, b, "other/thick.vmdk", False),
    )  # fmt: skip
    home = FilePlace(datastore=a, path="web/web.vmx")
    cells = MachineCells(
        site.graph, 1, Machine(definition=Definition(uuid="u", bios_uuid="u", name="web", home=home, devices=devices))
    )
    site.machines["u"] = cells
    cells.files.set(
        msgspec.structs.replace(cells.files.get(), files=(FileEntry(path="web/web-flat.vmdk", size=100, allocated=70),))
    )

    def uncommitted(datastore):
        return Datastore(site, "x", site.host.datastores[datastore], "y").summary().uncommitted

    assert (uncommitted(a), uncommitted(b)) == (30, 100)


@pytest.mark.parametrize("personality", ["HostAgent", "VirtualCenter"])
def test_all_that_it_says_can_be_sent(personality):
    site = small_site(personality=personality)
    [(id_, cell)] = site.host.datastores.items()
    face = Datastore(site, site.datastore_refs[id_].value, cell, "browser")
    said = {name: encoded(face, name) for name in face.props if not face.depends_on_caller(name)}
    assert said["capability"] and said["iormConfiguration"]
