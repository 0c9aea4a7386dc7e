"""What every wire face is: a reference, properties found by their contract name, operations found by theirs.

Law: a face holds no state that the hypervisor or the store holds. A property is a pure function of cells; it never reads a clock. A
property that depends on who asks says `caller=True`, gets the Call and is never cached.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ..wsdl import CONTRACT, ManagedType, MoRef
from .cells import Graph, Slot

if TYPE_CHECKING:
    from .call import Call

F = TypeVar("F", bound=Callable[..., Any])


def prop(function: F | None = None, *, caller: bool = False) -> Any:
    """Marks a method as the property of its name."""

    def mark(f: F) -> F:
        f.is_prop, f.of_caller = True, caller  # type: ignore[attr-defined]
        return f

    return mark if function is None else mark(function)


def operation(function: F) -> F:
    """Marks a method as the operation of its name: `def` answers now, `async def` later, `async def …_Task` with a Task."""
    function.is_operation = True  # type: ignore[attr-defined]
    return function


class ManagedObject:
    """Base of all faces. The class's name is the wire type unless `wire_type` says otherwise."""

    wire_type = ""
    props: dict[str, Callable[..., Any]] = {}
    operations: dict[str, Callable[..., Any]] = {}
    kind: ManagedType = CONTRACT.managed("ManagedObject")

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        name = cls.__dict__.get("wire_type") or cls.__name__
        if name in CONTRACT:
            cls.wire_type = name
            cls.kind = CONTRACT.managed(name)
        cls.props = dict(cls.props)
        cls.operations = dict(cls.operations)
        for base in reversed(cls.__mro__):
            for member, value in vars(base).items():
                if getattr(value, "is_prop", False):
                    cls.props[member] = getattr(cls, member)
                elif getattr(value, "is_operation", False):
                    cls.operations[member] = getattr(cls, member)

    def __init__(self, graph: Graph, value: str):
        self.graph = graph
        self.ref = MoRef(self.wire_type, value)
        self.slots: dict[Any, Slot] = {}

    @property
    def parent_object(self) -> ManagedObject | None:
        """Where permissions are inherited from; None for managers (they stand under the root)."""
        return None

    @property
    def owner(self) -> str:
        """Whose it is: that user may always see and read it. Empty: nobody's."""
        return ""

    def read(self, name: str, call: Call | None) -> Any:
        """A property by name; None when unset or not had here."""
        function = self.props.get(name)
        if function is None:
            return None
        return function(self, call) if function.of_caller else function(self)  # type: ignore[attr-defined]

    def depends_on_caller(self, name: str) -> bool:
        function = self.props.get(name)
        return function is not None and function.of_caller  # type: ignore[attr-defined]

    def claim_for(self, operation_name: str) -> MoRef | None:
        """What a task of this operation holds while it runs; None: nothing."""
        return None

    def gone(self) -> None:
        """Called when the object leaves the inventory."""

    def forget_slots(self) -> None:
        """Let go of what was computed: cells of other objects would keep it, and this object, alive."""
        for slot in self.slots.values():
            slot.release()

    def __repr__(self) -> str:
        return f"<{self.ref}>"
