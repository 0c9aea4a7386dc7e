"""A libvirtd of our own, in a mount namespace: nothing of it is seen by the host but its sockets."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
import uuid
from pathlib import Path

import libvirt

from tests.hypervisor.kvm.machinery import CACHE

LIMIT = 60.0
FOLDERS = {
    "etc": "/etc/libvirt",
    "run": "/run/libvirt",
    "lib": "/var/lib/libvirt",
    "cache": "/var/cache/libvirt",
    "log": "/var/log/libvirt",
}
# Not as the distribution's own user: where /dev/kvm is there and not for that user, libvirt asks QEMU anew what it can
# do at every call, for 4 s each.
QEMU_CONF = """
user = "root"
group = "root"
remember_owner = 0
security_driver = "none"
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
max_core = 0
"""


class PrivateDaemon:
    """`folder`: where all of it lives; short, for sockets are made in it."""

    def __init__(self, folder: Path):
        self._folder, self._process = folder, None
        for name in (*FOLDERS, "sock"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        if CACHE.is_dir():
            shutil.copytree(CACHE, folder / "cache" / "qemu" / "capabilities", dirs_exist_ok=True)
        (folder / "etc" / "qemu.conf").write_text(QEMU_CONF)
        (folder / "etc" / "libvirtd.conf").write_text(
            f'host_uuid = "{uuid.uuid4()}"\nunix_sock_dir = "{folder}/sock"\n'
            'auth_unix_rw = "none"\nauth_unix_ro = "none"\n'
        )
        self.uri = f"qemu+unix:///system?socket={folder}/sock/libvirt-sock"

    def start(self) -> None:
        binds = "".join(
            f"mkdir -p {there}; mount --bind {self._folder}/{name} {there}; " for name, there in FOLDERS.items()
        )
        libvirtd = shutil.which("libvirtd", path=os.environ["PATH"] + ":/usr/sbin") or "libvirtd"
        command = f"{binds} exec {libvirtd} -f /etc/libvirt/libvirtd.conf -p {self._folder}/libvirtd.pid"
        log = (self._folder / "daemon.log").open("ab")
        self._process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-ec", command],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
        log.close()
        end = time.monotonic() + LIMIT
        while True:
            assert self._process.poll() is None, (self._folder / "daemon.log").read_text()
            try:
                libvirt.open(self.uri).close()
                return
            except libvirt.libvirtError as error:
                assert time.monotonic() < end, str(error)
                time.sleep(0.05)

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            (self._folder / "libvirtd.pid").unlink(missing_ok=True)

    def hang(self, hangs: bool = True) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP if hangs else signal.SIGCONT)

    def virsh(self, *words: str) -> str:
        done = subprocess.run(["virsh", "-c", self.uri, *words], capture_output=True, text=True, timeout=LIMIT)
        assert done.returncode == 0, done.stderr
        return done.stdout
