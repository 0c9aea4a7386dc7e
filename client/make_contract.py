"""Writes the reduced contract that `vmctl` carries: `python client/make_contract.py`, at build time only.

Law: the one place of the client that reads `vmsdk`; what it writes (`client/vmctl/contract/`) is committed, and a test fails
when it is stale. An operation that `vmctl` shall know is one more word in `_WORDS`; every subtype of what it
reaches comes with it, so look at the time `vmctl` takes to start when adding one.
"""

from __future__ import annotations

from pathlib import Path

from vmsdk.wsdl import CONTRACT, DEFAULT_VERSION
from vmsdk.wsdl.documents import Documents

PLACE = Path(__file__).parent / "vmctl" / "contract"
# Login, reading and waiting; finding; machines; any object of the inventory; files; tasks; the host.
_WORDS = """
    RetrieveServiceContent CurrentTime Login Logout SessionIsActive
    CreateContainerView DestroyView RetrievePropertiesEx ContinueRetrievePropertiesEx CancelRetrievePropertiesEx
    CreateFilter DestroyPropertyFilter CreatePropertyCollector DestroyPropertyCollector WaitForUpdatesEx CancelWaitForUpdates

    FindByUuid FindByInventoryPath FindByDatastorePath FindByIp FindByDnsName

    CreateVM_Task RegisterVM_Task ReconfigVM_Task UnregisterVM UpgradeVM_Task AnswerVM AcquireTicket
    PowerOnVM_Task PowerOffVM_Task ResetVM_Task SuspendVM_Task ShutdownGuest RebootGuest StandbyGuest TerminateVM
    CreateSnapshot_Task RevertToCurrentSnapshot_Task RevertToSnapshot_Task RemoveSnapshot_Task RemoveAllSnapshots_Task RenameSnapshot

    Rename_Task Destroy_Task Reload CreateFolder MoveIntoFolder_Task

    SearchDatastore_Task SearchDatastoreSubFolders_Task RefreshDatastore MakeDirectory DeleteDatastoreFile_Task
    MoveDatastoreFile_Task CopyDatastoreFile_Task CreateVirtualDisk_Task DeleteVirtualDisk_Task

    CancelTask

    EnterMaintenanceMode_Task ExitMaintenanceMode_Task RebootHost_Task ShutdownHost_Task
"""
OPERATIONS = frozenset(_WORDS.split())


def files() -> dict[str, bytes]:
    """Every file of the contract by name, for the newest served version."""
    made = Documents(CONTRACT, CONTRACT.versions.index(DEFAULT_VERSION), operations=OPERATIONS)
    return {name: made.get(name) or b"" for name in made.names() if name.endswith((".wsdl", ".xsd"))}


if __name__ == "__main__":
    PLACE.mkdir(exist_ok=True)
    for name, content in files().items():
        (PLACE / name).write_bytes(content)
