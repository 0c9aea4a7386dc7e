"""LocalizationManager: catalogues of texts in other languages. There are none: every text is English as it is sent."""

from __future__ import annotations

from typing import Any

from ..engine.managed_object import ManagedObject, prop
from ..engine.site import Site


class LocalizationManager(ManagedObject):
    def __init__(self, site: Site):
        super().__init__(site.graph, site.personality.manager("localizationManager")[1])

    @prop
    def catalog(self) -> tuple[Any, ...]:
        return ()
