"""What a domain's XML depends on besides the machine itself: facts of this host, gathered once.

Law: plain data. With the same site and the same definition the same XML comes out.
"""

from __future__ import annotations

import msgspec

from ..errors import NoSuchDatastore
from ..records import FilePlace, NetworkRecord


class Firmware(msgspec.Struct, frozen=True, kw_only=True):
    """One UEFI build of this host. `machines`: patterns like pc-q35-*."""

    code: str
    variables: str
    machines: tuple[str, ...]
    secure: bool = False
    enrolled: bool = False


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """`accelerator`: kvm or tcg. `cpu`: the <cpu> element's inner XML by machine family (pc, q35); `newest`: the
    versioned machine type by family. `direct_io`: ids of the datastores whose files open with O_DIRECT.
    `version`: of libvirt, as it counts (9.0.0 is 9000000)."""

    accelerator: str
    consoles: str
    version: int = 0
    datastores: tuple[tuple[str, str], ...] = ()  # id, directory
    direct_io: tuple[str, ...] = ()
    networks: tuple[NetworkRecord, ...] = ()
    newest: tuple[tuple[str, str], ...] = ()
    cpu: tuple[tuple[str, str], ...] = ()
    firmware: tuple[Firmware, ...] = ()

    def path(self, place: FilePlace) -> str:
        """The absolute path of a place. It is not looked at: whether it is safe is the storage's question."""
        for identity, directory in self.datastores:
            if identity == place.datastore:
                return f"{directory}/{place.path}"
        raise NoSuchDatastore(place.datastore)

    def place(self, path: str) -> FilePlace:
        """The place of an absolute path; one outside all datastores has an empty datastore id."""
        for identity, directory in self.datastores:
            if path.startswith(directory + "/"):
                return FilePlace(datastore=identity, path=path[len(directory) + 1 :])
        return FilePlace(datastore="", path=path.lstrip("/"))

    def network(self, name: str) -> NetworkRecord | None:
        return next((network for network in self.networks if network.name == name), None)

    def socket(self, uuid: str, kind: str) -> str:
        """The unix socket of a console. `kind`: vnc, serial."""
        return f"{self.consoles}/{uuid}.{kind}"
