"""Which libvirt, and for the embedded one the folder that it lives in.

Law: what cannot work is refused here, in words, before libvirt is asked.
"""

from __future__ import annotations

import os
import pwd
from urllib.parse import parse_qs, urlsplit

from ..errors import HypervisorError

ROOT_LIMIT = 40  # the driver puts unix sockets below its root, and a socket's path ends at 107 bytes
SOCKET_LIMIT = 107


class Address:
    """A libvirt URI, taken apart. `root` is the embedded driver's folder, else empty."""

    def __init__(self, uri: str):
        self.uri = uri
        parts = urlsplit(uri)
        if not parts.scheme.split("+")[0] == "qemu":
            raise HypervisorError(
                f"{uri}: only libvirt's qemu driver can do the work (qemu:///embed?root=…, qemu:///system)."
            )
        self.embedded = parts.path == "/embed"
        self.root = parse_qs(parts.query).get("root", [""])[0].rstrip("/") if self.embedded else ""
        self.local = self.embedded or not parts.netloc
        if self.embedded:
            self._check_root()

    def _check_root(self) -> None:
        if not self.root.startswith("/"):
            raise HypervisorError(
                f"{self.uri}: the embedded driver needs an absolute root, as in qemu:///embed?root=/var/lib/x."
            )
        if len(self.root.encode()) >= ROOT_LIMIT:
            raise HypervisorError(
                f"The folder {self.root} is too long for the embedded driver: under {ROOT_LIMIT} bytes are needed, "
                "because unix sockets are made in it. Choose a shorter one, or link a short name to it."
            )

    def prepare(self) -> None:
        """Write the embedded driver's configuration. The user that runs QEMU is ours: as root root, else the current
        one.
        """
        if not self.embedded:
            return
        user = pwd.getpwuid(os.geteuid()).pw_name
        lines = [
            f'user = "{user}"',
            f'group = "+{os.getegid()}"',
            "dynamic_ownership = 0",
            "remember_owner = 0",
            'security_driver = "none"',
            "cgroup_controllers = []",
            "namespaces = []",
            'stdio_handler = "file"',
            "max_core = 0",
        ]
        folder = os.path.join(self.root, "etc")
        os.makedirs(folder, mode=0o700, exist_ok=True)
        target = os.path.join(folder, "qemu.conf")
        with open(target + ".new", "w", encoding="utf-8") as file:
            file.write("# Written anew at every start.\n" + "\n".join(lines) + "\n")
        os.replace(target + ".new", target)

    def consoles(self, state_dir: str, owner: tuple[int, int] | None = None) -> str:
        """Make and answer the folder of console sockets. QEMU makes some of them itself, so it belongs to QEMU's
        user.
        """
        folder = os.path.join(self.root or os.path.abspath(state_dir), "consoles")
        longest = len(os.fsencode(folder)) + len("/00000000-0000-0000-0000-000000000000.serial")
        if longest > SOCKET_LIMIT:
            raise HypervisorError(
                f"{folder} is too long for unix sockets ({longest} bytes, {SOCKET_LIMIT} are possible)."
            )
        os.makedirs(folder, mode=0o711, exist_ok=True)
        owner = owner or (None if self.embedded else _qemu_user())
        if owner is not None and os.geteuid() == 0:
            os.chown(folder, *owner)
        return folder


def _qemu_user() -> tuple[int, int] | None:
    """Whom the distribution's libvirt runs QEMU as."""
    for name in ("libvirt-qemu", "qemu"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return found.pw_uid, found.pw_gid
    return None
