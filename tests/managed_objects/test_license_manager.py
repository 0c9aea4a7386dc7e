"""One open licence, and the small managers that only name what there is."""

from __future__ import annotations

import pytest

from tests.lab import Lab
from vmsdk.engine.personality import PERSONALITIES
from vmsdk.wsdl import MoRef, vim

INSTANCE = MoRef("ServiceInstance", "ServiceInstance")


@pytest.fixture(params=sorted(PERSONALITIES))
def either(request, tmp_path):
    return Lab(tmp_path, personality=request.param)


@pytest.mark.shows("QueryAssignedLicenses", "DecodeLicense")
def test_the_host_runs_under_the_open_licence(either):
    lab = either
    content = lab.root.call(INSTANCE, "RetrieveServiceContent")
    manager = content.licenseManager
    [licence] = lab.get(manager, "licenses")
    assert licence.total == 0
    assert lab.get(manager, "source").licenseKeys == licence.licenseKey
    assert lab.get(manager, "licensedEdition") == licence.editionKey
    assert list(lab.get(manager, "evaluation").properties or []) == []
    assert lab.call(manager, "DecodeLicense", licenseKey=licence.licenseKey) == licence
    host = MoRef("HostSystem", lab.daemon.personality.fixed["host"])
    assigned = lab.get(manager, "licenseAssignmentManager")
    [one] = lab.call(assigned, "QueryAssignedLicenses", entityId=host.value)
    assert (one.entityId, one.assignedLicense, one.entityDisplayName) == (host.value, licence, lab.get(host, "name"))
    assert lab.call(assigned, "QueryAssignedLicenses") == [one]
    assert lab.call(assigned, "QueryAssignedLicenses", entityId="other") == []
    assert lab.missing == []


def test_no_other_key_is_known_and_ours_stays(lab):
    manager = MoRef("LicenseManager", "ha-license-manager")
    for method in ("AddLicense", "UpdateLicense", "RemoveLicense", "DecodeLicense"):
        with pytest.raises(vim.InvalidArgument):
            lab.call(manager, method, licenseKey="AAAAA-BBBBB-CCCCC-DDDDD-EEEEE")
    [licence] = lab.get(manager, "licenses")
    with pytest.raises(vim.NotSupported):
        lab.call(manager, "RemoveLicense", licenseKey=licence.licenseKey)


def test_every_manager_inside_guests_exists(either):
    lab = either
    content = lab.root.call(INSTANCE, "RetrieveServiceContent")
    manager = content.guestOperationsManager
    names = ("authManager", "fileManager", "processManager", "guestWindowsRegistryManager", "aliasManager")
    found = lab.get(manager, *names)
    assert set(found) == set(names)
    for ref in found.values():
        assert lab.daemon.inventory.find(ref).ref == ref
    assert lab.get(content.localizationManager, "catalog") == []
