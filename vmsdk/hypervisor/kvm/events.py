"""libvirt's event loop: one thread for the process, because libvirt has one loop for the process.

Law: a callback of libvirt copies plain words and hands them to the reactor; it never reads a machine.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import libvirt
from twisted.logger import Logger

log = Logger()
_started = threading.Lock()
_running: list[threading.Thread] = []  # libvirt has room for one loop per process; this remembers that it runs

Told = Callable[[str, str, tuple[int, ...]], None]


def ensure_event_loop() -> None:
    """Start libvirt's loop once. Must come before the first connection is opened."""
    with _started:
        if _running:
            return
        libvirt.virEventRegisterDefaultImpl()
        libvirt.registerErrorHandler(lambda *_: None, None)  # errors are raised; stderr is not the place for them
        # A timer that ticks: without any handle the loop would sleep for ever and miss what is added meanwhile.
        libvirt.virEventAddTimeout(1000, lambda *_: None, None)
        thread = threading.Thread(target=_loop, name="libvirt-events", daemon=True)
        _running.append(thread)
        thread.start()


def _loop() -> None:
    while True:
        try:
            libvirt.virEventRunDefaultImpl()
        except libvirt.libvirtError as error:
            log.error("libvirt's event loop: {error}", error=error)


# event id -> (our word, how many of the callback's own words are numbers that we pass on)
KINDS: tuple[tuple[int, str], ...] = (
    (libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, "lifecycle"),
    (libvirt.VIR_DOMAIN_EVENT_ID_REBOOT, "reboot"),
    (libvirt.VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, "agent"),
    (libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, "device"),
    (libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, "device"),
    (libvirt.VIR_DOMAIN_EVENT_ID_TRAY_CHANGE, "device"),
    (libvirt.VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON, "device"),
    (libvirt.VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, "metadata"),
)


def subscribe(connection: libvirt.virConnect, told: Told) -> list[int]:
    """Ask for all events that mean "read this machine"; `told(kind, uuid, numbers)` runs on libvirt's thread.

    Answers the callback ids. A kind that a driver does not know is left out.
    """

    def callback(_: Any, domain: libvirt.virDomain, *words: Any) -> None:
        kind = words[-1]
        told(kind, domain.UUIDString(), tuple(word for word in words[:-1] if isinstance(word, int)))

    ids = []
    for event, kind in KINDS:
        try:
            ids.append(connection.domainEventRegisterAny(None, event, callback, kind))
        except libvirt.libvirtError as error:
            log.info("no events of kind {kind}: {error}", kind=kind, error=error)
    return ids
