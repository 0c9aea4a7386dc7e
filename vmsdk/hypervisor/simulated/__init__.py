"""A whole host in memory that keeps every promise of the port: a product feature, and the host of the tests."""

from .build import build_simulated
from .conditions import Conditions, Hold, Pace
from .hypervisor import SimulatedHypervisor
from .shapes import SHAPES, Shape
from .state import SimulatedMachine
from .storage import MemoryStorage

__all__ = [
    "SHAPES",
    "Conditions",
    "Hold",
    "MemoryStorage",
    "Pace",
    "Shape",
    "SimulatedHypervisor",
    "SimulatedMachine",
    "build_simulated",
]
