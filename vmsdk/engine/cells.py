"""Sources and what is computed from them: the one mechanism behind reads, caches, updates and versions.

Law: a Cell holds an immutable value; replacing it is the only way to change anything. What is computed for a watcher or a cache (a
Slot) notes every cell it reads, of whatever object; replacing a cell dirties exactly those slots. Nobody asked: nothing noted,
nothing paid. At the end of a turn `settle` recomputes dirty watched slots once; one whose text differs gets the turn's new
stamp. A slot that is only cached is dropped instead.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")


class Watcher(Protocol):
    """Told, inside `settle`, of each slot it watches whose value changed."""

    def touched(self, slot: Slot) -> None: ...

    def settled(self) -> None:
        """Called once for each settle in which it was touched, after all slots are fresh."""
        ...


class Cell(Generic[T]):
    """A place for one immutable value."""

    __slots__ = ("_graph", "_readers", "_value")

    def __init__(self, graph: Graph, value: T):
        self._graph, self._value = graph, value
        self._readers: set[Slot] | None = None

    def get(self) -> T:
        noting = self._graph.noting
        if noting is not None:
            noting.add(self)
        return self._value

    def set(self, value: T) -> None:
        """Replace the value; an equal one changes nothing."""
        if value is self._value or value == self._value:
            return
        self._value = value
        if self._readers:
            self._graph.dirty(self._readers)

    @property
    def read(self) -> bool:
        """Whether anything computed depends on it."""
        return bool(self._readers)

    def forget(self, slot: Slot) -> None:
        if self._readers is not None:
            self._readers.discard(slot)

    def tell(self, slot: Slot) -> None:
        if self._readers is None:
            self._readers = set()
        self._readers.add(slot)


class Slot:
    """One computed text. `compute` gives what a client would be sent (None: unset); `stamp` is when it last changed.

    Texts are kept by encoder key in the graph's budget; `mark` (the fingerprint) outlives them.
    """

    __slots__ = ("_cells", "_graph", "compute", "mark", "stamp", "texts", "watchers")

    def __init__(self, graph: Graph, compute: Callable[[Any], str | None]):
        self._graph, self.compute = graph, compute
        self._cells: set[Cell] = set()
        self.texts: dict[Any, str | None] | None = None
        self.mark: int | None = None
        self.stamp = 0
        self.watchers: list[Watcher] = []

    def text(self, key: Any) -> str | None:
        """The value as the encoder `key` spells it."""
        if self.texts is not None and key in self.texts:
            self._graph.budget.used(self)
            return self.texts[key]
        return self._computed(key)

    def _computed(self, key: Any) -> str | None:
        cells, text = self._graph.track(lambda: self.compute(key))
        for cell in self._cells - cells:
            cell.forget(self)
        for cell in cells - self._cells:
            cell.tell(self)
        self._cells = cells
        if self.texts is None:
            self.texts = {}
        self.texts[key] = text
        self._graph.budget.add(self, len(text) if text else 1)
        return text

    def refresh(self, key: Any) -> bool:
        """Compute anew; whether the value differs from the last one seen."""
        self.texts = None
        self._graph.budget.drop(self)
        mark = hash(self._computed(key))
        changed, self.mark = mark != self.mark, mark
        return changed

    def release(self) -> None:
        """Forget what was computed and stop listening to cells."""
        for cell in self._cells:
            cell.forget(self)
        self._cells = set()
        self.texts = None
        self._graph.budget.drop(self)

    def watch(self, watcher: Watcher, key: Any) -> None:
        if self.mark is None or not self.watchers:
            mark = hash(self.text(key))
            if self.mark is not None and mark != self.mark:
                self.stamp = self._graph.stamp
            self.mark = mark
        self.watchers.append(watcher)

    def unwatch(self, watcher: Watcher) -> None:
        self.watchers.remove(watcher)


class Budget:
    """The texts kept, least recently used first; past `limit` bytes the oldest go."""

    def __init__(self, limit: int):
        self.limit, self.size = limit, 0
        self._kept: OrderedDict[Slot, int] = OrderedDict()

    def add(self, slot: Slot, size: int) -> None:
        self._kept[slot] = self._kept.get(slot, 0) + size
        self._kept.move_to_end(slot)
        self.size += size
        while self.size > self.limit and len(self._kept) > 1:
            oldest, its = self._kept.popitem(last=False)
            self.size -= its
            oldest.texts = None
            if not oldest.watchers:
                oldest.release()

    def used(self, slot: Slot) -> None:
        if slot in self._kept:
            self._kept.move_to_end(slot)

    def drop(self, slot: Slot) -> None:
        self.size -= self._kept.pop(slot, 0)


class Graph:
    """All cells and slots of one server. `later` runs a call at the end of the reactor's turn; `key` is the encoder by
    which changes are judged (the newest version served)."""

    def __init__(self, later: Callable[[Callable[[], None]], Any], key: Any = None, budget: int = 64 << 20):
        self._later, self.key = later, key
        self.budget = Budget(budget)
        self.noting: set[Cell] | None = None
        self.stamp = 1
        self._dirty: dict[Slot, None] = {}
        self._touched: dict[Watcher, None] = {}
        self._scheduled = False
        self._settling = False

    def cell(self, value: T) -> Cell[T]:
        return Cell(self, value)

    def track(self, compute: Callable[[], T]) -> tuple[set[Cell], T]:
        """Run `compute` and tell which cells it read."""
        outer, self.noting = self.noting, set()
        try:
            value = compute()
            return self.noting, value
        finally:
            self.noting = outer

    def dirty(self, slots: set[Slot]) -> None:
        for slot in slots:
            self._dirty[slot] = None
        self.schedule()

    def wake(self, watcher: Watcher) -> None:
        """Have `watcher.settled` called at the next settle although no slot of its own changed."""
        self._touched[watcher] = None
        self.schedule()

    def schedule(self) -> None:
        if not self._scheduled and not self._settling:
            self._scheduled = True
            self._later(self.settle)

    def tick(self) -> int:
        """The next stamp: newer than all that was seen so far."""
        self.stamp += 1
        return self.stamp

    def settle(self) -> None:
        """Make every watched slot fresh and tell the watchers. Called at the end of a turn and before any read."""
        self._scheduled = False
        if self._settling or not (self._dirty or self._touched):
            return
        self._settling = True
        try:
            for _ in range(1000):  # a watcher may watch more in `settled`; a cycle would be a bug
                self._pass()
                if not (self._dirty or self._touched):
                    return
            raise RuntimeError("computed values keep changing each other")
        finally:
            self._settling = False

    def _pass(self) -> None:
        dirty, self._dirty = self._dirty, {}
        stamp = 0
        for slot in dirty:
            if not slot.watchers:
                slot.release()
                continue
            if slot.refresh(self.key):
                stamp = stamp or self.tick()
                slot.stamp = stamp
                for watcher in slot.watchers:
                    self._touched[watcher] = None
                    watcher.touched(slot)
        touched, self._touched = self._touched, {}
        for watcher in touched:
            watcher.settled()


class AuditFailed(AssertionError):
    """A watched or cached value differs from what is computed afresh: a cell was read outside its tracking."""


def audit(graph: Graph, slots: list[Slot]) -> None:
    """Recompute from scratch and compare. Run in every test after each turn."""
    graph.settle()
    for slot in slots:
        for key, kept in list((slot.texts or {}).items()):
            fresh = graph.track(partial(slot.compute, key))[1]
            if fresh != kept:
                raise AuditFailed(f"kept {kept!r}, now {fresh!r}")
        if slot.watchers and slot.mark is not None and hash(slot.compute(graph.key)) != slot.mark:
            raise AuditFailed("a watched value changed unseen")
