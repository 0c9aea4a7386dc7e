"""The fast bed: a whole server on the simulated host, with a stepped worker and a clock of its own, spoken to in SOAP bytes.

Nothing is patched and nothing sleeps: what a test asserts is what a client would see. After each turn the auditor recomputes
every watched and cached property.
"""

from .client import Client, Proxy
from .lab import Lab

__all__ = ["Client", "Lab", "Proxy"]
