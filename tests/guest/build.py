"""The test guest: a bootable ISO with a small Linux that has the QEMU agent, made from Debian's own packages.

Law: nothing is installed and nothing downloaded but Debian packages by name; what is made lies in a cache outside the
checkout, under a name that changes with every package version and with the files of this folder.

The guest boots from CD under SeaBIOS in 128 MiB and under OVMF in 384, has drivers for every controller and card that
a machine may have, and says on ttyS0 what it sees (`init.sh` lists the lines). Its agent answers on the virtio-serial
port org.qemu.guest_agent.0; the power button and the agent's guest-shutdown both end it.

    from tests.guest.build import build
    iso = build()                    # a Path; 2 s when cached, about 10 s else

`python tests/guest/build.py` prints the path.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import lzma
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

import pycdlib

HERE = Path(__file__).parent
KERNEL = "linux-image-amd64"  # the generic kernel: the cloud one lacks ahci, e1000, pvscsi and vmxnet3
PACKAGES = ("busybox-static", "qemu-guest-agent", "isolinux", "syslinux-common", "mtools")
LOADERS = ("grub-efi-amd64-unsigned", "grub-efi-amd64-bin")  # whose GRUB image is ready-made: of trixie, of bookworm
KEEP = 7 * 86400  # seconds

MODULES = (
    *("button", "evdev", "virtio_pci", "virtio_console", "virtio_balloon"),
    *("ata_piix", "ahci", "sd_mod", "sr_mod", "isofs"),
    *("virtio_blk", "virtio_scsi", "vmw_pvscsi", "mptspi", "mptsas", "sym53c8xx", "nvme"),
    *("e1000", "e1000e", "vmxnet3", "virtio_net", "pcnet32"),
)
KERNEL_LINE = "console=tty0 console=ttyS0 quiet loglevel=4 mitigations=off panic=1"

FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "etc/shadow": "root:*:19000:0:99999:7:::\n",
    "etc/group": "root:x:0:\n",
    "etc/os-release": (
        'ID=vmsdk-guest\nNAME="vmsdk test guest"\nPRETTY_NAME="vmsdk test guest"\nVERSION_ID="1"\nVERSION="1"\n'
    ),
}
SCRIPTS = {
    "etc/acpi/PWRF/00000080": "#!/bin/sh\nexec /sbin/shutdown -P\n",
    "etc/udhcpc.script": """#!/bin/sh
case $1 in
deconfig) ifconfig "$interface" 0.0.0.0 ;;
bound | renew)
    ifconfig "$interface" "$ip" netmask "$subnet"
    [ -n "$router" ] && route add default gw "${router%% *}" dev "$interface" 2>/dev/null
    echo "GUEST NET $interface $ip" >/dev/console ;;
esac
""",
    # What the agent calls for guest-shutdown: -h -P +0, -r +0 or -H.
    "sbin/shutdown": """#!/bin/sh
how=poweroff
for word; do case $word in -r) how=reboot ;; -H) how=halt ;; esac; done
(sync; echo "GUEST BYE $how" >/dev/console; $how -f) &
""",
}


class CannotBuild(Exception):
    """Why there is no guest; `str()` is a sentence for a person."""


def build(cache_dir: Path | None = None) -> Path:
    """The ISO, made unless the cache has it. CannotBuild when apt does not give the packages."""
    cache = cache_dir or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vmsdk"
    versions = _versions()
    key = hashlib.sha256(repr(versions).encode())
    for source in ("build.py", "init.sh"):
        key.update((HERE / source).read_bytes())
    iso = cache / f"guest-{key.hexdigest()[:16]}.iso"
    if not iso.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="guest.", dir=cache) as scratch:
            made = _make(versions, Path(scratch))
            for old in cache.glob("guest-*.iso"):
                if old.stat().st_mtime < time.time() - KEEP:  # a younger one may be in use by another checkout
                    old.unlink(missing_ok=True)
            made.replace(iso)
    return iso


def _versions() -> tuple[tuple[str, str], ...]:
    """Every package with the version apt would give; the kernel by its real name."""
    wanted = (KERNEL, *PACKAGES)
    found = _shown(*wanted, *LOADERS)
    if set(wanted) - set(found):  # no lists yet, as in a fresh container
        _update()
        found = _shown(*wanted, *LOADERS)
    loader = next((name for name in LOADERS if name in found), LOADERS[0])
    if missing := {*wanted, loader} - set(found):
        raise CannotBuild(f"apt knows no {', '.join(sorted(missing))}: this needs Debian.")
    kernel = re.search(r"linux-image-[^ ,]+", found[KERNEL]["Depends"])
    if kernel is None:
        raise CannotBuild(f"{KERNEL} does not say which kernel it stands for: this needs Debian.")
    found |= _shown(kernel[0])
    return tuple((name, found[name]["Version"]) for name in (kernel[0], loader, *PACKAGES))


def _shown(*names: str) -> dict[str, dict[str, str]]:
    """The records of those names that apt knows."""
    command = ["apt-cache", "show", "--no-all-versions", *names]
    text = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}).stdout
    records = [dict(re.findall(r"^([\w-]+): (.*)$", part, re.M)) for part in text.split("\n\n")]
    return {record["Package"]: record for record in records if record}


def _update() -> None:
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    _run(*sudo, "apt-get", "-o", "DPkg::Lock::Timeout=300", "update", "-q")


def _run(*command: str, folder: Path | None = None) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    if done.returncode:
        raise CannotBuild(f"`{' '.join(command)}` failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def _make(versions: tuple[tuple[str, str], ...], scratch: Path) -> Path:
    root = scratch / "root"
    names = [f"{name}={version}" for name, version in versions]
    try:
        _run("apt-get", "download", "-q", *names, folder=scratch)
    except CannotBuild:
        _update()  # lists of yesterday name what is gone today
        _run("apt-get", "download", "-q", *names, folder=scratch)
    for package in scratch.glob("*.deb"):
        _run("dpkg-deb", "-x", str(package), str(root))
        package.unlink()

    kernel = _only(root, "boot/vmlinuz-*")
    tree = _guest_tree(root)
    initrd = gzip.compress(_cpio(tree), 6)
    loader = _efi_image(root, scratch)
    return _iso(scratch / "guest.iso", kernel.read_bytes(), initrd, root, loader)


def _only(root: Path, pattern: str) -> Path:
    found = sorted(path for path in root.glob(pattern) if path.is_file())
    if not found:
        raise CannotBuild(f"The packages hold no {pattern}.")
    return found[0]


def _guest_tree(root: Path) -> dict[str, tuple[int, bytes]]:
    """Path -> (mode, bytes) of all that the guest's memory starts with."""
    agent = _only(root, "usr/*bin/qemu-ga")
    tree = {
        "init": (0o755, (HERE / "init.sh").read_bytes()),
        "bin/busybox": (0o755, _only(root, "**/bin/busybox").read_bytes()),
        "usr/sbin/qemu-ga": (0o755, agent.read_bytes()),
    }
    tree |= {path: (0o644, text.encode()) for path, text in FILES.items()}
    tree |= {path: (0o755, text.encode()) for path, text in SCRIPTS.items()}
    for line in _run("ldd", str(agent)).splitlines():
        if "not found" in line:
            raise CannotBuild(f"The agent needs a library of this machine: {line.strip()}")
        if path := re.search(r"(/\S+) \(0x", line):
            tree[path[1].lstrip("/")] = (0o755, Path(path[1]).read_bytes())
    order, modules = _modules(root)
    tree["lib/modules/order"] = (0o644, "\n".join(order).encode())
    tree |= {f"lib/modules/{name}.ko": (0o644, data) for name, data in modules.items()}
    return tree


def _modules(root: Path) -> tuple[list[str], dict[str, bytes]]:
    """The modules with all that they depend on, and the order to insert them in."""
    files = {path.name.split(".ko")[0].replace("-", "_"): path for path in root.glob("**/kernel/**/*.ko*")}
    builtin = {Path(line).stem.replace("-", "_") for line in _only(root, "**/modules.builtin").read_text().split()}
    order: list[str] = []
    loaded: dict[str, bytes] = {}

    def add(name: str) -> None:
        if name in loaded or name in builtin:
            return
        if name not in files:
            raise CannotBuild(f"The kernel has no module {name}.")
        data = files[name].read_bytes()
        loaded[name] = lzma.decompress(data) if files[name].suffix == ".xz" else data
        needed = re.search(rb"\0depends=([^\0]*)\0", loaded[name])
        for other in needed[1].decode().split(",") if needed else ():
            if other:
                add(other.replace("-", "_"))
        order.append(name)

    for name in MODULES:
        add(name)
    return order, loaded


def _cpio(tree: dict[str, tuple[int, bytes]]) -> bytes:
    """A newc archive, as the kernel unpacks it; folders are made from the paths, /dev/console besides."""
    out = io.BytesIO()
    folders = {str(folder) for path in [*tree, "dev/x", "root/x"] for folder in Path(path).parents} - {"."}
    entries = [(folder, 0o040755, b"", (0, 0)) for folder in sorted(folders)]
    entries.append(("dev/console", 0o020600, b"", (5, 1)))
    entries += [(path, 0o100000 | mode, data, (0, 0)) for path, (mode, data) in tree.items()]
    entries.append(("TRAILER!!!", 0, b"", (0, 0)))
    for inode, (name, mode, data, device) in enumerate(entries, 1):
        numbers = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0)
        out.write(b"070701" + b"".join(b"%08X" % number for number in numbers) + name.encode() + b"\0")
        out.write(b"\0" * (-out.tell() % 4) + data)
        out.write(b"\0" * (-out.tell() % 4))
    return out.getvalue()


def _efi_image(root: Path, scratch: Path) -> bytes:
    """A FAT file system with GRUB, which EFI firmware finds in the boot catalogue."""
    grub, image = _only(root, "**/gcdx64.efi"), scratch / "efi.img"
    sectors = (grub.stat().st_size // 512 + 512) // 32 * 32 + 32

    def mtools(tool: str, *words: str) -> None:
        _run(str(_only(root, "usr/bin/mtools")), "-c", tool, "-i", str(image), *words)

    mtools("mformat", "-C", "-T", str(sectors), "-h", "2", "-s", "16", "::")
    mtools("mmd", "::/EFI", "::/EFI/BOOT")
    mtools("mcopy", str(grub), "::/EFI/BOOT/BOOTX64.EFI")
    return image.read_bytes()


def _iso(target: Path, kernel: bytes, initrd: bytes, root: Path, efi: bytes) -> Path:
    isolinux = f"default guest\nlabel guest\n kernel /boot/vmlinuz\n append initrd=/boot/initrd.gz {KERNEL_LINE}\n"
    grub = f"linux /boot/vmlinuz {KERNEL_LINE}\ninitrd /boot/initrd.gz\nboot\n"
    iso = pycdlib.PyCdlib()
    iso.new(interchange_level=3, rock_ridge="1.09", vol_ident="VMSDK_GUEST")
    for folder in ("/boot", "/boot/grub", "/isolinux", "/.disk"):
        iso.add_directory(_plain(folder), rr_name=Path(folder).name)
    contents = {
        "/isolinux/isolinux.bin": _only(root, "**/isolinux.bin").read_bytes(),
        "/isolinux/ldlinux.c32": _only(root, "**/bios/ldlinux.c32").read_bytes(),
        "/isolinux/isolinux.cfg": isolinux.encode(),
        "/boot/grub/grub.cfg": grub.encode(),
        "/boot/grub/efi.img": efi,
        "/.disk/info": b"vmsdk test guest\n",
        "/boot/vmlinuz": kernel,
        "/boot/initrd.gz": initrd,
    }
    for path, data in contents.items():
        iso.add_fp(io.BytesIO(data), len(data), _plain(path) + ";1", rr_name=Path(path).name)
    iso.add_eltorito(
        _plain("/isolinux/isolinux.bin") + ";1", bootcatfile="/ISOLINUX/BOOT.CAT;1", rr_bootcatname="boot.cat",
        boot_load_size=4, boot_info_table=True,
    )  # fmt: skip
    iso.add_eltorito(_plain("/boot/grub/efi.img") + ";1", efi=True)
    iso.write(str(target))
    iso.close()
    return target


def _plain(path: str) -> str:
    """The path in ISO 9660's own letters."""
    return re.sub(r"[^A-Z0-9/.]", "_", path.upper().replace("/.", "/"))


if __name__ == "__main__":
    print(build())
