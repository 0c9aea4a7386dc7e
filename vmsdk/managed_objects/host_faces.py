"""Makes the host's faces: HostSystem and every manager of HOST_MANAGERS that this side has.

Law: a manager that we have nothing for yet is a bare face: it exists, has its type and no properties, and says NotImplemented
to all that is asked of it. `build` leaves out those that ServiceContent has as well (licences, accounts, the user directory).
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from ..engine.managed_object import ManagedObject
from ..engine.personality import HOST_MANAGERS
from ..engine.site import Site
from . import host_network_system as networks
from . import host_small_systems as small
from . import host_storage_system as storage
from .host_local_account_manager import HostLocalAccountManager
from .host_options import ADVANCED_OPTIONS
from .host_programs import look, look_nowhere
from .host_service_system import HostFirewallSystem, HostServiceSystem, Look
from .host_summary_facts import manager
from .host_system import HostSystem
from .option_manager import OptionManager
from .user_directory import UserDirectory

Make = Callable[[Site, str], ManagedObject]


def plain(kind: type[ManagedObject]) -> Make:
    """Of a face that needs nothing of its site."""
    return lambda site, value: kind(site.graph, value)


def bare(wire_type: str) -> Make:
    """Of a face that only exists."""
    return plain(type(wire_type, (ManagedObject,), {"__doc__": "Only exists yet.", "__module__": __name__}))


def _services(site: Site, value: str) -> ManagedObject:
    return HostServiceSystem(site, value, _look(site))


def _look(site: Site) -> Look:
    """Look at this machine only where it is the host."""
    uri = site.settings.hypervisor
    here = site.host.host.get().accelerator != "simulated" and uri != "simulated" and not urlsplit(uri).netloc
    return look if here else look_nowhere


def _options(site: Site, value: str) -> ManagedObject:
    return OptionManager(site, value, ADVANCED_OPTIONS)


MAKERS: dict[str, Make] = {
    "HostNetworkSystem": networks.HostNetworkSystem,
    "HostVirtualNicManager": networks.HostVirtualNicManager,
    "HostVMotionSystem": networks.HostVMotionSystem,
    "HostStorageSystem": storage.HostStorageSystem,
    "HostDatastoreSystem": storage.HostDatastoreSystem,
    "HostServiceSystem": _services,
    "HostFirewallSystem": plain(HostFirewallSystem),
    "OptionManager": _options,
    "UserDirectory": UserDirectory,
    "HostLocalAccountManager": HostLocalAccountManager,
    "HostDateTimeSystem": small.HostDateTimeSystem,
    "HostAutoStartManager": plain(small.HostAutoStartManager),
    "HostCpuSchedulerSystem": small.HostCpuSchedulerSystem,
    "HostHealthStatusSystem": plain(small.HostHealthStatusSystem),
    "HostPciPassthruSystem": small.HostPciPassthruSystem,
    "HostAuthenticationManager": plain(small.HostAuthenticationManager),
    "HostAccessManager": plain(small.HostAccessManager),
    "HostSnmpSystem": plain(small.HostSnmpSystem),
    "HostGraphicsManager": plain(small.HostGraphicsManager),
    "HostVsanSystem": plain(small.HostVsanSystem),
}


def host_faces(site: Site) -> list[ManagedObject]:
    """All of them, HostSystem first."""
    faces: list[ManagedObject] = [HostSystem(site)]
    for field, (kind, _, _) in HOST_MANAGERS.items():
        ref = manager(site, field)
        if ref is not None:
            make = MAKERS.get(kind) or bare(kind)
            faces.append(make(site, ref.value))
    return faces
