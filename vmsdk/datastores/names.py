"""`[datastore1] web/web.vmx` <-> FilePlace. Pure; InvalidDatastorePath says which text was wrong."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..hypervisor.records import DatastoreRecord, FilePlace
from ..wsdl import vim

_FORM = re.compile(r"\s*\[([^\]\[/]{1,80})\]\s*(.*?)\s*\Z", re.S)


def parse(text: str, datastore_named: Callable[[str], DatastoreRecord | None]) -> FilePlace:
    """The place of a datastore path. InvalidDatastorePath, InvalidDatastore (no such name)."""
    found = _FORM.match(text or "")
    if not found:
        raise vim.InvalidDatastorePath(datastorePath=text)
    name, path = found.groups()
    path = path.strip("/")
    parts = path.split("/") if path else []
    if any(part in ("", ".", "..") for part in parts) or any(ord(c) < 32 or c == "\\" for c in path):
        raise vim.InvalidDatastorePath(datastorePath=text)
    record = datastore_named(name)
    if record is None:
        raise vim.InvalidDatastore(name=name, msg=f"The datastore '{name}' is not known on this host.")
    return FilePlace(datastore=record.id, path=path)


def text(place: FilePlace, datastore_name: Callable[[str], str]) -> str:
    """`[name] path`; the root of a datastore is `[name] `."""
    return f"[{datastore_name(place.datastore)}] {place.path}"


def folder_of(place: FilePlace) -> FilePlace:
    return FilePlace(datastore=place.datastore, path=place.path.rpartition("/")[0])


def beside(place: FilePlace, name: str) -> FilePlace:
    """A file in the same folder."""
    folder = place.path.rpartition("/")[0]
    return FilePlace(datastore=place.datastore, path=f"{folder}/{name}" if folder else name)


def stem(place: FilePlace) -> str:
    """`web` of `web/web.vmx`."""
    return place.path.rpartition("/")[2].rpartition(".")[0]


def safe_name(name: str) -> str:
    """A machine's name as a file name: `/`, `\\` and control characters are replaced, dots at the ends go."""
    made = re.sub(r'[\x00-\x1f\x7f/\\:*?"<>|%]', "_", name).strip(" .")
    return made.encode("utf-8")[:80].decode("utf-8", "ignore") or "vm"
