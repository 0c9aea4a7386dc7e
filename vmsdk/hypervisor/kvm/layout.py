"""How a disk lies in its datastore: the one place that knows.

Law: `x.vmdk` is a small text, `x-flat.vmdk` is the disk's raw bytes (sparse where thin), as ESXi lays disks out; QEMU
opens the raw file. Names follow from the descriptor's own name, never from what is written inside it: a descriptor
that a client uploads can point nowhere. (A qcow2 with an external data file was tried in its place: QEMU 7.2 finds
the data file relative to its own working directory, not to the image, and the qcow2 costs 128 MiB a TiB.)
"""

from __future__ import annotations

import re

SUFFIX = ".vmdk"
FLAT = "-flat.vmdk"
SECTOR = 512

TEMPLATE = """\
# Disk DescriptorFile
version=1
encoding="UTF-8"
CID={cid:08x}
parentCID=ffffffff
createType="vmfs"

# Extent description
RW {sectors} VMFS "{extent}"

# The Disk Data Base
#DDB

ddb.adapterType = "lsilogic"
ddb.geometry.cylinders = "{cylinders}"
ddb.geometry.heads = "255"
ddb.geometry.sectors = "63"
ddb.thinProvisioned = "{thin}"
ddb.virtualHWVersion = "21"
"""


def flat_of(path: str) -> str:
    """The extent's path for a descriptor's path."""
    return path[: -len(SUFFIX)] + FLAT


def is_descriptor_name(path: str) -> bool:
    return path.endswith(SUFFIX) and not path.endswith(FLAT)


def descriptor(name: str, capacity: int, thin: bool, cid: int) -> bytes:
    """The text of a descriptor. `name`: the extent's file name; `capacity`: bytes, whole sectors; `cid`: 32 bits."""
    sectors = capacity // SECTOR
    extent = name.replace('"', "")
    text = TEMPLATE.format(
        cid=cid, sectors=sectors, extent=extent, cylinders=max(1, sectors // (255 * 63)), thin=int(thin)
    )
    return text.encode()


def says_thin(text: bytes) -> bool:
    return re.search(rb'^ddb\.thinProvisioned\s*=\s*"1"', text, re.MULTILINE) is not None


def is_descriptor(text: bytes) -> bool:
    return text.startswith(b"# Disk DescriptorFile")
