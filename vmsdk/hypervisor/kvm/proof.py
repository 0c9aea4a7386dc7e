"""A guest that proves KVM, and the memory of what it proved.

Law: two guests, each within a time limit: a boot sector that enters long mode and does what hosts with a crippled KVM
cannot, and the host's own kernel where it can be read. A guest that hangs, dies or says nothing is the answer no. The
answer is kept for this boot of the host and this QEMU.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Iterable

import msgspec
from twisted.logger import Logger

from . import files

log = Logger()

# Real mode, page tables for 2 MiB, long mode, then 1,000 times cpuid and lock cmpxchg16b, then 0x2a to port 0xf4.
BOOT_SECTOR = bytes.fromhex(
    "fa31c08ed88ec08ed0bc007cfcbf0010b90018f3ab"  # cli; flat segments; clear 0x1000-0x4000
    "c70600100320c70600200330c70600308300"  # PML4, PDPT, PD: one large page
    "0f20e00c200f22e066b8001000000f22d8"  # CR4.PAE, CR3
    "66b9800000c00f3280cc010f300f0116b07c"  # EFER.LME, lgdt
    "0f20c0660d010000800f22c0ea5b7c0800"  # CR0.PG and PE, far jump
    "66b810008ed88ed0bc007c0000bee8030000"  # 64 bits from here
    "31c00fa231c031d231db31c9f0480fc70c250050000075e8ffce75e4"  # cpuid, cmpxchg16b, 1,000 times
    "66baf400b02aeef4ebfd0f1f440000"  # out, halt, padding
    "0000000000000000"
    "00000000009a2000"
    "0000000000920000"  # GDT: none, code of 64 bits, data
    "1700987c0000"  # the GDT's length and place
)
SAID_YES = (0x2A << 1) | 1  # how QEMU's debug exit device ends for 0x2a
KERNEL_SAYS = (b"Linux version", b"Unable to mount root")  # it came all the way to the lack of a disk


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What is tried. `seconds`: for all of it. `accelerator` is kvm except where a test wants to see a yes."""

    qemu: str = "qemu-system-x86_64"
    device: str = "/dev/kvm"
    cpuinfo: str = "/proc/cpuinfo"
    boot_id: str = "/proc/sys/kernel/random/boot_id"
    kernels: tuple[str, ...] = ()  # empty: where distributions put the running one
    accelerator: str = "kvm"
    seconds: float = 8.0


def prove(proof: Proof, state_dir: str) -> bool:
    """Whether KVM runs guests here. At most `proof.seconds`; at once where the processor has no extensions."""
    if not os.access(proof.device, os.R_OK | os.W_OK):
        return _no(f"{proof.device} is not there for us")
    if not has_extensions(proof.cpuinfo):
        return _no("the processor shows neither vmx nor svm")
    key = f"{_read(proof.boot_id)} {_version(proof.qemu)}"
    kept = os.path.join(state_dir, "kvm-proof.json")
    try:
        with open(kept, encoding="utf-8") as file:
            told = json.load(file)
        if told["key"] == key:
            return bool(told["kvm"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # nothing is kept, or nothing that can be read
    answer = _try(proof)
    os.makedirs(state_dir, exist_ok=True)
    files.replace(kept, json.dumps({"key": key, "kvm": answer}).encode())
    return answer


def _no(why: str) -> bool:
    log.warn("machines run under TCG, without KVM: {why}", why=why)
    return False


def has_extensions(cpuinfo: str) -> bool:
    flags = next((line for line in _read(cpuinfo).splitlines() if line.startswith("flags")), "").split()
    return "vmx" in flags or "svm" in flags


def _try(proof: Proof) -> bool:
    end = time.monotonic() + proof.seconds
    if not boots_sector(proof, end):
        return _no("a small guest did not come through under KVM")
    kernel = next((path for path in proof.kernels or _kernels() if os.access(path, os.R_OK)), None)
    if kernel is not None and not boots_kernel(proof, kernel, end):
        return _no("a kernel did not come up under KVM in time")
    return True


def _kernels() -> Iterable[str]:
    release = os.uname().release
    return (f"/boot/vmlinuz-{release}", f"/usr/lib/modules/{release}/vmlinuz", "/boot/vmlinuz", "/vmlinuz")


def _command(proof: Proof, memory: int) -> list[str]:
    return [
        proof.qemu,
        "-nodefaults",
        "-no-user-config",
        "-no-reboot",
        "-display",
        "none",
        "-machine",
        f"pc,accel={proof.accelerator}",
        "-m",
        str(memory),
    ]


def boots_sector(proof: Proof, end: float) -> bool:
    """Whether the boot sector comes to its end before `end` (monotonic seconds)."""
    with tempfile.NamedTemporaryFile(suffix=".img") as image:
        image.write(BOOT_SECTOR.ljust(510, b"\0") + b"\x55\xaa")
        image.flush()
        command = [
            *_command(proof, 32),
            "-drive",
            f"file={image.name},format=raw,if=ide,snapshot=on",
            "-device",
            "isa-debug-exit,iobase=0xf4,iosize=1",
        ]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=max(0.1, end - time.monotonic())
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            log.info("the boot sector: {error}", error=error)
            return False
        return done.returncode == SAID_YES


def boots_kernel(proof: Proof, kernel: str, end: float) -> bool:
    """Whether the kernel comes as far as looking for its disk, which it does not have, before `end`."""
    command = [*_command(proof, 512), "-serial", "stdio", "-kernel", kernel, "-append", "console=ttyS0 panic=-1"]
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError as error:
        log.info("the kernel: {error}", error=error)
        return False
    said = b""
    try:
        assert process.stdout is not None
        while (left := end - time.monotonic()) > 0 and not all(word in said for word in KERNEL_SAYS):
            if select.select([process.stdout], [], [], left)[0]:
                piece = os.read(process.stdout.fileno(), 1 << 16)
                if not piece:
                    break
                said += piece
        return all(word in said for word in KERNEL_SAYS)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _version(qemu: str) -> str:
    try:
        done = subprocess.run([qemu, "--version"], capture_output=True, timeout=5, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.decode(errors="replace").partition("\n")[0]


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""
