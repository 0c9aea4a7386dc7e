"""Who may do what where: roles, permissions on entities, inherited down the tree.

Law: the nearest permission that names the user decides; none means nothing is allowed. Managers and whatever is not in the tree are judged
at the root. System.Anonymous needs no login; System.View and System.Read come with every role but No access.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ..wsdl import MethodFault, MoRef, vim
from .call import Call
from .cells import Graph
from .managed_object import ManagedObject

ADMIN, READ_ONLY, VIEW, ANONYMOUS, NO_ACCESS = -1, -2, -3, -4, -5


class Role(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    name: str
    label: str
    summary: str
    privileges: frozenset[str] | None  # None: every privilege
    system: bool = True


class Permission(msgspec.Struct, frozen=True, kw_only=True):
    entity: MoRef
    principal: str
    group: bool
    role: int
    propagate: bool = True


SYSTEM_ROLES = (
    Role(id=ADMIN, name="Admin", label="Administrator", summary="Full access rights", privileges=None),
    Role(id=READ_ONLY, name="ReadOnly", label="Read-only", summary="See details of objects, but not make changes",
         privileges=frozenset({"System.Anonymous", "System.View", "System.Read"})),
    Role(id=VIEW, name="View", label="View", summary="Visibility access (cannot be granted)",
         privileges=frozenset({"System.Anonymous", "System.View"})),
    Role(id=ANONYMOUS, name="Anonymous", label="Anonymous", summary="Not logged-in user (cannot be granted)",
         privileges=frozenset({"System.Anonymous"})),
    Role(id=NO_ACCESS, name="NoAccess", label="No access", summary="Used for restricting granted access",
         privileges=frozenset()),
)  # fmt: skip


class Permissions:
    """Roles and permissions in cells, so that a change wakes whoever watches what they decide."""

    def __init__(self, graph: Graph, root: MoRef, granted: tuple[Permission, ...] = (), roles: tuple[Role, ...] = ()):
        self.root = root
        self.roles = graph.cell({r.id: r for r in (*SYSTEM_ROLES, *roles)})
        self.granted = graph.cell(granted)

    def role_of(self, user: str, face: ManagedObject) -> Role | None:
        """The role a user has on an object."""
        mine = [p for p in self.granted.get() if p.principal == user and not p.group]
        roles = self.roles.get()
        step: ManagedObject | None = face
        distance = 0
        while step is not None:
            for permission in mine:
                if permission.entity == step.ref and (permission.propagate or distance == 0):
                    return roles.get(permission.role)
            step, distance = step.parent_object, distance + 1
        for permission in mine:
            if permission.entity == self.root and permission.propagate:
                return roles.get(permission.role)
        return None

    def has(self, user: str, face: ManagedObject, privilege: str) -> bool:
        role = self.role_of(user, face)
        return role is not None and (role.privileges is None or privilege in role.privileges)

    def refusal(self, call: Call, face: ManagedObject, privilege: str) -> MethodFault | None:
        """Why this caller may not: NotAuthenticated, NoPermission, or None when it may."""
        if privilege == "System.Anonymous":
            return None
        if call.session is None:
            return vim.NotAuthenticated(object=face.ref, privilegeId=privilege)
        if call.session.objects.get(face.ref.value) is face or self.has(call.session.user, face, privilege):
            return None
        return no_permission(face.ref, privilege)

    def effective(self, user: str, face: ManagedObject) -> tuple[int, ...]:
        role = self.role_of(user, face)
        return (role.id,) if role is not None else (NO_ACCESS,)


def no_permission(ref: MoRef, privilege: str) -> Any:
    missing = vim.NoPermissionEntityPrivileges(entity=ref, privilegeIds=[privilege])
    return vim.NoPermission(object=ref, privilegeId=privilege, missingPrivileges=[missing])
