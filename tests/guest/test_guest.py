"""The test guest on plain QEMU: what other tests rely on when they boot it."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guest.build import build

BOOT_LIMIT = 90.0  # seconds; 10 to 15 on an idle machine
FIRMWARE = Path("/usr/share/OVMF")


class Guest:
    """A running guest: its serial log, its agent and its monitor."""

    def __init__(self, folder: Path, memory: int, *arguments: str):
        self._serial = folder / "serial.log"
        self._agent, self._monitor = folder / "agent.sock", folder / "monitor.sock"
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-accel", "tcg", "-m", str(memory), "-nodefaults", "-vga", "std",
             "-display", "none", "-cdrom", str(build()), "-serial", f"file:{self._serial}",
             "-qmp", f"unix:{self._monitor},server=on,wait=off",
             "-device", "virtio-serial", "-chardev", f"socket,id=agent,path={self._agent},server=on,wait=off",
             "-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0", *arguments],
        )  # fmt: skip

    def await_line(self, line: str) -> None:
        deadline = time.monotonic() + BOOT_LIMIT
        while line not in self.lines():
            assert self.process.poll() is None, f"QEMU ended with {self.process.returncode}"
            assert time.monotonic() < deadline, f"no {line!r} within {BOOT_LIMIT} s, only {self.lines()[-20:]}"
            time.sleep(0.05)

    def lines(self) -> list[str]:
        with contextlib.suppress(FileNotFoundError):
            text = self._serial.read_text(errors="replace")
            return [line[line.index("GUEST ") :] for line in text.splitlines() if "GUEST " in line]
        return []

    def ask(self, execute: str, **arguments: object) -> dict:
        """Ask the agent; its answer."""
        return self._talk(self._agent, {"execute": execute, "arguments": arguments})[0]

    def press_power_button(self) -> None:
        self._talk(self._monitor, {"execute": "qmp_capabilities"}, {"execute": "system_powerdown"})

    def shut_down(self) -> None:
        """Ask the agent, which does not answer this one."""
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(self._agent))
            line.sendall(json.dumps({"execute": "guest-shutdown"}).encode() + b"\n")
            self.await_off()

    def await_off(self) -> None:
        assert self.process.wait(timeout=30) == 0
        assert "GUEST BYE poweroff" in self.lines()

    def _talk(self, path: Path, *questions: dict) -> list[dict]:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(30)
            line.connect(str(path))
            answers = []
            stream = line.makefile("rb")
            for question in questions:
                line.sendall(json.dumps(question).encode() + b"\n")
                while "return" not in (answer := json.loads(stream.readline())):
                    assert "error" not in answer, answer
                answers.append(answer)
            return answers


@pytest.fixture
def boot(tmp_path: Path) -> Iterator:
    guests: list[Guest] = []

    def start(memory: int, *arguments: str) -> Guest:
        guests.append(Guest(tmp_path, memory, *arguments))
        return guests[-1]

    yield start
    for guest in guests:
        guest.process.kill()
        guest.process.wait()


def disk(folder: Path, name: str, mebibytes: int, device: str) -> list[str]:
    path = folder / f"{name}.img"
    if not path.exists():
        with path.open("wb") as file:
            file.truncate(mebibytes << 20)
    return ["-drive", f"file={path},format=raw,if=none,id={name}", "-device", f"{device},drive={name}"]


def test_the_guest_boots_from_cd_sees_every_kind_of_disk_and_its_agent_powers_it_off(boot, tmp_path):
    guest = boot(
        128,
        *("-device", "pvscsi,id=pv", *disk(tmp_path, "pvscsi", 5, "scsi-hd,bus=pv.0")),
        *("-device", "lsi,id=lsi", *disk(tmp_path, "lsi", 6, "scsi-hd,bus=lsi.0")),
        # Without a WWN this controller of QEMU's shows its disk to no guest.
        *("-device", "mptsas1068,id=sas", *disk(tmp_path, "sas", 7, "scsi-hd,bus=sas.0,wwn=0x5000c50000000001")),
        *("-device", "ahci,id=ahci", *disk(tmp_path, "sata", 8, "ide-hd,bus=ahci.0")),
        *disk(tmp_path, "nvme", 9, "nvme,serial=one"),
        *disk(tmp_path, "virtio", 10, "virtio-blk"),
        *("-netdev", "user,id=net", "-device", "vmxnet3,netdev=net"),
    )
    guest.await_line("GUEST READY")

    assert guest.ask("guest-ping") == {"return": {}}
    assert guest.ask("guest-get-host-name")["return"]["host-name"] == "vmsdk-guest"
    guest.await_line("GUEST NET eth0 10.0.2.15")
    disks = [line.split()[3:] for line in guest.lines() if line.startswith("GUEST DISK")]
    assert sorted(disks) == sorted([str(size << 20), "BOOTS", "1"] for size in range(5, 11))
    guest.shut_down()
    assert (tmp_path / "pvscsi.img").read_bytes()[:20] == b"vmsdk test guest 1\n\0"


def test_the_guest_boots_under_efi_counts_its_boots_and_minds_the_power_button(boot, tmp_path):
    disk(tmp_path, "sata", 8, "")
    (tmp_path / "sata.img").write_bytes(b"vmsdk test guest 41\n".ljust(8 << 20, b"\0"))
    shutil.copy(FIRMWARE / "OVMF_VARS_4M.fd", tmp_path / "vars.fd")
    guest = boot(
        384,
        *("-machine", "q35", "-drive", f"if=pflash,format=raw,readonly=on,file={FIRMWARE}/OVMF_CODE_4M.fd"),
        *("-drive", f"if=pflash,format=raw,file={tmp_path}/vars.fd", *disk(tmp_path, "sata", 8, "ide-hd")),
        *("-netdev", "user,id=net", "-device", "e1000e,netdev=net"),
    )
    guest.await_line("GUEST DISK sda 8388608 BOOTS 42")
    guest.await_line("GUEST NET eth0 10.0.2.15")
    guest.await_line("GUEST READY")

    guest.press_power_button()
    guest.await_off()
