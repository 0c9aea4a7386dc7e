"""CustomFieldsManager: fields that people define and the values of objects. A centre has one, a single host has none."""

from __future__ import annotations

from typing import Any

from ..engine.call import Call
from ..engine.custom_fields import Field
from ..engine.managed_object import ManagedObject, operation, prop
from ..engine.site import Site
from ..wsdl import MoRef, vim


class CustomFieldsManager(ManagedObject):
    def __init__(self, site: Site):
        super().__init__(site.graph, site.personality.manager("customFieldsManager")[1])
        self.site = site

    @prop
    def field(self) -> list[Any]:
        return [definition(field) for field in self.site.custom_fields.all()]

    @operation
    def AddCustomFieldDef(
        self, call: Call, name: str, moType: str | None = None, fieldDefPolicy: Any = None, fieldPolicy: Any = None
    ) -> Any:
        """The definition with its key. DuplicateName, InvalidArgument `name`, `moType`; NotSupported for rights of a field's own."""
        if fieldDefPolicy is not None or fieldPolicy is not None:
            raise vim.NotSupported(msg="Fields have no privileges of their own here.")
        return definition(self.site.custom_fields.add(name, moType or "", self.ref))

    @operation
    def RemoveCustomFieldDef(self, call: Call, key: int) -> None:
        """With all its values."""
        self.site.custom_fields.remove(key)

    @operation
    def RenameCustomFieldDef(self, call: Call, key: int, name: str) -> None:
        self.site.custom_fields.rename(key, name, self.ref)

    @operation
    def SetField(self, call: Call, entity: MoRef, key: int, value: str) -> None:
        """InvalidArgument `key` where the object has no such field."""
        self.site.custom_fields.set(self.site.inventory.find(entity, call.session).ref, key, value)


def definition(field: Field) -> Any:
    """CustomFieldDef."""
    return vim.CustomFieldDef(key=field.key, name=field.name, type="string", managedObjectType=field.kind or None)
