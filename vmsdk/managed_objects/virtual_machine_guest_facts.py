"""What the system inside a machine tells of itself: guest, its summary and its heartbeat.

Law: the QEMU agent stands where VMware's tools would. Without one that answers, everything of the guest is unset and the tools are
"not installed"; nothing is guessed.
"""

from __future__ import annotations

from typing import Any

from ..engine.guest_os import full_name, guests
from ..engine.machine import MachineCells
from ..engine.site import Site
from ..hypervisor.records import Definition, Guest, Nic, Power
from ..wsdl import vim


def heartbeat(cells: MachineCells) -> str:
    return "green" if cells.power.get().power is Power.ON and cells.guest.get().agent else "gray"


def guest(site: Site, cells: MachineCells) -> Any:
    """GuestInfo. The QEMU agent stands where VMware's tools would."""
    g, d = cells.guest.get(), cells.defined
    on = cells.power.get().power is Power.ON
    ready = g.agent and on
    facts: dict[str, Any] = {}
    if ready:
        addresses = [a.address for nic in g.nics for a in nic.addresses if a.kind == "ipv4" and not a.address.startswith("127.")]
        facts = {
            "toolsInstallType": "guestToolsTypeUnknown", "guestId": d.guest_id, "guestFullName": g.os_name or full_name(d.guest_id),
            "guestFamily": guests()[d.guest_id].family if d.guest_id in guests() else "otherGuestFamily",
            "hostName": g.hostname or None,
            "ipAddress": addresses[0] if addresses else None, "hwVersion": d.hardware_version,
            "guestDetailedData": _detailed(g),
            "net": [_guest_nic(nic, d) for nic in g.nics if nic.mac and not nic.mac.startswith("00:00:00:00")],
            "disk": [vim.GuestDiskInfo(diskPath=k.mount, capacity=k.capacity, freeSpace=k.free, filesystemType=k.filesystem or None)
                     for k in g.disks],
        }  # fmt: skip
    version = g.agent_version or "0"
    return vim.GuestInfo(
        toolsStatus="toolsOk" if ready else "toolsNotRunning" if not on and g.agent else "toolsNotInstalled",
        toolsVersionStatus="guestToolsUnmanaged" if ready else "guestToolsNotInstalled",
        toolsVersionStatus2="guestToolsUnmanaged" if ready else "guestToolsNotInstalled",
        toolsRunningStatus="guestToolsRunning" if ready else "guestToolsNotRunning",
        toolsVersion=_tools_number(version) if ready else "0", guestState="running" if ready else "notRunning",
        screen=vim.GuestScreenInfo(width=0, height=0), appHeartbeatStatus="appStatusGray", appState="none",
        guestOperationsReady=ready, interactiveGuestOperationsReady=False, guestStateChangeSupported=ready,
        guestKernelCrashed=False, **facts,
    )  # fmt: skip


def _detailed(g: Guest) -> str | None:
    """What the agent knows of the system inside, as tools spell it: `bitness='64' distroName='…' …`."""
    family = "Windows" if g.os_id == "mswindows" else "Linux" if g.kernel and "bsd" not in g.os_id else ""
    bits = {"x86_64": "64", "amd64": "64", "i386": "32", "i686": "32", "x86": "32"}.get(g.architecture.lower(), "")
    facts = {
        "architecture": "X86" if bits else g.architecture, "bitness": bits, "distroName": g.os_id, "distroVersion": g.os_version,
        "familyName": family, "kernelVersion": g.kernel, "prettyName": g.os_name,
    }  # fmt: skip
    facts = {key: value.replace("'", "") for key, value in facts.items() if value}
    return " ".join(f"{key}='{value}'" for key, value in facts.items()) or None


def _tools_number(version: str) -> str:
    """The agent's version as one number, as tools have theirs: 7.2.1 -> 7233."""
    parts = [int(p) if p.isdigit() else 0 for p in [*version.split("."), "0", "0"][:3]]
    return str(parts[0] * 1024 + parts[1] * 32 + parts[2])


def _guest_nic(nic: Any, definition: Definition) -> Any:
    card = next((d for d in definition.devices if isinstance(d, Nic) and d.mac == nic.mac.lower()), None)
    addresses = [vim.NetIpConfigInfoIpAddress(ipAddress=a.address, prefixLength=a.prefix, state="preferred") for a in nic.addresses]
    return vim.GuestNicInfo(
        network=card.network if card is not None else None, ipAddress=[a.address for a in nic.addresses], macAddress=nic.mac,
        connected=True, deviceConfigId=card.key if card is not None else -1,
        ipConfig=vim.NetIpConfigInfo(ipAddress=addresses) if addresses else None,
    )  # fmt: skip


def guest_summary(full: Any) -> Any:
    return vim.VirtualMachineGuestSummary(
        guestId=full.guestId, guestFullName=full.guestFullName, toolsStatus=full.toolsStatus,
        toolsVersionStatus=full.toolsVersionStatus, toolsVersionStatus2=full.toolsVersionStatus2,
        toolsRunningStatus=full.toolsRunningStatus, hostName=full.hostName, ipAddress=full.ipAddress, hwVersion=full.hwVersion,
    )  # fmt: skip
