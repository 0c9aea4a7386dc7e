"""pyVmomi over TLS against a real machine with a system in it: booted, watched, suspended, rebooted, shut down, moved, deleted.

What the server says is compared with what lies on disk, with QEMU's processes and with what the guest itself wrote.
"""

from __future__ import annotations

import hashlib
import ssl

import pytest
from pyVim.connect import SmartConnect
from pyVmomi import vim

from tests.e2e.conftest import ISO
from tests.e2e.server import Server
from tests.e2e.vsphere import Host, flat


def boots_of(server: Server, vm: vim.VirtualMachine) -> int:
    """How often the guest has started: it counts in the first sector of its disk."""
    head = flat(server, vm).read_bytes()[:64].rstrip(b"\0").decode()
    return int(head.removeprefix("vmsdk test guest ")) if head else 0


def test_a_client_that_does_not_know_the_certificate_is_turned_away(server):
    with pytest.raises(ssl.SSLCertVerificationError):
        SmartConnect(
            host=server.host, port=server.port, user=server.user, pwd=server.password, sslContext=ssl.create_default_context()
        )


# -- a machine with a system -----------------------------------------------------------------------------------------


@pytest.mark.shows("CreateVM_Task", "PowerOnVM_Task", "WaitForUpdatesEx")
def test_a_machine_boots_from_an_iso_and_its_agent_says_who_it_is(server: Server, host: Host, guest_of):
    vm = guest_of(host)

    assert vm.guest.hostName == "vmsdk-guest"
    assert host.until(vm, "guest.ipAddress", bool) == "10.0.2.15"
    devices = {type(d): d for d in vm.config.hardware.device}
    card, cd = devices[vim.vm.device.VirtualVmxnet3], devices[vim.vm.device.VirtualCdrom]
    [net] = vm.guest.net
    assert (net.macAddress, net.network, net.deviceConfigId) == (card.macAddress, "VM Network", card.key)
    assert "10.0.2.15" in net.ipAddress
    assert (cd.backing.fileName, cd.connectable.connected) == (f"[datastore1] {ISO}", True)
    summary = vm.summary.guest
    assert (summary.hostName, summary.ipAddress, summary.toolsStatus) == ("vmsdk-guest", "10.0.2.15", "toolsOk")
    assert (vm.guest.guestFullName, vm.guest.guestState, vm.guestHeartbeatStatus) == ("vmsdk test guest", "running", "green")
    assert boots_of(server, vm) >= 1


@pytest.mark.shows("SuspendVM_Task")
def test_a_suspended_machine_goes_on_where_it_was(server: Server, host: Host, guest_of):
    vm = guest_of(host)
    boots, identity = boots_of(server, vm), vm.config.instanceUuid

    host.done(vm.SuspendVM_Task())
    assert vm.runtime.powerState == "suspended" and vm.runtime.suspendTime is not None
    assert server.qemus_of(identity) == []
    assert vm.guest.toolsRunningStatus == "guestToolsNotRunning"

    host.done(vm.PowerOnVM_Task())
    host.until(vm, "guest.toolsRunningStatus", "guestToolsRunning")
    assert (boots_of(server, vm), vm.guest.hostName) == (boots, "vmsdk-guest"), "it booted anew"


@pytest.mark.shows("RebootGuest")
def test_a_guest_asked_to_reboot_boots_again_in_the_same_machine(server: Server, host: Host, guest_of):
    vm = guest_of(host)
    boots, running = boots_of(server, vm), server.qemus_of(vm.config.instanceUuid)

    with host.watch(vm, "guest.toolsRunningStatus") as updates:
        vm.RebootGuest()
        values = []
        for _, value in updates(90):
            values.append(value)
            if values[-2:] == ["guestToolsNotRunning", "guestToolsRunning"]:
                break

    assert boots_of(server, vm) == boots + 1
    assert (server.qemus_of(vm.config.instanceUuid), vm.runtime.powerState) == (running, "poweredOn")


@pytest.mark.shows("ResetVM_Task", "ShutdownGuest")
def test_a_reset_machine_starts_anew_and_a_guest_asked_to_shut_down_is_off(server: Server, host: Host, guest_of):
    vm = guest_of(host)
    boots = boots_of(server, vm)

    host.done(vm.ResetVM_Task())
    host.until(vm, "guest.toolsRunningStatus", "guestToolsNotRunning")
    host.until(vm, "guest.toolsRunningStatus", "guestToolsRunning")
    assert boots_of(server, vm) == boots + 1

    vm.ShutdownGuest()
    host.until(vm, "runtime.powerState", "poweredOff")
    assert vm.runtime.cleanPowerOff and vm.runtime.bootTime is None
    assert boots_of(server, vm) == boots + 1


@pytest.mark.shows("UnregisterVM", "RegisterVM_Task")
def test_what_a_guest_wrote_survives_unregister_and_register(server: Server, host: Host, guest_of):
    vm = guest_of(host, running=False)
    path, files, identity = flat(server, vm), server.files(), (vm.config.instanceUuid, vm.config.uuid)
    with path.open("r+b") as file:
        file.seek(4 << 20)
        file.write(b"written by the host while the machine is off")
    before = hashlib.sha256(path.read_bytes()).digest()
    keys = [(type(d), d.key) for d in vm.config.hardware.device]

    vm.UnregisterVM()
    assert host.named("guest") is None and server.files() == files
    vm = host.done(host.folder.RegisterVM_Task("[datastore1] guest/guest.vmx", None, False, host.pool))

    assert (vm.name, vm.config.instanceUuid, vm.config.uuid) == ("guest", *identity)
    assert [(type(d), d.key) for d in vm.config.hardware.device] == keys
    assert hashlib.sha256(flat(server, vm).read_bytes()).digest() == before
