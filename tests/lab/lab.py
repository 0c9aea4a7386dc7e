"""The lab: one server, its clock, its worker, and a client that is logged in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from argon2 import PasswordHasher
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from vmsdk.build import Daemon, first_account
from vmsdk.config import Settings
from vmsdk.engine.cells import audit
from vmsdk.hypervisor.simulated import build_simulated
from vmsdk.hypervisor.worker import SteppedWorker
from vmsdk.store.store import Store
from vmsdk.wsdl import MoRef, vim

from .client import Client, Proxy

START = 1_700_000_000.0
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # a real hash costs 30 ms each time


class Lab:
    """`step()` lets the simulated host work and the turn end; until then nothing happens."""

    def __init__(
        self,
        folder: Path,
        machines: int = 0,
        shape: str = "small",
        store: Store | None = None,
        before: Lab | None = None,
        **settings: Any,
    ):
        """`before` is a lab that was killed: its host, clock and worker go on under this one."""
        self.clock = before.clock if before is not None else Clock()
        if before is None:
            self.clock.advance(START)
        self.worker = before.worker if before is not None else SteppedWorker()
        self.store = store or Store.in_memory()
        password = folder / "password"
        password.write_text("secret\n")
        self.settings = Settings(state=folder, password_file=password, shape=shape, **settings)
        self.hypervisor = before.hypervisor if before is not None else build_simulated(self.clock, machines, shape, self.worker)
        self.daemon = Daemon(self.settings, self.clock, self.hypervisor, self.store, lambda f, *a: succeed(f(*a)), CHEAP)
        self.daemon.on_missing = self._missing
        self.missing: list[tuple[str, str]] = []
        first_account(self.daemon)
        self.finish(self.daemon.open())
        self.step()
        self.root = self.client().login()

    def _missing(self, type_name: str, member: str) -> None:
        self.missing.append((type_name, member))

    # -- time -------------------------------------------------------------------------------------------------

    def turn(self) -> None:
        """End the reactor's turn: computed values settle, waits are answered; then the auditor looks."""
        for _ in range(5):
            self.clock.advance(0)
        self.audit()

    def step(self, jobs: int | None = None) -> None:
        """Let the host do its work (all of it, or that many jobs) and end the turn."""
        self.turn()
        while self.worker.step(jobs):
            self.turn()
            if jobs is not None:
                return

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.turn()

    def audit(self) -> None:
        slots = [slot for face in self.daemon.inventory for slot in face.slots.values()]
        for session in self.daemon.sessions.all():
            for face in session.objects.values():
                slots += face.slots.values()
                collector = getattr(face, "collector", None)
                if collector is not None:
                    slots += [slot for watched in collector.filters.values() for slot in watched.slots()]
        audit(self.daemon.graph, slots)

    def finish(self, coroutine: Any) -> Any:
        """Run a coroutine to its end, stepping as it needs."""
        done: list[Any] = []
        Deferred.fromCoroutine(coroutine).addBoth(done.append)
        for _ in range(100_000):
            if done:
                break
            self.worker.step()
            self.clock.advance(0)
        assert done, "the coroutine did not end"
        if hasattr(done[0], "raiseException"):
            done[0].raiseException()
        return done[0]

    # -- clients ----------------------------------------------------------------------------------------------

    def client(self, version: str = "8.0.3.0", **peer: Any) -> Client:
        from vmsdk.engine.call import Peer

        made = Client(self.daemon.service, self.step, version, Peer(**peer))
        made.collector = MoRef(*self.daemon.personality.manager("propertyCollector"))
        made.session_manager = MoRef(*self.daemon.personality.manager("sessionManager"))
        return made

    def call(self, ref: Any, method: str, **arguments: Any) -> Any:
        """As root. A task comes back as a Proxy, and has not been given time yet."""
        found = self.root.call(ref, method, **arguments)
        return Proxy(self.root, found) if isinstance(found, MoRef) else found

    def get(self, ref: Any, *paths: str) -> Any:
        return self.root.get(ref, *paths)

    def run(self, ref: Any, method: str, **arguments: Any) -> Any:
        """A task to its end: its result, or its fault raised."""
        task = self.call(ref, method, **arguments)
        self.step()
        info = task.info
        assert info.state in ("success", "error"), info.state
        if info.state == "error":
            raise info.error
        return info.result

    # -- the tree ---------------------------------------------------------------------------------------------

    @property
    def folder(self) -> MoRef:
        return MoRef("Folder", self.daemon.personality.fixed["vm"])

    @property
    def pool(self) -> MoRef:
        return MoRef("ResourcePool", self.daemon.personality.fixed["pool"])

    @property
    def machines(self) -> list[Proxy]:
        return [Proxy(self.root, ref) for ref in self.get(self.folder, "childEntity") or []]

    @property
    def datastore(self) -> str:
        return next(iter(self.daemon.site.host.datastores.values())).get().name

    def spec(self, name: str = "web", *, disk_kb: int = 0, network: str = "", iso: str = "", **facts: Any) -> Any:
        """A VirtualMachineConfigSpec as clients send them."""
        changes = []
        add = vim.VirtualDeviceConfigSpec
        if disk_kb:
            changes.append(add(operation="add", device=vim.ParaVirtualSCSIController(key=-1, busNumber=0, sharedBus="noSharing")))
            backing = vim.VirtualDiskFlatVer2BackingInfo(fileName="", diskMode="persistent", thinProvisioned=True)
            disk = vim.VirtualDisk(key=-2, controllerKey=-1, unitNumber=0, capacityInKB=disk_kb, backing=backing)
            changes.append(add(operation="add", fileOperation="create", device=disk))
        if network:
            backing = vim.VirtualEthernetCardNetworkBackingInfo(deviceName=network)
            changes.append(add(operation="add", device=vim.VirtualVmxnet3(key=-3, backing=backing)))
        if iso:
            backing = vim.VirtualCdromIsoBackingInfo(fileName=iso)
            changes.append(add(operation="add", device=vim.VirtualCdrom(key=-4, controllerKey=200, unitNumber=0, backing=backing)))
        facts.setdefault("files", vim.VirtualMachineFileInfo(vmPathName=f"[{self.datastore}]"))
        facts.setdefault("memoryMB", 128)
        facts.setdefault("guestId", "otherLinux64Guest")
        facts.setdefault("deviceChange", changes)
        return vim.VirtualMachineConfigSpec(name=name, numCPUs=1, **facts)

    def vm(self, name: str = "web", **facts: Any) -> Proxy:
        """A new machine, off."""
        return Proxy(self.root, self.run(self.folder, "CreateVM_Task", config=self.spec(name, **facts), pool=self.pool))

    def watch(self, ref: Any, path: str, client: Client | None = None) -> list[Any]:
        """The values of a property as a waiting client is told them, growing with each step."""
        client = client or self.root
        ref = getattr(ref, "ref", ref)
        mine = client.call(client.collector, "CreatePropertyCollector")
        spec = vim.PropertyFilterSpec(
            propSet=[vim.PropertySpec(type=ref.type, pathSet=[path])], objectSet=[vim.ObjectSpec(obj=ref)]
        )
        client.call(mine, "CreateFilter", spec=spec, partialUpdates=False)
        seen: list[Any] = []

        def told(answer: Any, version: str) -> None:
            update = client.result("WaitForUpdatesEx", answer)
            if update is None:
                again(version)
                return
            for change in [c for f in update.filterSet for o in f.objectSet for c in o.changeSet]:
                seen.append(change.val)
            again(update.version)

        def again(version: str) -> None:
            answer = client.start(mine, "WaitForUpdatesEx", version=version)
            if isinstance(answer, Deferred):
                answer.addCallback(told, version).addErrback(lambda failure: failure.trap(vim.MethodFault, AssertionError))
            else:
                told(answer, version)

        again("")
        return seen


def definition_of(lab: Lab, vm: Proxy) -> Any:
    """A machine's record as the hypervisor has it; for what no client can see."""
    machines = lab.finish(lab.hypervisor.machines())
    uuid = vm.config.instanceUuid
    found = next(m for m in machines if m.definition.uuid == uuid)
    return msgspec.structs.replace(found.definition)
