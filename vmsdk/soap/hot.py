"""Which operations skip the stop in `spyne`: those that clients call all the time, answered by our codec and cached bytes alone.

Measured before anything was built: RetrieveServiceContent costs 9-17 us so and 70-115 us through spyne's dispatch.
"""

from __future__ import annotations

HOT = frozenset({
    "CancelRetrievePropertiesEx", "CancelWaitForUpdates", "CheckForUpdates", "ContinueRetrievePropertiesEx",
    "CreateFilter", "CreatePropertyCollector", "CurrentTime", "DestroyPropertyCollector", "DestroyPropertyFilter",
    "Fetch", "RetrieveProperties", "RetrievePropertiesEx", "RetrieveServiceContent", "WaitForUpdates",
    "WaitForUpdatesEx",
})  # fmt: skip
