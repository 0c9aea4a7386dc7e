"""Who may do what where: roles, permissions on entities, inherited down the tree.

Law: the nearest permission that names the user decides; none means nothing is allowed, but what stands above an object that a user may see
can be seen (View), for who could not find the way to it otherwise. Managers and whatever is not in the tree are judged at the root.
System.Anonymous needs no login. Changes come through `authorization.py` alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from ..wsdl import MethodFault, MoRef, vim
from .call import Call
from .cells import Graph
from .managed_object import ManagedObject
from .privilege_list import all_but

ADMIN, READ_ONLY, VIEW, ANONYMOUS, NO_ACCESS = -1, -2, -3, -4, -5
NO_CRYPTO_ADMIN, TRUSTED_ADMIN, NO_TRUSTED_ADMIN = -6, -7, -8
ABOVE_OTHERS = frozenset({"Folder", "Datacenter", "ComputeResource", "ClusterComputeResource", "ResourcePool", "VirtualApp", "StoragePod",
                          "VmwareDistributedVirtualSwitch"})  # fmt: skip
ALWAYS = frozenset({"System.Anonymous", "System.View", "System.Read"})  # every role that is made has these


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


_TRUST = ("Host.Tpm.", "TrustedAdmin.")
SYSTEM_ROLES = (
    Role(id=NO_TRUSTED_ADMIN, name="NoTrustedAdmin", label="No Trusted Infrastructure administrator",
         summary="Full access without the rights of trusted infrastructure", privileges=all_but(*_TRUST)),
    Role(id=TRUSTED_ADMIN, name="TrustedAdmin", label="Trusted Infrastructure administrator",
         summary="Sets up trusted infrastructure", privileges=ALWAYS | (all_but() - all_but(*_TRUST))),
    Role(id=NO_CRYPTO_ADMIN, name="NoCryptoAdmin", label="No cryptography administrator",
         summary="Full access without the rights of encryption",
         privileges=all_but(*_TRUST, "Cryptographer.", "Global.Diagnostics", "Host.Inventory.AddHostToCluster",
                            "Host.Inventory.AddStandaloneHost", "Host.Local.ManageUserGroups", "VirtualMachine.Interact.GuestControl")),
    Role(id=NO_ACCESS, name="NoAccess", label="No access", summary="Used for restricting granted access",
         privileges=frozenset()),
    Role(id=ANONYMOUS, name="Anonymous", label="Anonymous", summary="Not logged-in user (cannot be granted)",
         privileges=frozenset({"System.Anonymous"})),
    Role(id=VIEW, name="View", label="View", summary="Visibility access (cannot be granted)",
         privileges=frozenset({"System.Anonymous", "System.View"})),
    Role(id=READ_ONLY, name="ReadOnly", label="Read-only", summary="See details of objects, but not make changes", privileges=ALWAYS),
    Role(id=ADMIN, name="Admin", label="Administrator", summary="Full access rights", privileges=None),
)  # fmt: skip


class Permissions:
    """Roles and permissions in cells, so that a change wakes whoever watches what they decide. `find` gives the object of an id."""

    def __init__(
        self,
        graph: Graph,
        root: MoRef,
        granted: tuple[Permission, ...] = (),
        roles: tuple[Role, ...] = (),
        find: Callable[[str], ManagedObject | None] = lambda value: None,
    ):
        self.root, self._find = root, find
        self.roles = graph.cell({r.id: r for r in (*SYSTEM_ROLES, *roles)})
        self.granted = graph.cell(granted)
        self._sorted: tuple[Any, dict[str, dict[MoRef, Permission]]] = (None, {})

    def of_user(self, user: str) -> dict[MoRef, Permission]:
        """What names the user, by entity."""
        granted = self.granted.get()
        if self._sorted[0] is not granted:
            users: dict[str, dict[MoRef, Permission]] = {}
            for permission in granted:
                if not permission.group:
                    users.setdefault(permission.principal, {})[permission.entity] = permission
            self._sorted = granted, users
        return self._sorted[1].get(user, {})

    def role_of(self, user: str, face: ManagedObject) -> Role | None:
        """The role a user has on an object."""
        mine, roles = self.of_user(user), self.roles.get()
        if not mine:
            return None
        step: ManagedObject | None = face
        while step is not None:
            found = mine.get(step.ref)
            if found is not None and (found.propagate or step is face):
                return roles.get(found.role)
            step = step.parent_object
        managers = mine.get(self.root)
        if managers is not None and managers.propagate:
            return roles.get(managers.role)
        return roles[VIEW] if self._leads_to(face, mine) else None

    def _leads_to(self, face: ManagedObject, mine: dict[MoRef, Permission]) -> bool:
        """Whether an object stands above one that the user may see. Managers stand above everything."""
        roles = self.roles.get()
        outside = face.parent_object is None and face.ref != self.root
        if not outside and face.ref.type not in ABOVE_OTHERS:
            return False
        seen: set[MoRef] = set()
        for permission in mine.values():
            role = roles.get(permission.role)
            step = self._find(permission.entity.value)
            if role is None or step is None or not (role.privileges is None or "System.View" in role.privileges):
                continue
            if outside:
                return True
            while step is not None and step.ref not in seen:
                if step is face:
                    return True
                seen.add(step.ref)
                step = step.parent_object
        return False

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
        if face.owner == call.session.user and privilege in ALWAYS:
            return None
        return no_permission(face.ref, privilege)

    def rights(self, call: Call) -> str:
        """Differs when what was granted to the caller, or a role, has changed."""
        roles = self.roles.get()
        return repr([(p.entity, p.propagate, p.role, roles.get(p.role)) for p in self.of_user(call.user).values()])

    def effective(self, user: str, face: ManagedObject) -> tuple[int, ...]:
        role = self.role_of(user, face)
        return (role.id,) if role is not None else (NO_ACCESS,)


def no_permission(ref: MoRef, privilege: str) -> Any:
    missing = vim.NoPermissionEntityPrivileges(entity=ref, privilegeIds=[privilege])
    return vim.NoPermission(object=ref, privilegeId=privilege, missingPrivileges=[missing])
