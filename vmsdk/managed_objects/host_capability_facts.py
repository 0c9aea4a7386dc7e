"""HostCapability: what this server can do, said for every switch that the contract has.

Law: a switch is False unless the house really does it. When an operation comes, its switch moves here in the same change.
"""

from __future__ import annotations

from typing import Any

from ..engine.site import Site
from ..wsdl import CONTRACT, vim

HAD = frozenset({
    "highGuestMemSupported", "nfsSupported", "preAssignedPCIUnitNumbersSupported",
    "vmCreateDateSupported", "virtualExecUsageIgnored", "virtualMmuUsageIgnored",
})  # fmt: skip
# Facts of the board that no record holds: unset, not False.
UNKNOWN = frozenset({"txtEnabled", "uefiSecureBoot", "iommuSLDirtyCapable", "monitorUnrestricted", "reliableMemoryAware"})
MIB = 1 << 20


def capability(site: Site) -> Any:
    host, networks = site.host.host.get(), site.host.networks.get()
    made = vim.HostCapability()
    for field in CONTRACT.data("HostCapability").fields:
        if field.type == "xsd:boolean" and field.name not in UNKNOWN:
            setattr(made, field.name, field.name in HAD)
    made.vlanTaggingSupported = any(network.kind == "openvswitch" for network in networks)
    made.cpuHwMmuSupported = True if host.accelerator == "kvm" else None
    made.maxSupportedVMs = made.maxRunningVMs = 0  # no limit of ours
    made.maxSupportedVcpus = host.max_cpus_per_machine
    made.maxSupportedVmMemory = host.memory // MIB
    made.maxSupportedSimultaneousThreads = 1
    made.replayUnsupportedReason = "incompatibleProduct"
    made.ftCompatibilityIssues = made.smpFtCompatibilityIssues = ["unsupportedProduct"]
    return made
