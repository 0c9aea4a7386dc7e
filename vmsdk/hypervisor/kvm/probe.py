"""Whether KVM is worth its name here: proven, not believed.

Law: /dev/kvm proves nothing: there are hosts that have it and on which kernels hang. KVM is chosen when the processor
has the extensions *and* a guest that enters long mode has run under it within a time limit. The proof is kept for
this boot of the host and this QEMU; a setting overrides it all.
"""

from __future__ import annotations

from twisted.logger import Logger

from ..errors import HypervisorError
from .proof import Proof, prove

log = Logger()


def choose_accelerator(setting: str, state_dir: str, local: bool, prover: Proof | None = None) -> str:
    """kvm or tcg; for a thread. `setting`: auto, kvm, tcg. `local`: the host asked for is this one."""
    if setting in ("kvm", "tcg"):
        return setting
    if setting != "auto":
        raise HypervisorError(f"The accelerator is auto, kvm or tcg, not {setting!r}.")
    if not local:
        return "kvm"  # nothing can be tried there from here; whoever knows better says so in the setting
    return "kvm" if prove(prover or Proof(), state_dir) else "tcg"
