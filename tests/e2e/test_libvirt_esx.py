"""libvirt's own ESX driver as a client: an independent reader in C, of SOAP answers and of the `.vmx` that it fetches over HTTPS.

All of `virsh -c esx://` that there is for a machine but to make one (the driver makes its own `.vmx` and puts it up, which is not had yet).
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from pyVmomi import vim

from tests.e2e.conftest import ISO
from tests.e2e.server import Server
from tests.e2e.vsphere import Host

LIMIT = 60


@pytest.fixture(scope="module")
def virsh(server: Server, tmp_path_factory) -> Callable[..., str]:
    """Runs `virsh -c esx://…` and gives what it prints; a failure fails the test unless `fails` is given."""
    credentials = tmp_path_factory.mktemp("virsh") / "auth.conf"
    credentials.write_text(
        f"[credentials-it]\nusername={server.user}\npassword={server.password}\n[auth-esx-{server.host}]\ncredentials=it\n"
    )
    environment = {**os.environ, "LIBVIRT_AUTH_FILE": str(credentials), "LC_ALL": "C"}
    uri = f"esx://{server.user}@{server.host}:{server.port}/?no_verify=1"

    def run(*words: str, fails: bool = False) -> str:
        done = subprocess.run(["virsh", "-q", "-c", uri, *words], env=environment, capture_output=True, text=True, timeout=LIMIT)
        assert (done.returncode != 0) == fails, done.stderr
        return done.stderr if fails else done.stdout

    return run


def facts(text: str) -> dict[str, str]:
    """`Name:   web` lines."""
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in text.splitlines()) if value}


def test_the_host_is_what_it_is(server: Server, virsh):
    node = facts(virsh("nodeinfo"))
    total = re.search(r"MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    assert total is not None
    assert (node["CPU(s)"], node["Memory size"]) == (str(os.cpu_count()), f"{total[1]} KiB")
    assert virsh("hostname").strip() == socket.gethostname()
    assert "Running hypervisor: ESX 8.0.3" in virsh("version")
    assert "<domain type='vmware'/>" in virsh("capabilities")
    assert "vSwitch0" in virsh("net-list", "--all")


def test_a_datastore_is_a_pool_and_its_disks_are_volumes(server: Server, virsh, machine):
    machine("volume", disk_mib=8)
    assert virsh("pool-list", "--all").split() == ["datastore1", "active", "yes"]
    pool, disk = ElementTree.fromstring(virsh("pool-dumpxml", "datastore1")), os.statvfs(server.datastore)
    assert int(pool.findtext("capacity") or 0) == disk.f_blocks * disk.f_frsize
    assert (pool.findtext("target/path") or "").startswith("/vmfs/volumes/")

    listed = [line.split(maxsplit=1) for line in virsh("vol-list", "datastore1").splitlines()]
    assert ["volume/volume.vmdk", "[datastore1] volume/volume.vmdk"] in listed
    assert [ISO, f"[datastore1] {ISO}"] in listed
    volume = ElementTree.fromstring(virsh("vol-dumpxml", "volume/volume.vmdk", "--pool", "datastore1"))
    assert (volume.findtext("capacity"), volume.find("target/format").get("type")) == (str(8 << 20), "vmdk")
    image = ElementTree.fromstring(virsh("vol-dumpxml", ISO, "--pool", "datastore1"))
    assert image.findtext("capacity") == str((server.datastore / ISO).stat().st_size)


def test_a_machine_is_described_with_its_devices(server: Server, virsh, machine):
    vm = machine("described", disk_mib=8, iso=ISO, network="VM Network", memory=96, annotation='two\nlines "of" | notes')
    config = vm.config

    told = facts(virsh("dominfo", "described"))
    assert (told["UUID"], told["State"], told["CPU(s)"], told["Max memory"]) == (config.uuid, "shut off", "1", f"{96 << 10} KiB")
    assert [line.split() for line in virsh("domblklist", "described").splitlines()] == [
        ["sda", "[datastore1]", "described/described.vmdk"], ["hda", "[datastore1]", ISO],
    ]  # fmt: skip
    root = ElementTree.fromstring(virsh("dumpxml", "described"))
    assert (root.findtext("name"), root.findtext("uuid"), root.findtext("memory")) == ("described", config.uuid, str(96 << 10))
    assert root.findtext("description") == 'two\nlines "of" | notes'
    disk, cdrom = root.findall("devices/disk")
    assert (disk.get("device"), disk.find("source").get("file")) == ("disk", "[datastore1] described/described.vmdk")
    assert (cdrom.get("device"), cdrom.find("source").get("file")) == ("cdrom", f"[datastore1] {ISO}")
    assert root.find("devices/controller[@type='scsi']").get("model") == "vmpvscsi"
    [card] = root.findall("devices/interface")
    mac = next(d.macAddress for d in config.hardware.device if isinstance(d, vim.vm.device.VirtualVmxnet3))
    assert (card.find("mac").get("address"), card.find("model").get("type")) == (mac, "vmxnet3")
    assert card.find("source").get("bridge") == "VM Network"


def test_a_machine_is_started_suspended_resumed_stopped_and_forgotten(server: Server, host: Host, virsh, machine):
    vm = machine("driven")
    identity, files = vm.config.instanceUuid, server.files()
    assert ["-", "driven", "shut off"] in [line.split(maxsplit=2) for line in virsh("list", "--all").splitlines()]

    virsh("start", "driven")
    assert (vm.runtime.powerState, virsh("domstate", "driven").strip()) == ("poweredOn", "running")
    assert len(server.qemus_of(identity)) == 1
    virsh("suspend", "driven")
    assert (vm.runtime.powerState, virsh("domstate", "driven").strip()) == ("suspended", "paused")
    assert server.qemus_of(identity) == []
    virsh("resume", "driven")
    assert (vm.runtime.powerState, len(server.qemus_of(identity))) == ("poweredOn", 1)
    assert "already active" in virsh("start", "driven", fails=True)
    assert "VMware Tools is not running" in virsh("shutdown", "driven", fails=True)
    assert "driven" in virsh("list")
    virsh("destroy", "driven")
    assert (vm.runtime.powerState, server.qemus_of(identity)) == ("poweredOff", [])

    virsh("undefine", "driven")
    assert host.named("driven") is None and server.files() == files, "its files stay, as on ESXi"
    again = host.done(host.folder.RegisterVM_Task("[datastore1] driven/driven.vmx", None, False, host.pool))
    assert again.config.instanceUuid == identity


def test_a_guest_is_shut_down(server: Server, host: Host, virsh, guest_of):
    vm = guest_of(host)
    virsh("shutdown", "guest")
    host.until(vm, "runtime.powerState", "poweredOff")
    assert server.qemus_of(vm.config.instanceUuid) == []
