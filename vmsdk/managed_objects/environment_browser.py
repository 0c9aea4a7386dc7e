"""EnvironmentBrowser: what machines can have here. Says what this host's QEMU can really do, no more."""

from __future__ import annotations

from typing import Any

from ..engine.call import Call
from ..engine.managed_object import ManagedObject, operation, prop
from ..engine.site import Site
from ..wsdl import MoRef, vim
from .config_option import NEWEST, config_option, hardware_key

HARDWARE = hardware_key(NEWEST)


class EnvironmentBrowser(ManagedObject):
    """`browser` is the datastore browser of a compute resource; a machine's own has none."""

    def __init__(self, site: Site, value: str, browser: MoRef | None = None):
        super().__init__(site.graph, value)
        self.site, self._browser = site, browser

    @prop
    def datastoreBrowser(self) -> MoRef | None:
        return self._browser

    @operation
    def QueryConfigOptionDescriptor(self, call: Call) -> list[Any]:
        host = [self.site.fixed("host", "HostSystem")]
        return [
            vim.VirtualMachineConfigOptionDescriptor(
                key=HARDWARE, description=HARDWARE, host=host, createSupported=True, defaultConfigOption=True, runSupported=True,
                upgradeSupported=True,
            )
        ]  # fmt: skip

    def _our_host(self, host: MoRef | None, call: Call, argument: str) -> None:
        if host is not None and self.site.inventory.find(host, call.session).ref != self.site.fixed("host", "HostSystem"):
            raise vim.InvalidArgument(invalidProperty=argument)

    @operation
    def QueryConfigOption(self, call: Call, key: str | None = None, host: MoRef | None = None) -> Any:
        """Everything that a machine of a hardware version may be. InvalidArgument `key`."""
        self._our_host(host, call, "host")
        return config_option(self.site, key)

    @operation
    def QueryConfigOptionEx(self, call: Call, spec: Any = None) -> Any:
        """The same, for some guests alone where the spec names them. InvalidArgument `spec.guestId` where none is known."""
        if spec is None:
            return config_option(self.site, None)
        self._our_host(spec.host, call, "spec.host")
        return config_option(self.site, spec.key, spec.guestId or ())

    @operation
    def QueryTargetCapabilities(self, call: Call, host: MoRef | None = None) -> Any:
        self._our_host(host, call, "host")
        return self.site.inventory.find(self.site.fixed("host", "HostSystem")).read("capability", call)

    @operation
    def QueryConfigTarget(self, call: Call, host: MoRef | None = None) -> Any:
        facts, site = self.site.host.host.get(), self.site
        networks = [
            vim.VirtualMachineNetworkInfo(name=n.name, network=vim.NetworkSummary(
                network=site.network_numbers[n.name], name=n.name, accessible=True, ipPoolName=""))
            for n in site.host.networks.get() if n.name in site.network_numbers
        ]  # fmt: skip
        stores = []
        for ref in site.host.datastore_refs.get():
            face = site.inventory.get(ref.value)
            if face is not None:
                info = vim.VirtualMachineDatastoreInfo(
                    name=face.read("name", None), datastore=face.read("summary", None), capability=face.read("capability", None),
                    maxFileSize=(1 << 63) - 1, mode="readWrite",
                )  # fmt: skip
                stores.append(info)
        return vim.ConfigTarget(
            numCpus=facts.max_cpus_per_machine, numCpuCores=facts.cpu_cores, numNumaNodes=max(1, len(facts.numa)),
            datastore=stores, network=networks, autoVmotion=False, maxMemMBOptimalPerf=facts.memory >> 20,
            supportedMaxMemMB=facts.memory >> 20, smcPresent=False,
        )  # fmt: skip

