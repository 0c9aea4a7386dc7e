"""The weather a simulated host works in: how long verbs take, which of them fail, which hang.

Law: a verb asks once, when it is called; what was arranged for it is used up by it. Verbs of the storage are
called `storage.x`.
"""

from __future__ import annotations

from collections.abc import Callable

from ..errors import HypervisorError
from ..interface import Hypervisor, Storage
from ..records import Record


def _verbs() -> frozenset[str]:
    def of(protocol: type) -> set[str]:
        return {name for name, what in vars(protocol).items() if callable(what) and not name.startswith("_")}

    return frozenset(of(Hypervisor) - {"listen", "close"} | {f"storage.{name}" for name in of(Storage)})


VERBS = _verbs()


class Pace(Record, frozen=True):
    """Seconds that things take which are no verbs. `deadline`: when a verb gives up with TimedOut; None is never."""

    guest_boot: float = 0.0  # from power to an agent that answers
    guest_stop: float = 0.0  # from a request to the guest until it did it
    sample: float = 20.0  # between two rounds of figures; 0 for none
    deadline: float | None = None


class Hold:
    """A verb that hangs, or will: `release()` lets it go on, `fail()` ends it with an error."""

    def __init__(self) -> None:
        self._go_on: Callable[[HypervisorError | None], None] | None = None
        self._decided: tuple[HypervisorError | None] | None = None

    @property
    def holds(self) -> bool:
        """Whether a verb hangs here at the moment."""
        return self._go_on is not None

    def release(self) -> None:
        self._decide(None)

    def fail(self, error: HypervisorError) -> None:
        self._decide(error)

    def _decide(self, error: HypervisorError | None) -> None:
        self._decided = (error,)
        go_on, self._go_on = self._go_on, None
        if go_on is not None:
            go_on(error)

    def wait(self, go_on: Callable[[HypervisorError | None], None]) -> None:
        if self._decided is not None:
            go_on(self._decided[0])
        else:
            self._go_on = go_on


Trouble = HypervisorError | Hold


class Conditions:
    """What is arranged, by verb. An unknown verb is a ValueError, so a misspelt one does not pass as fair weather."""

    def __init__(self, delays: dict[str, float] | None = None):
        self._delays: dict[str, float] = {}
        self._troubles: dict[str, list[tuple[str | None, Trouble]]] = {}
        for verb, seconds in (delays or {}).items():
            self.delay(verb, seconds)

    def delay(self, verb: str, seconds: float) -> None:
        """From now on `verb` takes that long."""
        self._delays[self._known(verb)] = seconds

    def fail(self, verb: str, error: HypervisorError, only: str | None = None) -> None:
        """The next call of `verb` (on the machine or path `only`, if given) raises `error` and has no effect."""
        self._troubles.setdefault(self._known(verb), []).append((only, error))

    def hang(self, verb: str, only: str | None = None) -> Hold:
        """The next such call hangs before its effect until the Hold is released."""
        hold = Hold()
        self._troubles.setdefault(self._known(verb), []).append((only, hold))
        return hold

    def of(self, verb: str, subject: str) -> tuple[float, Trouble | None]:
        """Delay and trouble of a call that is being made; the trouble is used up."""
        arranged = self._troubles.get(verb, [])
        trouble = None
        for index, (only, what) in enumerate(arranged):
            if only is None or only == subject:
                trouble = what
                del arranged[index]
                break
        return self._delays.get(verb, 0.0), trouble

    def _known(self, verb: str) -> str:
        if verb not in VERBS:
            raise ValueError(f"{verb!r} is no verb of the port")
        return verb
