"""The port's promises, held by real QEMU through the embedded driver."""

from tests.hypervisor.storage_suite import StorageSuite
from tests.hypervisor.suite import MachinesSuite


class TestRealMachines(MachinesSuite):
    pass


class TestRealStorage(StorageSuite):
    pass
