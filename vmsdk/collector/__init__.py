"""Bulk reads and updates: property paths, selection, filters, versions, pages. Stands on `engine/cells.py`."""
