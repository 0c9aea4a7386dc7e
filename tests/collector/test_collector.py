"""The property collector as clients meet it: section 1 of the protocol, row by row."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred

from vmsdk.wsdl import MoRef, vim

ROOT = MoRef("Folder", "ha-folder-root")
VIEWS = MoRef("ViewManager", "ViewManager")
PC = MoRef("PropertyCollector", "ha-property-collector")


def spec(ref, *paths, kind=None, select=(), skip=None, all=None, missing=None):
    return vim.PropertyFilterSpec(
        propSet=[vim.PropertySpec(type=kind or ref.type, pathSet=list(paths), all=all)],
        objectSet=[vim.ObjectSpec(obj=ref, skip=skip, selectSet=list(select))], reportMissingObjectsInResults=missing,
    )  # fmt: skip


def through(view):
    return [vim.TraversalSpec(name="v", type="ContainerView", path="view", skip=False)]


def retrieve(lab, *specs, client=None, most=None):
    client = client or lab.root
    result = client.call(PC, "RetrievePropertiesEx", specSet=list(specs), options=vim.RetrieveOptions(maxObjects=most))
    return result


def names_of(result):
    return [p.val for o in result.objects for p in o.propSet if p.name == "name"]


def container(lab, kind="VirtualMachine", client=None):
    return (client or lab.root).call(VIEWS, "CreateContainerView", container=ROOT, type=[kind], recursive=True)


class Watching:
    """One filter on a collector of its own, asked again and again."""

    def __init__(self, lab, filter_spec, partial=False):
        self.lab, self.client = lab, lab.root
        self.pc = self.client.call(PC, "CreatePropertyCollector")
        self.filter = self.client.call(self.pc, "CreateFilter", spec=filter_spec, partialUpdates=partial)
        self.version = ""

    def ask(self, version=None, **options):
        """What is new since `version`; None when nothing is."""
        update = self.client.call(
            self.pc, "WaitForUpdatesEx", version=self.version if version is None else version,
            options=vim.WaitOptions(maxWaitSeconds=0, **options),
        )  # fmt: skip
        if update is not None:
            self.version = update.version
        return update

    def told(self, **options):
        """(kind, object id, {path: value}) of each object update."""
        update = self.ask(**options)
        if update is None:
            return []
        return [(o.kind, o.obj.value, {c.name: c.val for c in o.changeSet}) for f in update.filterSet for o in f.objectSet]


# -- reading ------------------------------------------------------------------------------------------------------


def test_an_unknown_property_fails_the_whole_request(lab):
    vm = lab.vm("web")
    with pytest.raises(vim.InvalidProperty) as refused:
        retrieve(lab, spec(vm.ref, "name", "vmfolderx"))
    assert (refused.value.name, refused.value.msg) == ("vmfolderx", "")


def test_a_property_newer_than_the_client_is_unknown_to_it(lab):
    vm = lab.vm("web")
    assert retrieve(lab, spec(vm.ref, "config.rebootPowerOff")).objects[0].propSet[0].val is False
    old = lab.client("5.5").login()
    with pytest.raises(vim.InvalidProperty):
        retrieve(lab, spec(vm.ref, "config.rebootPowerOff"), client=old)


def test_what_is_newer_than_the_client_is_left_out_of_values(lab):
    vm = lab.vm("web")
    old = lab.client("4.1").login()
    content = old.call(MoRef("ServiceInstance", "ServiceInstance"), "RetrieveServiceContent")
    assert content.viewManager is not None
    assert b"guestOperationsManager" not in old.last.body
    assert old.get(vm, "config").name == "web"
    assert b"rebootPowerOff" not in old.last.body


@pytest.mark.shows("RetrievePropertiesEx")
def test_an_unset_property_is_absent(lab):
    vm = lab.vm("web")
    got = retrieve(lab, spec(vm.ref, "name", "snapshot", "runtime.bootTime", "parentVApp")).objects[0]
    assert ([p.name for p in got.propSet], got.missingSet) == (["name"], ())


def test_an_array_says_its_type_and_a_keyed_element_its_own(lab):
    vm = lab.vm("web", disk_kb=65536)
    get = lab.get(vm, "config.hardware.device", "config.hardware.device[2000]", "config.hardware.device[2000].backing.fileName",
                  "config.hardware.device[9999]")  # fmt: skip
    assert [d.key for d in get["config.hardware.device"]][-1] == 2000
    assert get["config.hardware.device[2000]"].capacityInKB == 65536
    assert get["config.hardware.device[2000].backing.fileName"].endswith("web.vmdk")
    assert "config.hardware.device[9999]" not in get


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "a..b",
        "name.",
        "[",
        "name[",
        "name[]",
        'name["',
        "config.hardware.device[4000",
        'config.hardware.device["x]y"].b',
        "config.hardware.device.key",
        "x" * 65536,
        "naïve",
    ],
)
def test_a_malformed_path_is_an_invalid_property(lab, path):
    vm = lab.vm("web")
    with pytest.raises(vim.InvalidProperty):
        retrieve(lab, spec(vm.ref, path))
    with pytest.raises(vim.InvalidProperty):
        lab.call(PC, "CreateFilter", spec=spec(vm.ref, path), partialUpdates=False)


def test_no_path_gives_the_references_alone_and_all_gives_everything_once(lab):
    vm = lab.vm("web")
    assert retrieve(lab, spec(vm.ref)).objects[0].propSet == ()
    got = [p.name for p in retrieve(lab, spec(vm.ref, "name", "name", all=True)).objects[0].propSet]
    assert len(got) == len(set(got)) and {"name", "config", "summary", "runtime"} <= set(got)


def test_a_base_type_in_a_property_spec_is_for_all_that_descend_from_it(lab):
    vm = lab.vm("web")
    assert names_of(retrieve(lab, spec(vm.ref, "name", kind="ManagedEntity"))) == ["web"]


def test_what_no_property_spec_asks_of_is_not_reported(lab):
    vm = lab.vm("web")
    assert retrieve(lab, spec(vm.ref, "name", kind="Datastore")) is None


def test_a_missing_root_fails_unless_the_client_wants_it_left_out(lab):
    gone = MoRef("VirtualMachine", "4711")
    with pytest.raises(vim.ManagedObjectNotFound) as refused:
        retrieve(lab, spec(gone, "name"))
    assert refused.value.obj == gone
    assert retrieve(lab, spec(gone, "name", missing=True)) is None


def test_recursive_and_cyclic_select_sets_report_each_object_once(lab):
    lab.vm("a"), lab.vm("b")
    names = vim.SelectionSpec
    visit = vim.TraversalSpec(
        name="visitFolders", type="Folder", path="childEntity", skip=False,
        selectSet=[names(name="visitFolders"), names(name="dcToVm"), names(name="vmToHost")],
    )  # fmt: skip
    into = vim.TraversalSpec(name="dcToVm", type="Datacenter", path="vmFolder", skip=False, selectSet=[names(name="visitFolders")])
    on = [names(name="hostToVm")]
    host = vim.TraversalSpec(name="vmToHost", type="VirtualMachine", path="runtime.host", skip=False, selectSet=on)
    back = vim.TraversalSpec(name="hostToVm", type="HostSystem", path="vm", skip=False, selectSet=[names(name="vmToHost")])
    everything = [visit, into, host, back]
    result = retrieve(lab, spec(ROOT, "name", kind="ManagedEntity", select=everything))
    refs = [o.obj for o in result.objects]
    assert len(refs) == len(set(refs))
    assert {"a", "b", "vm"} <= set(names_of(result))


def test_an_undefined_selection_name_is_an_invalid_argument(lab):
    with pytest.raises(vim.InvalidArgument):
        retrieve(lab, spec(ROOT, "name", select=[vim.SelectionSpec(name="nowhere")]))


def test_skip_leaves_the_object_out_but_not_its_descent(lab):
    lab.vm("web")
    view = container(lab)
    assert names_of(retrieve(lab, spec(view, "name", kind="VirtualMachine", select=through(view), skip=True))) == ["web"]


@pytest.mark.shows("ContinueRetrievePropertiesEx")
def test_pages_part_the_result(lab_of_three):
    lab = lab_of_three
    view = container(lab)
    asked = spec(view, "name", "snapshot", kind="VirtualMachine", select=through(view), skip=True)
    page = retrieve(lab, asked, most=1)
    pages = [page]
    while page.token:
        page = lab.call(PC, "ContinueRetrievePropertiesEx", token=page.token)
        pages.append(page)
    assert [len(p.objects) for p in pages] == [1, 1, 1]
    assert sorted(name for each in pages for name in names_of(each)) == ["vm-0001", "vm-0002", "vm-0003"]
    assert all(p.val is not None for page in pages for o in page.objects for p in o.propSet)


def test_a_token_is_good_once_and_in_its_session_only(lab_of_three):
    lab = lab_of_three
    view = container(lab)
    asked = spec(view, "name", kind="VirtualMachine", select=through(view), skip=True)
    token = retrieve(lab, asked, most=1).token
    other = lab.client().login()
    for client, calls in ((other, 1), (lab.root, 2)):
        for number in range(calls):
            if client is lab.root and number == 0:
                client.call(PC, "ContinueRetrievePropertiesEx", token=token)
                continue
            with pytest.raises(vim.InvalidProperty) as refused:
                client.call(PC, "ContinueRetrievePropertiesEx", token=token)
            assert refused.value.name == "token"


@pytest.mark.shows("CancelRetrievePropertiesEx")
def test_cancel_frees_the_token(lab_of_three):
    lab = lab_of_three
    view = container(lab)
    token = retrieve(lab, spec(view, "name", kind="VirtualMachine", select=through(view), skip=True), most=1).token
    lab.call(PC, "CancelRetrievePropertiesEx", token=token)
    with pytest.raises(vim.InvalidProperty):
        lab.call(PC, "ContinueRetrievePropertiesEx", token=token)


@pytest.mark.parametrize("most", [0, -1])
def test_no_objects_or_fewer_is_no_page_size(lab, most):
    with pytest.raises(vim.InvalidArgument):
        retrieve(lab, spec(ROOT, "name"), most=most)


# -- watching -----------------------------------------------------------------------------------------------------


def test_the_first_update_enters_every_object_with_unset_properties_without_value(lab):
    vm = lab.vm("web")
    watching = Watching(lab, spec(vm.ref, "name", "snapshot"))
    assert watching.told() == [("enter", vm.ref.value, {"name": "web", "snapshot": None})]
    assert watching.told() == []


@pytest.mark.shows("CreateFilter", "WaitForUpdatesEx", "CreatePropertyCollector")
def test_an_update_tells_what_changed_and_only_that(lab):
    vm, other = lab.vm("web"), lab.vm("other")
    view = container(lab)
    watching = Watching(lab, spec(view, "name", "runtime.powerState", kind="VirtualMachine", select=through(view), skip=True))
    watching.told()
    lab.run(vm, "PowerOnVM_Task")
    assert watching.told() == [("modify", vm.ref.value, {"runtime.powerState": "poweredOn"})]
    lab.run(other, "Rename_Task", newName="else")
    assert watching.told() == [("modify", other.ref.value, {"name": "else"})]


@pytest.mark.shows("CreateContainerView")
def test_objects_enter_and_leave_with_the_view(lab):
    lab.vm("a")
    view = container(lab)
    watching = Watching(lab, spec(view, "name", kind="VirtualMachine", select=through(view), skip=True))
    watching.told()
    new = lab.vm("b")
    assert watching.told() == [("enter", new.ref.value, {"name": "b"})]
    lab.run(new, "Destroy_Task")
    assert watching.told() == [("leave", new.ref.value, {})]


def test_what_comes_and_goes_between_two_looks_is_not_told(lab):
    view = container(lab)
    watching = Watching(lab, spec(view, "name", kind="VirtualMachine", select=through(view), skip=True))
    watching.told()
    lab.run(lab.vm("b"), "Destroy_Task")
    assert watching.told() == []


def test_a_complete_version_may_be_asked_again(lab):
    vm = lab.vm("web")
    watching = Watching(lab, spec(vm.ref, "name"))
    watching.told()
    old = watching.version
    lab.run(vm, "Rename_Task", newName="one")
    first = watching.ask(old)
    again = watching.ask(old)
    assert first == again
    lab.run(vm, "Rename_Task", newName="two")
    assert watching.ask(old).filterSet[0].objectSet[0].changeSet[0].val == "two"


@pytest.mark.parametrize("version", ["junk", "1", "9999.9999", "x" * 1_000_000])
def test_a_version_that_is_not_this_collectors_is_refused(lab, version):
    vm = lab.vm("web")
    watching, other = Watching(lab, spec(vm.ref, "name")), Watching(lab, spec(vm.ref, "name"))
    watching.told(), other.told()
    for wrong in (version, other.version):
        with pytest.raises(vim.InvalidCollectorVersion):
            watching.ask(wrong)


def test_a_cut_answer_says_so_and_its_version_gives_the_rest_once(lab_of_three):
    lab = lab_of_three
    view = container(lab)
    watching = Watching(lab, spec(view, "name", kind="VirtualMachine", select=through(view), skip=True))
    seen, update = [], watching.ask(maxObjectUpdates=2)
    cut = watching.version
    assert update.truncated is True
    seen += [o.obj.value for o in update.filterSet[0].objectSet]
    update = watching.ask(maxObjectUpdates=2)
    assert update.truncated in (None, False)
    seen += [o.obj.value for o in update.filterSet[0].objectSet]
    assert len(seen) == len(set(seen)) == 3
    with pytest.raises(vim.InvalidCollectorVersion):
        watching.ask(cut)


def test_a_wait_is_answered_by_the_change_it_waits_for(lab):
    vm = lab.vm("web")
    seen = lab.watch(vm, "name")
    lab.run(vm, "Rename_Task", newName="www")
    assert seen == ["web", "www"]


def test_a_wait_ends_empty_when_its_time_is_over(lab):
    vm = lab.vm("web")
    watching = Watching(lab, spec(vm.ref, "name"))
    watching.told()
    waiting = lab.root.start(watching.pc, "WaitForUpdatesEx", version=watching.version, options=vim.WaitOptions(maxWaitSeconds=60))
    assert isinstance(waiting, Deferred)
    outcome = []
    waiting.addBoth(outcome.append)
    lab.advance(59)
    assert outcome == []
    lab.advance(1)
    assert lab.root.result("WaitForUpdatesEx", outcome[0]) is None


@pytest.mark.parametrize("options", [{"maxWaitSeconds": -1}, {"maxObjectUpdates": 0}, {"maxObjectUpdates": -5}])
def test_impossible_wait_options_are_refused(lab, options):
    vm = lab.vm("web")
    watching = Watching(lab, spec(vm.ref, "name"))
    with pytest.raises(vim.InvalidArgument):
        lab.call(watching.pc, "WaitForUpdatesEx", version="", options=vim.WaitOptions(**options))


@pytest.mark.shows("CancelWaitForUpdates", "DestroyPropertyCollector")
def test_cancel_and_destroy_end_the_waits_of_a_collector(lab):
    vm = lab.vm("web")
    for end in ("CancelWaitForUpdates", "DestroyPropertyCollector"):
        watching = Watching(lab, spec(vm.ref, "name"))
        watching.told()
        outcome = []
        lab.root.start(watching.pc, "WaitForUpdatesEx", version=watching.version).addBoth(outcome.append)
        lab.call(watching.pc, end)
        with pytest.raises(vim.RequestCanceled):
            lab.root.result("WaitForUpdatesEx", outcome[0])


@pytest.mark.shows("DestroyPropertyFilter")
def test_a_destroyed_filter_is_silent_and_a_new_one_is_told(lab):
    vm = lab.vm("web")
    watching = Watching(lab, spec(vm.ref, "name"))
    watching.told()
    lab.call(watching.filter, "DestroyPropertyFilter")
    second = lab.call(watching.pc, "CreateFilter", spec=spec(vm.ref, "runtime.powerState"), partialUpdates=False)
    update = watching.ask()
    assert [f.filter for f in update.filterSet] == [second.ref]
    assert [o.kind for o in update.filterSet[0].objectSet] == ["enter"]
    with pytest.raises(vim.ManagedObjectNotFound):
        lab.call(watching.filter, "DestroyPropertyFilter")


def test_memory_returns_when_filters_go(lab):
    vm = lab.vm("web")
    slots = vm.client and lab.daemon.inventory.get(vm.ref.value).slots
    watching = [Watching(lab, spec(vm.ref, "name")) for _ in range(10)]
    assert len(slots["name"].watchers) == 10
    for each in watching:
        lab.call(each.pc, "DestroyPropertyCollector")
    assert slots["name"].watchers == []
