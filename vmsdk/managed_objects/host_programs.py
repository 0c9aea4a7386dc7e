"""Which of the services that vSphere knows run on the machine below, by the kernel's list of processes.

Law: looks, never touches; a process that goes while it is looked at is no error. The caller says when: it is a walk over /proc.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec

# key of the service -> (label, names of the programs that give it, names of their systemd units)
KNOWN: dict[str, tuple[str, frozenset[str], tuple[str, ...]]] = {
    "TSM-SSH": ("SSH", frozenset({"sshd", "dropbear"}), ("ssh.service", "sshd.service", "dropbear.service")),
    "ntpd": (
        "NTP Daemon", frozenset({"ntpd", "chronyd", "systemd-timesyn"}),
        ("ntp.service", "ntpsec.service", "chrony.service", "chronyd.service", "systemd-timesyncd.service"),
    ),
    "snmpd": ("SNMP Server", frozenset({"snmpd"}), ("snmpd.service",)),
    "vmsyslogd": (
        "Syslog Server", frozenset({"systemd-journal", "rsyslogd", "syslog-ng", "syslogd"}),
        ("rsyslog.service", "syslog-ng.service", "systemd-journald.service"),
    ),
}  # fmt: skip


class ServiceSeen(msgspec.Struct, frozen=True):
    key: str
    label: str
    running: bool
    starts: bool  # with the host


def look(root: str = "/") -> tuple[ServiceSeen, ...]:
    """All known services as they are now. `root`: where /proc and /etc are."""
    names = _programs(Path(root, "proc"))
    units = {p.name for p in Path(root, "etc/systemd/system").glob("*.wants/*.service")}
    return tuple(
        ServiceSeen(key, label, bool(programs & names), bool(units.intersection(services)))
        for key, (label, programs, services) in sorted(KNOWN.items())
    )


def look_nowhere() -> tuple[ServiceSeen, ...]:
    """For a host that is simulated or elsewhere: nothing of it runs here."""
    return tuple(ServiceSeen(key, label, False, False) for key, (label, _, _) in sorted(KNOWN.items()))


def _programs(proc: Path) -> set[str]:
    """Names of the programs that run, as the kernel cuts them (15 bytes)."""
    found = set()
    for path in proc.glob("[0-9]*/comm"):
        with suppress(OSError):
            found.add(path.read_text(encoding="utf-8", errors="replace").strip())
    return found
