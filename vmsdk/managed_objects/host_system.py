"""HostSystem: the face of the host. Facts are in `host_*_facts`; what is set up through managers is their faces'."""

from __future__ import annotations

from typing import Any

from ..engine.call import Call
from ..engine.managed_object import operation, prop
from ..engine.site import Site
from ..wsdl import MoRef, vim
from . import host_hardware_facts as hardware
from . import host_summary_facts as facts
from .host_capability_facts import capability
from .host_config_facts import config
from .managed_entity import ManagedEntity

# What needs a centre above the host, or a state that this host is never in.
DISABLED = (
    "ExitMaintenanceMode_Task", "PowerUpHostFromStandBy_Task", "ReconnectHost_Task", "ReconfigureHostForDAS_Task",
)  # fmt: skip


class HostSystem(ManagedEntity):
    def __init__(self, site: Site):
        super().__init__(site, site.personality.fixed["host"])

    @prop
    def name(self) -> str:
        return self.site.host.host.get().name

    @prop
    def parent(self) -> MoRef:
        return self.site.fixed("compute", "ComputeResource")

    @prop
    def overallStatus(self) -> str:
        return facts.status(self.site)

    @prop
    def disabledMethod(self) -> list[str]:
        return list(DISABLED) if self.site.personality.column else ["DisconnectHost_Task", *DISABLED]

    @prop
    def runtime(self) -> Any:
        return facts.runtime(self.site)

    @prop
    def summary(self) -> Any:
        return facts.summary(self.site)

    @prop
    def hardware(self) -> Any:
        return hardware.hardware(self.site)

    @prop
    def capability(self) -> Any:
        return capability(self.site)

    @prop
    def licensableResource(self) -> Any:
        return facts.licensable(self.site)

    @prop
    def configManager(self) -> Any:
        return facts.config_manager(self.site)

    @prop
    def config(self) -> Any:
        return config(self.site)

    @prop
    def vm(self) -> tuple[MoRef, ...]:
        return self.site.host.machine_refs.get()

    @prop
    def datastore(self) -> tuple[MoRef, ...]:
        return self.site.host.datastore_refs.get()

    @prop
    def network(self) -> tuple[MoRef, ...]:
        return self.site.host.network_refs.get()

    @prop
    def datastoreBrowser(self) -> MoRef:
        return self.site.fixed("host_browser", "HostDatastoreBrowser")

    @prop
    def systemResources(self) -> Any:
        return facts.system_resources(self.site)

    @operation
    def RetrieveHardwareUptime(self, call: Call) -> int:
        """Seconds since the host was started."""
        return max(0, int(self.site.clock.seconds() - self.site.host.host.get().booted))

    @operation
    def QueryHostConnectionInfo(self, call: Call) -> Any:
        """What a centre asks before it takes a host: all summaries at once."""
        site = self.site
        return vim.HostConnectInfo(
            host=self.summary(), vm=self._summaries(self.vm(), call), vimAccountNameRequired=False, clusterSupported=False,
            network=[vim.HostConnectInfoNetworkInfo(summary=s) for s in self._summaries(site.host.network_refs.get(), call)],
            datastore=[vim.HostDatastoreConnectInfo(summary=s) for s in self._summaries(site.host.datastore_refs.get(), call)],
            capability=self.capability(),
        )  # fmt: skip

    def _summaries(self, refs: tuple[MoRef, ...], call: Call) -> list[Any]:
        faces = (self.site.inventory.get(ref.value) for ref in refs)
        return [summary for face in faces if face is not None and (summary := face.read("summary", call)) is not None]
