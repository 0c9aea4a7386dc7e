"""PropertyCollector: the face of `collector/collector.py`. The well-known id is each session's own default collector.

Answers are spelled by the collector itself; nothing passes through value objects.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from ..collector.collector import Collector, Limits
from ..collector.reader import Reader
from ..collector.selection import Find, argument
from ..engine.call import Call, Raw
from ..engine.inventory import fits
from ..engine.managed_object import ManagedObject, operation, prop
from ..engine.site import Site
from ..wsdl import MoRef, vim


class Collectors:
    """Makes collectors and finds the one a call means."""

    def __init__(self, site: Site, reader: Reader, limits: Limits):
        self.site, self.reader, self.limits = site, reader, limits
        self._number = 0

    def make(self) -> Collector:
        self._number += 1
        return Collector(self._number, self.reader, self.finder, self.site.clock, self.limits)

    def finder(self, call: Call) -> Find:
        objects = call.session.objects if call.session is not None else {}
        inventory = self.site.inventory

        def find(ref: MoRef) -> ManagedObject | None:
            face = objects.get(ref.value) or inventory.get(ref.value)
            return face if face is not None and fits(face, ref.type) else None

        return find

    def default(self, call: Call) -> Collector:
        """The session's own; one for a single read where nobody is logged in."""
        session = call.session
        if session is None:
            return self.make()
        if session.collector is None:
            made = session.collector = self.make()
            session.when_ended.append(lambda: made.destroy(vim.NotAuthenticated(object=PropertyCollector.default_ref(self.site),
                                                                              privilegeId="System.View")))  # fmt: skip
        return session.collector


def _contents(texts: list[str], tag: str) -> str:
    return "".join(f"<{tag}>{text}</{tag}>" for text in texts)


class PropertyCollector(ManagedObject):
    """`mine` is the collector behind it, None for the well-known one (each session has its own behind that)."""

    def __init__(self, site: Site, value: str, collectors: Collectors, mine: Collector | None = None):
        super().__init__(site.graph, value)
        self.site, self._collectors, self._mine = site, collectors, mine

    @staticmethod
    def default_ref(site: Site) -> MoRef:
        return MoRef(*site.personality.manager("propertyCollector"))

    def _collector(self, call: Call) -> Collector:
        return self._mine if self._mine is not None else self._collectors.default(call)

    def gone(self) -> None:
        if self._mine is not None:
            self._mine.destroy(vim.RequestCanceled())

    @prop(caller=True)
    def filter(self, call: Call) -> tuple[MoRef, ...] | None:
        mine = tuple(MoRef("PropertyFilter", name) for name in self._collector(call).filters)
        return mine or None

    # -- reading ----------------------------------------------------------------------------------------------

    @operation
    def RetrieveProperties(self, call: Call, specSet: Any) -> Raw:
        texts, _ = self._collector(call).retrieve(call, specSet, None)
        return Raw(_contents(texts, "returnval"))

    @operation
    def RetrievePropertiesEx(self, call: Call, specSet: Any, options: Any) -> Raw:
        if options.maxObjects is not None and options.maxObjects <= 0:
            raise argument("options.maxObjects")
        return self._result(*self._collector(call).retrieve(call, specSet, options.maxObjects))

    @operation
    def ContinueRetrievePropertiesEx(self, call: Call, token: str) -> Raw:
        return self._result(*self._collector(call).next_page(call, token))

    @operation
    def CancelRetrievePropertiesEx(self, call: Call, token: str) -> None:
        self._collector(call).cancel_page(token)

    @staticmethod
    def _result(texts: list[str], token: str) -> Raw:
        if not texts:
            return Raw()
        said = f"<token>{token}</token>" if token else ""
        return Raw(f"<returnval>{said}{_contents(texts, 'objects')}</returnval>")

    # -- watching ---------------------------------------------------------------------------------------------

    @operation
    def CreateFilter(self, call: Call, spec: Any, partialUpdates: bool) -> MoRef:
        assert call.session is not None
        collector = self._collector(call)
        name = call.session.new_id()
        collector.create_filter(call, name, spec, partialUpdates)
        return call.session.own(PropertyFilter(self.site, name, collector, spec, partialUpdates))

    @operation
    def CreatePropertyCollector(self, call: Call) -> MoRef:
        assert call.session is not None
        name = call.session.new_id()
        return call.session.own(PropertyCollector(self.site, name, self._collectors, self._collectors.make()))

    @operation
    def DestroyPropertyCollector(self, call: Call) -> None:
        if self._mine is None or call.session is None:
            raise vim.NotSupported()
        for face in tuple(call.session.objects.values()):
            if isinstance(face, PropertyFilter) and face.collector is self._mine:
                call.session.disown(face)
        call.session.disown(self)

    @operation
    def CheckForUpdates(self, call: Call, version: str | None = None) -> Raw:
        return Raw(self._collector(call).updates(version or "", None) or "")

    @operation
    async def WaitForUpdates(self, call: Call, version: str | None = None) -> Raw:
        return await self._wait(call, version, None, None)

    @operation
    async def WaitForUpdatesEx(self, call: Call, version: str | None = None, options: Any = None) -> Raw:
        seconds = options.maxWaitSeconds if options is not None else None
        most = options.maxObjectUpdates if options is not None else None
        return await self._wait(call, version, seconds, most)

    async def _wait(self, call: Call, version: str | None, seconds: int | None, most: int | None) -> Raw:
        ready = self._collector(call).wait(call, version or "", seconds, most)
        if isinstance(ready, Deferred):
            ready = await ready
        return Raw(ready or "")

    @operation
    def CancelWaitForUpdates(self, call: Call) -> None:
        self._collector(call).cancel_waits()


class PropertyFilter(ManagedObject):
    """A filter of one session."""

    def __init__(self, site: Site, value: str, collector: Collector, spec: Any, partial: bool):
        super().__init__(site.graph, value)
        self.collector, self._spec, self._partial = collector, spec, partial

    def gone(self) -> None:
        self.collector.destroy_filter(self.ref.value)

    @prop
    def spec(self) -> Any:
        return self._spec

    @prop
    def partialUpdates(self) -> bool:
        return self._partial

    @operation
    def DestroyPropertyFilter(self, call: Call) -> None:
        assert call.session is not None
        call.session.disown(self)
