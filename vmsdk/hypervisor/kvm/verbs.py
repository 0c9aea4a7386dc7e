"""The verbs as libvirt calls: plain functions that block, for a thread.

Law: a verb looks at the machine before it acts, so that a wrong power state is said as what it is; what libvirt
refuses all the same is translated in one place.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import libvirt

from ..errors import (
    AgentUnavailable,
    FileMissing,
    MachineExists,
    NotEnoughMemory,
    WrongPower,
)
from ..records import Definition, Power
from . import refusals
from .domain_read import disk_paths, read_domain
from .domain_xml import domain_name, domain_xml, kept_of
from .machines import agent_connected, mark_run
from .site import Site

EVENT_STARTED = libvirt.VIR_DOMAIN_EVENT_STARTED
CONFIG, LIVE = libvirt.VIR_DOMAIN_AFFECT_CONFIG, libvirt.VIR_DOMAIN_AFFECT_LIVE
WRONG_STATE = {libvirt.VIR_ERR_OPERATION_INVALID}


def run(verb: Callable[..., None], connection: libvirt.virConnect, uuid: str, *words: Any) -> None:
    """Do a verb; errors of libvirt come out as the port's."""
    try:
        verb(connection, uuid, *words)
    except libvirt.libvirtError as error:
        raise refusals.translate(error, uuid) from error


def power_of(domain: libvirt.virDomain) -> Power:
    if domain.isActive():
        return Power.ON
    return Power.SUSPENDED if domain.isPersistent() and domain.hasManagedSaveImage() else Power.OFF


def _need(connection: libvirt.virConnect, uuid: str, wanted: Power) -> libvirt.virDomain:
    domain = connection.lookupByUUIDString(uuid)
    power = power_of(domain)
    if power is not wanted:
        raise WrongPower(power, wanted)
    return domain


# -- definition


def define(connection: libvirt.virConnect, uuid: str, definition: Definition, site: Site) -> None:
    if _find(connection.lookupByUUIDString, uuid) is not None:
        raise MachineExists(uuid, definition.name)
    connection.defineXML(domain_xml(definition, site, _free_name(connection, definition)))


def _find(look: Callable[[str], libvirt.virDomain], word: str) -> libvirt.virDomain | None:
    try:
        return look(word)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise


def _free_name(connection: libvirt.virConnect, definition: Definition) -> str:
    name = domain_name(definition)
    other = _find(connection.lookupByName, name)
    if other is None or other.UUIDString() == definition.uuid:
        return name
    return domain_name(definition, frozenset([name]))


def redefine(connection: libvirt.virConnect, uuid: str, definition: Definition, site: Site) -> None:
    domain = connection.lookupByUUIDString(uuid)
    kept = kept_of(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
    name = kept.name
    wanted = _free_name(connection, definition)
    text = domain_xml(definition, site, wanted, kept)  # before anything is changed: it may be refused
    if wanted == name or power_of(domain) is not Power.OFF:
        # libvirt renames only what does not run; until then the new name stands in our own words
        connection.defineXML(domain_xml(definition, site, name, kept))
        return
    domain.rename(wanted)
    try:
        connection.defineXML(text)
    except libvirt.libvirtError:
        domain.rename(name)
        raise


def undefine(connection: libvirt.virConnect, uuid: str) -> None:
    domain = connection.lookupByUUIDString(uuid)
    if domain.isActive():
        raise WrongPower(Power.ON)
    domain.undefineFlags(
        libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
        | libvirt.VIR_DOMAIN_UNDEFINE_KEEP_NVRAM  # a file of the machine like its disks: it holds what the guest boots
        | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
        | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
    )


# -- power


def start(connection: libvirt.virConnect, uuid: str, site: Site, now: float) -> None:
    domain = connection.lookupByUUIDString(uuid)
    if domain.isActive():
        if domain.state()[0] == libvirt.VIR_DOMAIN_PMSUSPENDED:
            domain.pMWakeup(0)
            return
        raise WrongPower(Power.ON, Power.OFF)
    definition = read_domain(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE), None, site).definition
    for place, path in disk_paths(definition, site):
        if not os.path.exists(path):
            raise FileMissing(place)
    wanted, there = definition.memory_mib << 20, _memory_of_host(connection)
    if there and wanted > there:
        raise NotEnoughMemory(wanted, there)
    try:
        domain.create()
    except libvirt.libvirtError as error:
        if domain.isActive():
            raise WrongPower(Power.ON, Power.OFF) from error  # someone else was quicker
        refused = refusals.translate(error, uuid)
        if refusals.out_of_memory(refused):
            raise NotEnoughMemory(wanted, connection.getFreeMemory()) from error
        raise refused from error
    mark_run(domain, LIVE, started=now)


def _memory_of_host(connection: libvirt.virConnect) -> int:
    return int(connection.getInfo()[1]) << 20


def mark_started(connection: libvirt.virConnect, uuid: str, now: float) -> None:
    """A run that someone else began gets our mark too. It may be over already: then there is nothing to mark."""
    try:
        mark_run(connection.lookupByUUIDString(uuid), LIVE, started=now)
    except libvirt.libvirtError as error:
        if error.get_error_code() not in WRONG_STATE | {libvirt.VIR_ERR_NO_DOMAIN}:
            raise refusals.translate(error, uuid) from error


def stop(connection: libvirt.virConnect, uuid: str) -> None:
    domain = connection.lookupByUUIDString(uuid)
    power = power_of(domain)
    if power is Power.OFF:
        raise WrongPower(power, Power.ON)
    if power is Power.SUSPENDED:
        domain.managedSaveRemove(0)
        return
    try:
        domain.destroyFlags(0)
    except libvirt.libvirtError as error:
        if error.get_error_code() not in WRONG_STATE:
            raise
        raise WrongPower(power_of(domain), Power.ON) from error


def reset(connection: libvirt.virConnect, uuid: str) -> None:
    _act(_need(connection, uuid, Power.ON), lambda domain: domain.reset(0))


def suspend(connection: libvirt.virConnect, uuid: str, now: Callable[[], float]) -> None:
    domain = _need(connection, uuid, Power.ON)
    _act(domain, lambda one: one.managedSave(0))
    mark_run(domain, CONFIG, suspended=now())


def abort(connection: libvirt.virConnect, uuid: str) -> None:
    """End the long work that is done on a machine; it runs on as before."""
    connection.lookupByUUIDString(uuid).abortJob()


def pause(connection: libvirt.virConnect, uuid: str) -> None:
    _act(_need(connection, uuid, Power.ON), lambda domain: domain.suspend())


def unpause(connection: libvirt.virConnect, uuid: str) -> None:
    _act(_need(connection, uuid, Power.ON), lambda domain: domain.resume())


def _act(domain: libvirt.virDomain, call: Callable[[libvirt.virDomain], Any]) -> None:
    """A call for a running machine. It may have stopped since it was looked at: that is the wrong power, nothing
    else.
    """
    try:
        call(domain)
    except libvirt.libvirtError as error:
        if error.get_error_code() in WRONG_STATE and not domain.isActive():
            raise WrongPower(power_of(domain), Power.ON) from error
        raise


# -- through the guest


def _with_agent(connection: libvirt.virConnect, uuid: str) -> libvirt.virDomain:
    domain = _need(connection, uuid, Power.ON)
    if not agent_connected(domain.XMLDesc(0)):
        raise AgentUnavailable("No agent answers in the guest.")
    return domain


def ask_shutdown(connection: libvirt.virConnect, uuid: str) -> None:
    _act(_with_agent(connection, uuid), lambda one: one.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_GUEST_AGENT))


def ask_reboot(connection: libvirt.virConnect, uuid: str) -> None:
    _act(_with_agent(connection, uuid), lambda one: one.reboot(libvirt.VIR_DOMAIN_REBOOT_GUEST_AGENT))


def ask_standby(connection: libvirt.virConnect, uuid: str) -> None:
    _act(
        _with_agent(connection, uuid), lambda one: one.pMSuspendForDuration(libvirt.VIR_NODE_SUSPEND_TARGET_MEM, 0, 0)
    )
