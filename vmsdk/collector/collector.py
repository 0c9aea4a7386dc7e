"""One property collector: its filters, versions, waits and pages. The wire face is `managed_objects/property_collector.py`.

Law: a version is a stamp of the graph, taken before the first object is read, and belongs to this collector. A complete version may be
asked again; a truncated one is good once. Waits, pages and filters end with the collector, and the collector with its session.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from itertools import islice
from typing import Any

from twisted.internet.defer import Deferred

from ..engine.call import Call
from ..engine.inventory import not_found
from ..engine.managed_object import ManagedObject
from ..wsdl import MethodFault, vim
from ..wsdl.codec.text import escape
from .filters import Filter, Update
from .reader import Reader
from .selection import Find, Selection, argument

DEFAULT_WAIT = 1800


class Limits:
    """How much one session may ask for; all are settings."""

    filters = 10_000
    pages = 1_000
    update_page = 0  # objects in one UpdateSet when the client sets no limit; 0: all
    object_page = 0  # the same for RetrievePropertiesEx


class _Wait:
    __slots__ = ("done", "limit", "since", "timer")

    def __init__(self, since: int, limit: int):
        self.since, self.limit = since, limit
        self.done: Deferred[str | None] = Deferred()
        self.timer: Any = None


class Collector:
    """Filters of one PropertyCollector. `number` marks its versions; `find(call)` resolves references for a caller."""

    def __init__(self, number: int, reader: Reader, find: Callable[[Call], Find], clock: Any, limits: Limits):
        self.number, self.reader, self._find, self._clock, self._limits = number, reader, find, clock, limits
        self.graph = reader.graph
        self.filters: dict[str, Filter] = {}
        self._first = self.graph.stamp
        self._waits: list[_Wait] = []
        self._pages: dict[str, tuple[list[tuple[Selection, ManagedObject]], int | None]] = {}
        self._cut: dict[str, tuple[list[tuple[str, Update]], int]] = {}

    # -- reading ----------------------------------------------------------------------------------------------

    def retrieve(self, call: Call, specs: Any, most: int | None) -> tuple[list[str], str]:
        """(ObjectContents as texts without their element, token or ''). ManagedObjectNotFound, InvalidProperty …"""
        self.graph.settle()
        find = self._find(call)
        work: list[tuple[Selection, ManagedObject]] = []
        for spec in specs:
            selection = Selection(spec, self.reader.paths, call.version)
            missing = selection.missing_roots(find)
            if missing and not spec.reportMissingObjectsInResults:
                raise not_found(missing[0])
            work += [(selection, face) for face in selection.walk(find, call)]
        return self._page(call, work, most)

    def _page(self, call: Call, work: list, most: int | None) -> tuple[list[str], str]:
        size = most or self._limits.object_page or len(work)
        now, later = work[:size], work[size:]
        content = self.reader.content
        texts = [content(face, selection.paths_of(face.kind) or (), call) for selection, face in now]
        if not later:
            return texts, ""
        if len(self._pages) >= self._limits.pages:
            self._pages.pop(next(iter(self._pages)))
        token = secrets.token_hex(16)
        self._pages[token] = (later, most)
        return texts, token

    def next_page(self, call: Call, token: str) -> tuple[list[str], str]:
        """InvalidProperty naming the token when it is unknown, used or another's."""
        if token not in self._pages:
            raise vim.InvalidProperty(name="token")
        self.graph.settle()
        work, most = self._pages.pop(token)
        find = self._find(call)
        return self._page(call, [(s, f) for s, f in work if find(f.ref) is f], most)

    def cancel_page(self, token: str) -> None:
        if self._pages.pop(token, None) is None:
            raise vim.InvalidProperty(name="token")

    # -- filters ----------------------------------------------------------------------------------------------

    def create_filter(self, call: Call, name: str, spec: Any, partial: bool) -> Filter:
        self.graph.settle()
        if len(self.filters) >= self._limits.filters:
            raise vim.LimitExceeded(property="filter", limit=self._limits.filters)
        find = self._find(call)
        selection = Selection(spec, self.reader.paths, call.version)
        missing = selection.missing_roots(find)
        if missing and not spec.reportMissingObjectsInResults:
            raise not_found(missing[0])
        made = self.filters[name] = Filter(selection, partial, self.reader, find, call, self._woken)
        self._woken()
        return made

    def destroy_filter(self, name: str) -> None:
        gone = self.filters.pop(name, None)
        if gone is not None:
            gone.destroy()

    # -- updates ----------------------------------------------------------------------------------------------

    def check(self, version: str) -> tuple[str, int] | None:
        """("since", stamp) or ("cut", …) of a version text. InvalidCollectorVersion."""
        if not version:
            return ("since", 0)
        if version in self._cut:
            return ("cut", 0)
        number, _, stamp = version.partition(".")
        oldest = max((f.oldest for f in self.filters.values()), default=0)
        if number != str(self.number) or not stamp.isascii() or not stamp.isdigit() or len(stamp) > 18:
            raise vim.InvalidCollectorVersion()
        if not max(self._first, oldest) <= int(stamp) <= self.graph.stamp:
            raise vim.InvalidCollectorVersion()
        return ("since", int(stamp))

    def updates(self, version: str, most: int | None) -> str | None:
        """One `<returnval>` with all that is new since `version`, or None when nothing is."""
        kind, since = self.check(version) or ("since", 0)
        self.graph.settle()
        size = most or self._limits.update_page or 0
        if kind == "cut":
            work, stamp = self._cut.pop(version)
            return self._spell(work, stamp, size)
        stamp = self.graph.stamp
        work = [(name, update) for name, f in self.filters.items() for update in f.updates(since)]
        if not work:
            return None
        return self._spell(work, stamp, size)

    def _spell(self, work: list[tuple[str, Update]], stamp: int, size: int) -> str | None:
        now, later = (work[:size], work[size:]) if size else (work, [])
        version = f"{self.number}.{stamp}"
        if later:
            version = f"{version}_{secrets.token_hex(4)}"
            self._cut[version] = (later, stamp)
            for old in list(islice(self._cut, max(0, len(self._cut) - 8))):
                del self._cut[old]
        sets: dict[str, list[str]] = {}
        for name, update in now:
            watched = self.filters.get(name)
            if watched is None or (update.member is not None and watched.members.get(update.ref) is not update.member):
                continue
            sets.setdefault(name, []).append(watched.spell(update))
        out = [f"<returnval><version>{version}</version>"]
        for name, texts in sets.items():
            out.append(f'<filterSet><filter type="PropertyFilter">{escape(name)}</filter>{"".join(texts)}</filterSet>')
        if later:
            out.append("<truncated>true</truncated>")
        out.append("</returnval>")
        return "".join(out)

    def wait(self, call: Call, version: str, seconds: int | None, most: int | None) -> Deferred[str | None] | str | None:
        """What is new at once, or a Deferred of it; None when `seconds` pass. InvalidArgument, InvalidCollectorVersion."""
        if seconds is not None and seconds < 0:
            raise argument("options.maxWaitSeconds")
        if most is not None and most <= 0:
            raise argument("options.maxObjectUpdates")
        ready = self.updates(version, most)
        if ready is not None or seconds == 0:
            return ready
        _, since = self.check(version) or ("", 0)
        wait = _Wait(since, most or 0)
        self._waits.append(wait)
        session = call.session
        if session is not None:
            session.waiting += 1
        wait.timer = self._clock.callLater(min(seconds or DEFAULT_WAIT, 86_400), self._end, wait, None)

        def over(outcome: Any) -> Any:
            if wait in self._waits:
                self._waits.remove(wait)
            if wait.timer is not None and wait.timer.active():
                wait.timer.cancel()
            if session is not None:
                session.waiting -= 1
                session.last_active = self._clock.seconds()
            return outcome

        wait.done.addBoth(over)
        return wait.done

    @staticmethod
    def _end(wait: _Wait, outcome: Any) -> None:
        if not wait.done.called:
            wait.done.callback(outcome)

    def _woken(self) -> None:
        """Something in a filter changed: answer the open waits once the graph is at rest."""
        if self._waits:
            self.graph._later(self._answer)

    def _answer(self) -> None:
        self.graph.settle()
        spelled: dict[tuple[int, int], str | None] = {}
        for wait in tuple(self._waits):
            key = (wait.since, wait.limit)
            if key not in spelled or wait.limit:
                version = f"{self.number}.{wait.since}" if wait.since else ""
                try:
                    spelled[key] = self.updates(version, wait.limit or None)
                except MethodFault as fault:
                    if not wait.done.called:
                        wait.done.errback(fault)
                    continue
            ready = spelled[key]
            if ready is not None:
                self._end(wait, ready)

    def cancel_waits(self, fault: MethodFault | None = None) -> None:
        """Every open wait ends with RequestCanceled (or `fault`)."""
        for wait in tuple(self._waits):
            if not wait.done.called:
                wait.done.errback(fault or vim.RequestCanceled())

    def destroy(self, fault: MethodFault | None = None) -> None:
        self.cancel_waits(fault)
        for name in tuple(self.filters):
            self.destroy_filter(name)
        self._pages.clear()
        self._cut.clear()
