import os
import stat
import time

import pytest

from vmsdk.hypervisor.errors import HypervisorError
from vmsdk.hypervisor.kvm.probe import choose_accelerator
from vmsdk.hypervisor.kvm.proof import Proof, boots_sector


@pytest.fixture
def able(tmp_path):
    """A host that has all that KVM needs at first sight; `able(script)` puts a program in QEMU's place."""
    (tmp_path / "kvm").touch()
    (tmp_path / "cpuinfo").write_text("flags\t\t: fpu vmx sse\n")
    (tmp_path / "boot_id").write_text("boot-1\n")

    def proof(script, **words):
        program = tmp_path / "qemu"
        program.write_text(
            f'#!/bin/sh\n[ "$1" = --version ] && {{ echo QEMU 1; exit; }}\necho run >>{tmp_path}/runs\n{script}\n'
        )
        program.chmod(stat.S_IRWXU)
        return Proof(
            qemu=str(program),
            device=str(tmp_path / "kvm"),
            cpuinfo=str(tmp_path / "cpuinfo"),
            boot_id=str(tmp_path / "boot_id"),
            **{"kernels": ("/nonexistent",), "seconds": 2.0, **words},
        )

    return proof


def choose(tmp_path, proof, setting="auto"):
    return choose_accelerator(setting, str(tmp_path / "state"), True, proof)


def test_the_boot_sector_runs_to_its_end_on_a_real_qemu():
    assert boots_sector(Proof(accelerator="tcg"), time.monotonic() + 30)


def test_a_guest_that_comes_through_makes_it_kvm_and_is_not_asked_twice(tmp_path, able):
    proof = able("exit 85")
    assert choose(tmp_path, proof) == choose(tmp_path, proof) == "kvm"
    assert (tmp_path / "runs").read_text().count("run") == 1


def test_a_guest_that_hangs_makes_it_tcg_within_the_limit(tmp_path, able):
    began = time.monotonic()
    assert choose(tmp_path, able("exec sleep 60")) == "tcg"
    assert time.monotonic() - began < 8


def test_a_kernel_that_hangs_makes_it_tcg_although_the_boot_sector_came_through(tmp_path, able):
    kernel = tmp_path / "vmlinuz"
    kernel.touch()
    hangs = able(
        'case "$*" in *-kernel*) echo "Linux version 6"; exec sleep 60;; esac; exit 85', kernels=(str(kernel),)
    )
    assert choose(tmp_path, hangs) == "tcg"


def test_a_kernel_that_looks_for_its_disk_makes_it_kvm(tmp_path, able):
    kernel = tmp_path / "vmlinuz"
    kernel.touch()
    boots = able(
        'case "$*" in *-kernel*) echo Linux version 6, Unable to mount root fs; exec sleep 60;; esac; exit 85',
        kernels=(str(kernel),),
        seconds=10.0,
    )
    assert choose(tmp_path, boots) == "kvm"


def test_another_boot_of_the_host_is_proven_anew(tmp_path, able):
    assert choose(tmp_path, able("exit 1")) == "tcg"
    assert choose(tmp_path, able("exit 85")) == "tcg"
    (tmp_path / "boot_id").write_text("boot-2\n")
    assert choose(tmp_path, able("exit 85")) == "kvm"


def test_a_processor_without_extensions_is_answered_without_starting_anything(tmp_path, able):
    proof = able("exit 85")
    (tmp_path / "cpuinfo").write_text("flags\t\t: fpu sse\n")
    assert choose(tmp_path, proof) == "tcg"
    assert not (tmp_path / "runs").exists()


def test_a_setting_overrides_and_a_wrong_one_is_refused(tmp_path, able):
    proof = able("exec sleep 60")
    assert choose(tmp_path, proof, "kvm") == "kvm" and choose(tmp_path, proof, "tcg") == "tcg"
    assert not os.path.exists(tmp_path / "runs")
    with pytest.raises(HypervisorError, match="auto, kvm or tcg"):
        choose(tmp_path, proof, "turbo")
