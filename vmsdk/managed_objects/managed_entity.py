"""What folders, hosts, machines, datastores and the like have in common."""

from __future__ import annotations

from typing import Any

from ..engine.call import Call
from ..engine.managed_object import ManagedObject, operation, prop
from ..engine.site import Site
from ..wsdl import MoRef, vim
from .custom_fields_manager import definition

MAX_NAME = 80


class ManagedEntity(ManagedObject):
    """Base of the tree's objects. Subclasses say `name` and `parent`."""

    def __init__(self, site: Site, value: str):
        super().__init__(site.graph, value)
        self.site = site

    @prop
    def name(self) -> str:
        raise NotImplementedError

    @prop
    def parent(self) -> MoRef | None:
        return None

    @property
    def parent_object(self) -> ManagedObject | None:
        parent = self.parent()
        return self.site.inventory.get(parent.value) if parent is not None else None

    def gone(self) -> None:
        if self.site.authorization is not None:
            self.site.authorization.forget(self.ref)
        if self.site.custom_fields is not None:
            self.site.custom_fields.forget(self.ref)

    @prop
    def overallStatus(self) -> str:
        return "green"

    @prop
    def configStatus(self) -> str:
        return "green"

    @prop
    def configIssue(self) -> Any:
        return () if self.site.personality.column else None

    @prop(caller=True)
    def effectiveRole(self, call: Call) -> tuple[int, ...]:
        return self.site.permissions.effective(call.user, self)

    @prop
    def permission(self) -> Any:
        mine = tuple(
            vim.Permission(entity=p.entity, principal=p.principal, group=p.group, roleId=p.role, propagate=p.propagate)
            for p in self.site.permissions.granted.get()
            if p.entity == self.ref
        )
        return mine if mine or self.site.personality.column else None

    @prop
    def disabledMethod(self) -> Any:
        return () if self.site.personality.column else None

    @prop
    def recentTask(self) -> Any:
        mine = self.site.tasks.of(self.ref).get()
        return mine if mine or self.site.personality.column else None

    @prop
    def declaredAlarmState(self) -> Any:
        return () if self.site.personality.column else None

    @prop
    def triggeredAlarmState(self) -> Any:
        return () if self.site.personality.column else None

    @prop
    def alarmActionsEnabled(self) -> Any:
        return True if self.site.personality.column else None

    @prop
    def customValue(self) -> Any:
        return custom_values(self.site, self.ref)

    @prop
    def tag(self) -> Any:
        return () if self.site.personality.column else None

    @prop
    def value(self) -> Any:
        return custom_values(self.site, self.ref)

    @prop
    def availableField(self) -> Any:
        if self.site.custom_fields is None or self.site.manager("customFieldsManager") is None:
            return () if self.site.personality.column else None
        return tuple(definition(field) for field in self.site.custom_fields.of(self.ref))

    @operation
    def setCustomValue(self, call: Call, key: str, value: str) -> None:
        """A custom field by its name. NotSupported on a single host, InvalidArgument `key` where the object has no such field."""
        if self.site.manager("customFieldsManager") is None:
            raise vim.NotSupported()
        found = next((field for field in self.site.custom_fields.of(self.ref) if field.name == key), None)
        if found is None:
            raise vim.InvalidArgument(invalidProperty="key")
        self.site.custom_fields.set(self.ref, found.key, value)

    @operation
    def Reload(self, call: Call) -> None:
        """Nothing is cached that could be stale: what is known is read at every change."""


def custom_values(site: Site, ref: MoRef) -> Any:
    """CustomFieldStringValue, by key; None on a single host, which has no such fields."""
    if site.custom_fields is None or site.manager("customFieldsManager") is None:
        return () if site.personality.column else None
    return tuple(vim.CustomFieldStringValue(key=key, value=value) for key, value in site.custom_fields.values(ref).items())


def checked_name(name: str | None, entity: MoRef) -> str:
    """A name as a client may give one. InvalidName."""
    if not name or not name.strip() or len(name) > MAX_NAME or any(ord(c) < 32 for c in name):
        raise vim.InvalidName(name=name or "", entity=entity)
    return name
