"""Devices that someone else put into a domain, as devices of a machine.

Law: the keys are those that vSphere's own numbering would give, and never one that is taken; the same domain gives
the same keys. What the port has no word for (a virtio disk's bus) becomes the nearest thing that it has.
"""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree

from ..records import AnyDevice, Controller, Disk, FilePlace, Nic, Optical
from .layout import FLAT, SUFFIX
from .site import Site

Element = etree._Element
SCSI_MODELS = {"lsilogic": "lsilogic", "lsisas1068": "lsisas1068", "vmpvscsi": "pvscsi"}
OUR_ALIAS = "ua-"


def key_of(element: Element) -> int | None:
    """The key of a device that we made, None for anyone else's."""
    name = element.find("alias")
    text = name.get("name", "") if name is not None else ""
    digits = text.removeprefix(OUR_ALIAS)
    return int(digits) if text.startswith(OUR_ALIAS) and digits.isdecimal() else None


def source_of(element: Element) -> str:
    """The path behind a disk or a drive, or empty."""
    source = element.find("source")
    return "" if source is None else source.get("file") or source.get("dev") or ""


def disk_place(path: str, site: Site) -> FilePlace:
    """What a client calls the disk whose bytes lie at `path`."""
    return site.place(path[: -len(FLAT)] + SUFFIX if path.endswith(FLAT) else path)


def network_of(element: Element, site: Site, hint: str = "") -> str:
    """The name of the network that an interface is on. `hint`: which one to prefer where several look the same."""
    source, tag = element.find("source"), element.find("vlan/tag")
    bridge = "" if source is None else source.get("bridge") or source.get("network") or source.get("dev") or ""
    vlan = int(tag.get("id", "0")) if tag is not None else 0
    kind = element.get("type", "")
    if element.find("virtualport[@type='openvswitch']") is not None:
        kind = "openvswitch"
    fitting = [
        one.name
        for one in site.networks
        if one.kind == kind and (kind == "user" or (one.bridge, one.vlan) == (bridge, vlan))
    ]
    if hint in fitting:
        return hint
    return fitting[0] if fitting else bridge or kind


class Foreign:
    """`ours`: the devices that are known already; their keys and controllers are not given again."""

    def __init__(self, elements: list[Element], site: Site, ours: Iterable[AnyDevice], taken: Iterable[int]):
        self._elements, self._site, self._taken = elements, site, set(taken)
        self._controllers: dict[tuple[str, int], int] = {}
        self._virtio = 0
        for device in ours:
            if isinstance(device, Controller):
                family = "scsi" if device.model in SCSI_MODELS.values() else device.model
                self._controllers[family, device.bus] = device.key
        self._models = {
            int(one.get("index", "0")): SCSI_MODELS.get(one.get("model", ""), "pvscsi")
            for one in elements
            if one.tag == "controller" and one.get("type") == "scsi"
        }

    def devices(self) -> Iterable[AnyDevice]:
        for element in self._elements:
            if key_of(element) is not None:
                continue
            if element.tag == "disk" and element.get("device", "disk") in ("disk", "cdrom"):
                yield from self._drive(element)
            elif element.tag == "interface":
                yield self._nic(element)

    def _free(self, key: int) -> int:
        while key in self._taken:
            key += 1
        self._taken.add(key)
        return key

    def _drive(self, element: Element) -> Iterable[AnyDevice]:
        family, number, unit = self._where(element)
        key = self._controllers.get((family, number))
        if key is None:
            base, model = {"ide": (200, "ide"), "ahci": (15000, "ahci")}.get(family, (1000, "pvscsi"))
            model = self._models.get(number, model) if family == "scsi" else model
            key = self._controllers[family, number] = self._free(base + number)
            yield Controller(key=key, model=model, bus=number)
        path = source_of(element)
        if element.get("device") != "cdrom":
            yield Disk(key=self._free(2000), controller=key, unit=unit, file=disk_place(path, self._site), capacity=0)
            return
        block = element.get("type") == "block"
        yield Optical(
            key=self._free(3000),
            controller=key,
            unit=unit,
            backing="host" if block else "iso" if path else "client",
            file=self._site.place(path) if path and not block else None,
            host_device=path if block else "",
            start_connected=bool(path),
        )

    def _where(self, element: Element) -> tuple[str, int, int]:
        """(family of controllers, its number, unit)."""
        address, target = element.find("address[@type='drive']"), element.find("target")
        bus = target.get("bus", "") if target is not None else ""
        if bus not in ("ide", "sata", "scsi"):
            self._virtio += 1  # a virtio disk is its own controller: they share one that has nothing else
            return "virtio", 3, self._virtio - 1
        index, channel, drive, unit = (
            int(address.get(name, "0")) if address is not None else 0
            for name in ("controller", "bus", "target", "unit")
        )
        if bus == "ide":
            return "ide", channel, unit
        return ("ahci" if bus == "sata" else "scsi"), index, max(drive, unit)

    def _nic(self, element: Element) -> Nic:
        mac, model = element.find("mac"), element.find("model")
        return Nic(
            key=self._free(4000),
            model=(model.get("type") if model is not None else None) or "e1000",
            mac=mac.get("address", "") if mac is not None else "",
            mac_kind="manual",
            network=network_of(element, self._site),
        )
