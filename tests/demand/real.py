"""A real vmctld on QEMU by libvirt's embedded driver, with one machine that runs the test guest; and ways to look past the product.

Law: whatever looks here asks the kernel, QEMU's command line, qemu-img, the files and the guest's own shell; never the product.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.guest.build import build
from tests.hypervisor.kvm.machinery import Root, SerialLine, processes_of
from tests.lab.client import Client, Proxy
from tests.vmctld_process import Vmctld, vmctld
from vmsdk.engine.personality import HOST_MANAGERS, MANAGERS
from vmsdk.request import Answer
from vmsdk.wsdl import CONTRACT, MoRef, vim

from .simulated import everything, history_collectors
from .tables import Key

LIMIT = 90.0
NAME, NOTES, CARD, NETWORK, DATASTORE = "witness", "Seen by others.", "00:50:56:01:02:03", "VM Network", "ds1"
MIB = 1 << 20


class HttpClient(Client):
    """The lab's client over a socket."""

    def __init__(self, daemon: Vmctld):
        super().__init__(None, lambda: None)  # type: ignore[arg-type]
        self._daemon = daemon

    def post(self, body: bytes) -> Answer:
        connection = self._daemon.connection()
        try:
            headers = {"SOAPAction": f'"urn:vim25/{self.version}"', "Content-Type": "text/xml; charset=utf-8"}
            connection.request("POST", "/sdk", body, headers | ({"Cookie": self.cookie} if self.cookie else {}))
            answer = connection.getresponse()
            cookie = (answer.getheader("Set-Cookie") or "").partition(";")[0]
            return Answer(answer.status, answer.read(), cookie)
        finally:
            connection.close()

    def task(self, ref: Any, method: str, **arguments: Any) -> Any:
        """The finished task's info; its fault raised."""
        task = self.call(ref, method, **arguments)
        info = self.wait(task, "info", lambda info: info.state in ("success", "error"))
        if info.state == "error":
            raise info.error
        return info

    def wait(self, ref: Any, path: str, wanted: Callable[[Any], bool]) -> Any:
        """The property's first value that is wanted, by updates; AssertionError at a limit."""
        mine = self.call(self.collector, "CreatePropertyCollector")
        ref = getattr(ref, "ref", ref)
        spec = vim.PropertyFilterSpec(
            propSet=[vim.PropertySpec(type=ref.type, pathSet=[path])], objectSet=[vim.ObjectSpec(obj=ref)]
        )
        self.call(mine, "CreateFilter", spec=spec, partialUpdates=False)
        version, end, value = "", time.monotonic() + LIMIT, None
        while time.monotonic() < end:
            update = self.call(mine, "WaitForUpdatesEx", version=version, options=vim.WaitOptions(maxWaitSeconds=10))
            if update is None:
                continue
            version = update.version
            value = self.get(ref, path)
            if value is not None and wanted(value):
                self.call(mine, "DestroyPropertyCollector")
                return value
        raise AssertionError(f"{path} of {ref} stays {value!r}")


class World:
    """The server, root's session, the machine that runs in it, and what other eyes see of all that."""

    def __init__(self, root: Root, daemon: Vmctld):
        self.root, self.daemon = root, daemon
        self.client = HttpClient(daemon).login("root", "secret")
        self.content = self.client.call(MoRef("ServiceInstance", "ServiceInstance"), "RetrieveServiceContent")
        self.host = MoRef("HostSystem", "ha-host")
        shutil.copyfile(build(), root.datastore / "guest.iso")
        folder, pool = MoRef("Folder", "ha-folder-vm"), MoRef("ResourcePool", "ha-root-pool")
        self.created = self.client.task(folder, "CreateVM_Task", config=spec(), pool=pool)
        self.vm = Proxy(self.client, self.created.result)
        self.client.task(self.vm, "PowerOnVM_Task")
        self.failed = self.client.call(self.vm, "PowerOnVM_Task")
        self.view = self.client.call(
            self.content.viewManager, "CreateContainerView", container=self.content.rootFolder, type=["VirtualMachine"],
            recursive=True,
        )  # fmt: skip
        self._own = {
            "VirtualMachine": [self.vm.ref], "ManagedEntity": [self.vm.ref], "HostSystem": [self.host], "ContainerView": [self.view],
            "Task": [self.created.task, self.failed], "ServiceInstance": [MoRef("ServiceInstance", "ServiceInstance")],
            "EnvironmentBrowser": [self.client.get(self.vm, "environmentBrowser")], **history_collectors(self.client, self.content),
        }  # fmt: skip

    def guest_is_up(self) -> None:
        """Wait until the guest has all that it will have, and the server knows."""
        self.client.wait(self.vm, "guest.toolsRunningStatus", lambda status: status == "guestToolsRunning")
        self.guest("mkdir -p /mnt; mount -t iso9660 /dev/sr0 /mnt; until ifconfig eth0 | grep -q 'inet addr'; do sleep 1; done")
        # The server asks an agent that appears at once, one that is there only now and then.
        self.guest("old=$(pidof qemu-ga); kill $old; while [ -d /proc/$old ]; do usleep 100000; done")
        self.client.wait(self.vm, "guest", lambda guest: guest.ipAddress and guest.disk)
        self.client.wait(self.vm, "summary.quickStats.hostMemoryUsage", bool)
        self.client.call(self.vm, "RefreshStorageInfo")

    def objects(self, kind: str) -> list[MoRef]:
        """The objects of a type: first the one that speaks for it, the root folder last."""
        if kind in self._own:
            return self._own[kind]
        fields = [getattr(self.content, name) for name, (of, _, _) in MANAGERS.items() if of == kind]
        found = [ref for ref in fields if ref is not None]
        found += [MoRef(of, value) for of, value, _ in HOST_MANAGERS.values() if of == kind]
        if kind in CONTRACT and CONTRACT.managed(kind).descends_from("ManagedEntity"):
            root = self.content.rootFolder
            view = self.client.call(self.content.viewManager, "CreateContainerView", container=root, type=[kind], recursive=True)
            found = [*(self.client.get(view, "view") or []), *found]
        return list(dict.fromkeys(found))

    def told(self, key: Key) -> tuple[MoRef, Any] | None:
        """(the object that speaks, the path's value there), or None where no object has it set."""
        for ref in self.objects(key.type):
            value = self.everything(ref) if key.path == "<all>" else self.client.get(ref, key.path)
            if value is not None:
                return ref, value
        return None

    def everything(self, ref: MoRef) -> dict[str, Any]:
        return everything(self.client, ref)

    # -- other eyes -------------------------------------------------------------------------------------------

    @cached_property
    def pid(self) -> int:
        """Of the machine's process."""
        [pid] = processes_of(str(self.root.path))
        return pid

    @cached_property
    def qemu(self) -> list[str]:
        """The command line of the machine's process."""
        return Path(f"/proc/{self.pid}/cmdline").read_bytes().decode().split("\0")

    def option(self, name: str) -> list[str]:
        """Every value of an option of QEMU's."""
        return [value for word, value in zip(self.qemu, self.qemu[1:], strict=False) if word == name]

    def device(self, driver: str) -> dict[str, Any]:
        """The only device with that driver."""
        [found] = [told for told in map(json.loads, self.option("-device")) if told["driver"] == driver]
        return found

    @cached_property
    def guest(self) -> Callable[[str], str]:
        """Asks the guest's shell on its serial line."""
        [socket] = (self.root.path / "root" / "consoles").glob("*.serial")
        line = SerialLine(str(socket))

        def ask(command: str) -> str:
            # The line shows what is typed, once or twice; the quotes keep it apart from what is said.
            line.say(f"echo BE''GIN; {command}; echo E''ND\n".encode())
            said = line.until(b"END\r").decode(errors="replace").replace("\r", "")
            return said.rpartition("BEGIN\n")[2].rpartition("END")[0].strip()

        return ask

    def file(self, name: str) -> Path:
        return self.root.datastore / NAME / name

    def image(self) -> dict[str, Any]:
        """What qemu-img says of the disk."""
        found = subprocess.check_output(["qemu-img", "info", "-U", "--output=json", str(self.file(f"{NAME}.vmdk"))])
        return json.loads(found)


def spec() -> Any:
    """Of the machine."""
    add, connected = vim.VirtualDeviceConfigSpec, vim.VirtualDeviceConnectInfo
    flat = vim.VirtualDiskFlatVer2BackingInfo(fileName="", diskMode="persistent", thinProvisioned=True)
    iso = vim.VirtualCdromIsoBackingInfo(fileName=f"[{DATASTORE}] guest.iso")
    disk = vim.VirtualDisk(key=-2, controllerKey=-1, unitNumber=0, capacityInKB=64 << 10, backing=flat)
    drive = vim.VirtualCdrom(
        key=-3, controllerKey=200, unitNumber=0, backing=iso,
        connectable=connected(startConnected=True, connected=True, allowGuestControl=True),
    )  # fmt: skip
    card = vim.VirtualE1000(
        key=-4, backing=vim.VirtualEthernetCardNetworkBackingInfo(deviceName=NETWORK), addressType="manual", macAddress=CARD
    )
    changes = [
        add(operation="add", device=vim.VirtualAHCIController(key=-1, busNumber=0)),
        add(operation="add", fileOperation="create", device=disk), add(operation="add", device=drive), add(operation="add", device=card),
    ]  # fmt: skip
    return vim.VirtualMachineConfigSpec(
        name=NAME, annotation=NOTES, numCPUs=2, numCoresPerSocket=2, memoryMB=192, guestId="debian12_64Guest",
        files=vim.VirtualMachineFileInfo(vmPathName=f"[{DATASTORE}]"), deviceChange=changes,
        bootOptions=vim.VirtualMachineBootOptions(bootOrder=[vim.VirtualMachineBootOptionsBootableCdromDevice()]),
    )  # fmt: skip


@contextmanager
def real_world() -> Iterator[World]:
    """Fails where QEMU is missing."""
    root = Root()
    try:
        arguments = ["--hypervisor", root.uri, "--datastore", f"{DATASTORE}={root.datastore}", "--network", f"{NETWORK}=user"]
        with vmctld(root.state, *arguments) as daemon:
            world = World(root, daemon)
            world.guest_is_up()
            yield world
        root.keep_capabilities()
    finally:
        root.remove()
