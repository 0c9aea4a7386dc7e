"""TaskManager: which tasks there were lately."""

from __future__ import annotations

from ..engine.managed_object import ManagedObject, prop
from ..engine.site import Site
from ..wsdl import MoRef


class TaskManager(ManagedObject):
    def __init__(self, site: Site):
        super().__init__(site.graph, site.personality.manager("taskManager")[1])
        self.site = site

    @prop
    def recentTask(self) -> tuple[MoRef, ...]:
        return self.site.tasks.recent.get()

    @prop
    def maxCollector(self) -> int:
        return 32
