"""Folder: the root and the four folders of the datacenter. On a host the tree is fixed; machines are made in the machine folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine.call import Call
from ..engine.managed_object import operation, prop
from ..engine.site import Site
from ..wsdl import MoRef, vim
from . import virtual_machine_create as create
from .managed_entity import ManagedEntity


class Folder(ManagedEntity):
    """`word` names it in the personality's table; `children` reads its entries from cells."""

    def __init__(self, site: Site, value: str, word: str, name: str, up: MoRef | None, children: Callable[[], Any]):
        super().__init__(site, value)
        self._word, self._name, self._up, self._children = word, name, up, children

    @prop
    def name(self) -> str:
        return self._name

    @prop
    def parent(self) -> MoRef | None:
        return self._up

    @prop
    def childType(self) -> list[str]:
        return self.site.personality.folder_types[self._word]

    @prop
    def childEntity(self) -> tuple[MoRef, ...]:
        return tuple(self._children())

    def _machines_only(self) -> None:
        if self._word != "vm":
            raise vim.NotSupported()

    @operation
    async def CreateVM_Task(self, call: Call, config: Any, pool: MoRef, host: MoRef | None = None) -> MoRef:
        """A new machine, off, with its files. `pool` and `host` can only be this host's."""
        self._machines_only()
        return await create.create_machine(self.site, call, config, pool, host)

    @operation
    async def RegisterVM_Task(
        self, call: Call, path: str, asTemplate: bool, name: str | None = None, pool: MoRef | None = None, host: MoRef | None = None
    ) -> MoRef:
        """A machine from its configuration file."""
        self._machines_only()
        return await create.register_machine(self.site, call, path, asTemplate, name, pool, host)

    @operation
    def CreateFolder(self, call: Call, name: str) -> MoRef:
        """A host has a fixed tree."""
        raise vim.NotSupported()

    @operation
    async def Destroy_Task(self, call: Call) -> None:
        raise vim.NotSupported()

    @operation
    async def Rename_Task(self, call: Call, newName: str) -> None:
        raise vim.NotSupported()
