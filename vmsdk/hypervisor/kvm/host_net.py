"""The host's own network: cards, addresses, name servers, the way out."""

from __future__ import annotations

import ipaddress
import json
import re
import socket
import subprocess
from typing import Any

from ..records import GuestAddress, HostInterface, PhysicalNic
from .host_files import HostFiles

NET = "/sys/class/net"


def physical_nics(files: HostFiles) -> tuple[PhysicalNic, ...]:
    """Cards with a device behind them; what the kernel made up (bridges, taps, loopback) is none."""
    found = []
    for name in files.names(NET):
        device = f"{NET}/{name}/device"
        if not files.exists(device):
            continue
        speed = files.number(f"{NET}/{name}/speed")
        up = files.text(f"{NET}/{name}/carrier") == "1"
        # Virtual cards tell no speed; one that is up counts as the slowest that is in use today.
        found.append(
            PhysicalNic(
                name=name,
                mac=files.text(f"{NET}/{name}/address"),
                driver=files.target(f"{device}/driver"),
                pci=_pci(files, device),
                speed_mbit=(speed if speed and speed > 0 else 1000) if up else None,
                duplex=files.text(f"{NET}/{name}/duplex") != "half",
            )
        )
    return tuple(found)


def _pci(files: HostFiles, device: str) -> str:
    """The PCI address of a card, of its parent where the card is a virtio device."""
    addresses = re.findall(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]", files.real(device))
    return addresses[-1] if addresses else ""


def interfaces(files: HostFiles, told: list[dict[str, Any]]) -> tuple[HostInterface, ...]:
    """Interfaces with addresses. `told`: what `ask_ip` answered."""
    found = []
    for one in told:
        rows = [row for row in one.get("addr_info", ()) if row.get("local") and row.get("scope") != "host"]
        addresses = tuple(
            GuestAddress(
                address=row["local"],
                prefix=row.get("prefixlen", 0),
                kind="ipv6" if row.get("family") == "inet6" else "ipv4",
            )
            for row in rows
        )
        if addresses:
            name = str(one.get("ifname", ""))
            dhcp = any(row.get("dynamic") and row.get("family") == "inet" for row in rows)
            found.append(
                HostInterface(
                    name=name,
                    mac=one.get("address", "") or files.text(f"{NET}/{name}/address"),
                    mtu=one.get("mtu", 1500),
                    addresses=addresses,
                    dhcp=dhcp,
                )
            )
    return tuple(found)


def ask_ip() -> list[dict[str, Any]]:
    """`ip -json address`; nothing where the program is not there."""
    try:
        done = subprocess.run(["ip", "-json", "address"], capture_output=True, timeout=5, check=True)
        told = json.loads(done.stdout or b"[]")
    except (OSError, subprocess.SubprocessError, ValueError):
        return []
    return [one for one in told if isinstance(one, dict)]


def gateway(files: HostFiles) -> str:
    """The IPv4 default route's, or IPv6's where there is no other, or empty."""
    best: tuple[int, str] | None = None
    for line in files.text("/proc/net/route").splitlines()[1:]:
        words = line.split()
        if len(words) > 7 and words[1] == "00000000" and words[7] == "00000000" and int(words[3], 16) & 2:
            address = str(ipaddress.IPv4Address(int(words[2], 16).to_bytes(4, "little")))
            best = min(filter(None, (best, (int(words[6]), address))))
    if best:
        return best[1]
    for line in files.text("/proc/net/ipv6_route").splitlines():
        words = line.split()
        if len(words) > 9 and words[:2] == ["0" * 32, "00"] and int(words[8], 16) & 2:
            return str(ipaddress.IPv6Address(bytes.fromhex(words[4])))
    return ""


def resolver(files: HostFiles) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """(name servers, domain, search list) of resolv.conf."""
    servers: list[str] = []
    domain, search = "", tuple[str, ...]()
    for line in files.text("/etc/resolv.conf").splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver":
            servers.append(words[1])
        elif len(words) > 1 and words[0] == "domain":
            domain = words[1]
        elif words[:1] == ["search"]:
            search = tuple(words[1:])
    return tuple(servers), domain, search


def full_name(domain: str) -> str:
    """The host's name with its domain where either is known. Asks no server: /etc/hosts is not worth a hung
    resolver.
    """
    name = socket.gethostname() or "localhost"
    return name if "." in name or not domain else f"{name}.{domain}"
