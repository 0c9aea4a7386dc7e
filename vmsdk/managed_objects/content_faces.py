"""Makes the faces that ServiceContent and the compute resource name.

Law: a manager that we have nothing for yet is a bare face: it exists, has its type and no properties, and says NotImplemented to all
that is asked of it.
"""

from __future__ import annotations

from collections.abc import Callable

from ..engine.managed_object import ManagedObject
from ..engine.personality import MANAGERS
from ..engine.site import Site
from ..wsdl import MoRef
from .authorization_manager import AuthorizationManager
from .compute_resource import ComputeResource
from .custom_fields_manager import CustomFieldsManager
from .environment_browser import EnvironmentBrowser
from .event_manager import EventManager
from .file_manager import FileManager
from .guest_operations_manager import INSIDE, GuestOperationsManager, inside
from .host_datastore_browser import HostDatastoreBrowser
from .host_local_account_manager import HostLocalAccountManager
from .license_assignment_manager import LicenseAssignmentManager
from .license_manager import LicenseManager
from .localization_manager import LocalizationManager
from .option_manager import OptionManager
from .performance_manager import PerformanceManager
from .resource_pool import ResourcePool
from .task_manager import TaskManager
from .user_directory import UserDirectory
from .virtual_disk_manager import VirtualDiskManager

# Made where the server is put together: they need more than their site.
ELSEWHERE = ("rootFolder", "propertyCollector", "viewManager", "sessionManager", "searchIndex")
MAKERS: dict[str, Callable[[Site], ManagedObject]] = {
    "taskManager": TaskManager,
    "eventManager": EventManager,
    "perfManager": PerformanceManager,
    "authorizationManager": AuthorizationManager,
    "virtualDiskManager": VirtualDiskManager,
    "userDirectory": lambda site: UserDirectory(site, site.personality.manager("userDirectory")[1]),
    "accountManager": lambda site: HostLocalAccountManager(site, site.personality.manager("accountManager")[1]),
    "customFieldsManager": CustomFieldsManager,
    "fileManager": FileManager,
    "licenseManager": LicenseManager,
    "localizationManager": LocalizationManager,
    "guestOperationsManager": GuestOperationsManager,
    "setting": lambda site: OptionManager(site, site.personality.manager("setting")[1]),
}


def bare(wire_type: str, site: Site, value: str) -> ManagedObject:
    """A face that only exists."""
    return type(wire_type, (ManagedObject,), {"__doc__": "Only exists yet.", "__module__": __name__})(site.graph, value)


def content_faces(site: Site) -> list[ManagedObject]:
    """Everything that this side's ServiceContent names, and the compute resource with what belongs to it."""
    browser = MoRef("HostDatastoreBrowser", site.personality.fixed["host_browser"])
    made: list[ManagedObject] = [
        ComputeResource(site),
        ResourcePool(site),
        EnvironmentBrowser(site, site.personality.fixed["compute_environment"], browser),
        HostDatastoreBrowser(site, browser.value, None),
        LicenseAssignmentManager(site),
        *(bare(inside(site, name).type, site, inside(site, name).value) for name in INSIDE),
    ]
    for field in MANAGERS:
        kind, value = site.personality.manager(field)
        if value and field not in ELSEWHERE:
            maker = MAKERS.get(field)
            made.append(maker(site) if maker is not None else bare(kind, site, value))
    return made
