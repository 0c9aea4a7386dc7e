"""What an operation needs where the contract names no privilege: operation -> (privilege, where).

Law: `where` is `self` (the object called) or a parameter's name. No entry here and none in the contract means refused, never open; OWN
marks objects that belong to the session that made them, SIGNED_IN what any login may do.
"""

from __future__ import annotations

from ..wsdl import Method

OWN = "own"
SIGNED_IN = "signed in"
ANONYMOUS = "System.Anonymous"

OPERATIONS: dict[str, tuple[tuple[str, str], ...]] = {
    "ReconfigVM_Task": (("VirtualMachine.Config.Settings", "self"),),
    "Rename_Task": (("VirtualMachine.Config.Rename", "self"),),
    "Destroy_Task": (("VirtualMachine.Inventory.Delete", "self"),),
    "MoveIntoFolder_Task": (("VirtualMachine.Inventory.Move", "self"),),
    "CloneVM_Task": (("VirtualMachine.Provisioning.Clone", "self"),),
    "AcquireTicket": (("VirtualMachine.Interact.ConsoleInteract", "self"),),
    # These name files: the right is asked by the operation, of the datastore that the path names.
    "SearchDatastore_Task": ((SIGNED_IN, "self"),),
    "SearchDatastoreSubFolders_Task": ((SIGNED_IN, "self"),),
    "CopyDatastoreFile_Task": ((SIGNED_IN, "self"),),
    "MoveDatastoreFile_Task": ((SIGNED_IN, "self"),),
    "MakeDirectory": ((SIGNED_IN, "self"),),
    "DeleteDatastoreFile_Task": ((SIGNED_IN, "self"),),
    "CancelTask": ((SIGNED_IN, "self"),),
    "UpdateOptions": (("Global.Settings", "self"),),
    "RetrieveUserGroups": ((SIGNED_IN, "self"),),
    "DestroyPropertyFilter": ((OWN, "self"),),
    "SetCollectorPageSize": ((OWN, "self"),),
    "RewindCollector": ((OWN, "self"),),
    "ResetCollector": ((OWN, "self"),),
    "DestroyCollector": ((OWN, "self"),),
    "ReadNextEvents": ((OWN, "self"),),
    "ReadPreviousEvents": ((OWN, "self"),),
    "ReadNextTasks": ((OWN, "self"),),
    "ReadPreviousTasks": ((OWN, "self"),),
    "ModifyListView": ((OWN, "self"),),
    "ResetListView": ((OWN, "self"),),
    "ResetListViewFromView": ((OWN, "self"),),
    "setCustomValue": (("Global.SetCustomField", "self"),),
    "LogUserEvent": (("Global.LogEvent", "entity"),),
    "UpdateConfig": (("Resource.EditPool", "self"),),
    "MoveIntoResourcePool": (("Resource.AssignVMToPool", "self"),),
    "AddVirtualNic": (("Host.Config.Network", "self"),),
    "UpdateVirtualNic": (("Host.Config.Network", "self"),),
    "UpdateNetworkConfig": (("Host.Config.Network", "self"),),
}


def needed(method: Method) -> tuple[tuple[str, str], ...] | None:
    """All (privilege, where) pairs of an operation; None where nobody said any: refused."""
    pairs: list[tuple[str, str]] = []
    if method.privilege:
        pairs.append((method.privilege, "self"))
    pairs += [(p.privilege, p.name) for p in method.params if p.privilege]
    pairs += OPERATIONS.get(method.name, ())
    return tuple(pairs) or None
