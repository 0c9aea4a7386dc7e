"""libvirt's errors as errors of the port: one function.

Law: what it does not know stays a HypervisorError with libvirt's own sentence; nothing is swallowed.
"""

from __future__ import annotations

import re

import libvirt

from ..errors import AgentUnavailable, HypervisorError, Lost, MachineExists, NoSuchMachine, TimedOut, Unsupported

GONE = {libvirt.VIR_ERR_NO_DOMAIN}
NO_AGENT = {libvirt.VIR_ERR_AGENT_UNRESPONSIVE, libvirt.VIR_ERR_AGENT_UNSYNCED}
LOST = {libvirt.VIR_ERR_NO_CONNECT, libvirt.VIR_ERR_INVALID_CONN, libvirt.VIR_ERR_RPC}
UNSUPPORTED = {
    libvirt.VIR_ERR_NO_SUPPORT,
    libvirt.VIR_ERR_CONFIG_UNSUPPORTED,
    libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED,
    libvirt.VIR_ERR_OPERATION_UNSUPPORTED,
}
TIMED_OUT = {libvirt.VIR_ERR_OPERATION_TIMEOUT}
DEAD_SOCKET = re.compile(
    "client socket is closed|Cannot recv data|Cannot write data|connection closed|keepalive timeout", re.I
)
NO_AGENT_TEXT = re.compile("guest agent is not (connected|configured|available|responding)|QEMU guest agent", re.I)


def translate(error: libvirt.libvirtError, uuid: str = "", name: str = "") -> HypervisorError:
    """The error of the port for one of libvirt. Which power state was wrong is not in it: the caller reads that."""
    code = error.get_error_code()
    text = (error.get_error_message() or str(error)).strip()
    if code in GONE:
        return NoSuchMachine(uuid)
    if code in NO_AGENT or (NO_AGENT_TEXT.search(text) and code in UNSUPPORTED | {libvirt.VIR_ERR_OPERATION_INVALID}):
        return AgentUnavailable(text)
    if (
        code in LOST
        or (error.get_error_domain() == libvirt.VIR_FROM_RPC and DEAD_SOCKET.search(text))
        or (code in (libvirt.VIR_ERR_INTERNAL_ERROR, libvirt.VIR_ERR_SYSTEM_ERROR) and DEAD_SOCKET.search(text))
    ):
        return Lost(text)
    if code in TIMED_OUT:
        return TimedOut(text)
    if code == libvirt.VIR_ERR_DOM_EXIST or (code == libvirt.VIR_ERR_OPERATION_FAILED and "already exists" in text):
        return MachineExists(uuid, name)
    if code in UNSUPPORTED or "non-migratable device" in text:
        return Unsupported(text)
    return HypervisorError(text)


def out_of_memory(error: HypervisorError) -> bool:
    return re.search("cannot (set up guest memory|allocate)|Cannot allocate memory", str(error), re.I) is not None
