"""AuthorizationManager: roles and permissions as clients see them. What they decide is `engine/permissions.py`, how they change is
`engine/authorization.py`.

Law: a privilege is always asked of the object itself, so none of them is `onParent`.
"""

from __future__ import annotations

from typing import Any

from ..engine.call import Call
from ..engine.managed_object import ManagedObject, operation, prop
from ..engine.permissions import Permission, Role
from ..engine.privilege_list import privileges
from ..engine.site import Site
from ..wsdl import MoRef, vim


class AuthorizationManager(ManagedObject):
    def __init__(self, site: Site):
        super().__init__(site.graph, site.personality.manager("authorizationManager")[1])
        self.site = site

    # -- what there is ----------------------------------------------------------------------------------------

    @prop
    def privilegeList(self) -> list[Any]:
        return [
            vim.AuthorizationPrivilege(privId=p.id, onParent=False, name=p.name, privGroupName=p.group)
            for p in privileges().values()
        ]

    @prop
    def roleList(self) -> list[Any]:
        return [_role(role) for role in self.site.permissions.roles.get().values()]

    @prop
    def description(self) -> Any:
        def words(key: str, label: str) -> Any:
            return vim.ElementDescription(key=key, label=label, summary=label)

        known = privileges().values()
        return vim.AuthorizationDescription(
            privilege=[words(p.id, p.name) for p in known],
            privilegeGroup=[words(group, group) for group in dict.fromkeys(p.group for p in known)],
        )

    # -- roles ------------------------------------------------------------------------------------------------

    @operation
    def AddAuthorizationRole(self, call: Call, name: str, privIds: Any = ()) -> int:
        """The new role's id. InvalidName, AlreadyExists, InvalidArgument `privIds`."""
        return self.site.authorization.add_role(name, privIds)

    @operation
    def UpdateAuthorizationRole(self, call: Call, roleId: int, newName: str, privIds: Any = ()) -> None:
        """NotFound, InvalidArgument `roleId` for a role of the system."""
        self.site.authorization.update_role(roleId, newName, privIds)

    @operation
    def RemoveAuthorizationRole(self, call: Call, roleId: int, failIfUsed: bool) -> None:
        """RemoveFailed where it is in use and that is to fail; else its permissions go with it."""
        self.site.authorization.remove_role(roleId, failIfUsed)

    @operation
    def MergePermissions(self, call: Call, srcRoleId: int, dstRoleId: int) -> None:
        self.site.authorization.merge_roles(srcRoleId, dstRoleId)

    # -- permissions ------------------------------------------------------------------------------------------

    def _entity(self, ref: MoRef, call: Call) -> ManagedObject:
        face = self.site.inventory.find(ref, call.session)
        if not face.kind.descends_from("ManagedEntity"):
            raise vim.InvalidArgument(invalidProperty="entity")
        return face

    @operation
    def RetrieveAllPermissions(self, call: Call) -> list[Any]:
        return [permission(p) for p in self.site.permissions.granted.get()]

    @operation
    def RetrieveRolePermissions(self, call: Call, roleId: int) -> list[Any]:
        self.site.authorization.role(roleId)
        return [permission(p) for p in self.site.permissions.granted.get() if p.role == roleId]

    @operation
    def RetrieveEntityPermissions(self, call: Call, entity: MoRef, inherited: bool) -> list[Any]:
        return [permission(p) for p in self.site.authorization.on(self._entity(entity, call), inherited)]

    @operation
    def SetEntityPermissions(self, call: Call, entity: MoRef, permission: Any = ()) -> None:
        """UserNotFound for who has no account here, NotFound for the role, AuthMinimumAdminPermission."""
        self.site.authorization.set(self._entity(entity, call).ref, permission or ())

    @operation
    def ResetEntityPermissions(self, call: Call, entity: MoRef, permission: Any = ()) -> None:
        """Exactly these afterwards."""
        self.site.authorization.set(self._entity(entity, call).ref, permission or (), replace=True)

    @operation
    def RemoveEntityPermission(self, call: Call, entity: MoRef, user: str, isGroup: bool) -> None:
        self.site.authorization.remove(self._entity(entity, call).ref, user, isGroup)

    # -- questions --------------------------------------------------------------------------------------------

    def _held(self, user: str, ref: MoRef, asked: Any, call: Call) -> list[bool]:
        face = self.site.inventory.find(ref, call.session)
        return [self.site.permissions.has(user, face, privilege) for privilege in asked or ()]

    def _user_of(self, session_id: str) -> str:
        session = self.site.sessions.by_key.get(session_id)
        if session is None:
            raise vim.InvalidArgument(invalidProperty="sessionId")
        return session.user

    def _answers(self, user: str, refs: list[MoRef], asked: Any, call: Call) -> list[Any]:
        made = []
        for ref in refs:
            held = zip(asked or (), self._held(user, ref, asked, call), strict=True)
            told = [vim.PrivilegeAvailability(privId=privilege, isGranted=granted) for privilege, granted in held]
            made.append(vim.EntityPrivilege(entity=ref, privAvailability=told))
        return made

    @operation
    def HasPrivilegeOnEntity(self, call: Call, entity: MoRef, sessionId: str, privId: Any = ()) -> list[bool]:
        """One answer for each privilege, for the user of a session (named by its key)."""
        return self._held(self._user_of(sessionId), entity, privId, call)

    @operation
    def HasPrivilegeOnEntities(self, call: Call, entity: list[MoRef], sessionId: str, privId: Any = ()) -> list[Any]:
        return self._answers(self._user_of(sessionId), entity, privId, call)

    @operation
    def HasUserPrivilegeOnEntities(self, call: Call, entities: list[MoRef], userName: str, privId: Any = ()) -> list[Any]:
        return self._answers(userName, entities, privId, call)

    @operation
    def FetchUserPrivilegeOnEntities(self, call: Call, entities: list[MoRef], userName: str) -> list[Any]:
        """All that a user may do with each of some objects."""
        made = []
        for ref in entities:
            role = self.site.permissions.role_of(userName, self.site.inventory.find(ref, call.session))
            made.append(vim.UserPrivilegeResult(entity=ref, privileges=_privileges(role) if role is not None else []))
        return made


def _privileges(role: Role) -> list[str]:
    return list(privileges()) if role.privileges is None else [p for p in privileges() if p in role.privileges]


def _role(role: Role) -> Any:
    return vim.AuthorizationRole(
        roleId=role.id, system=role.system, name=role.name, info=vim.Description(label=role.label, summary=role.summary),
        privilege=_privileges(role),
    )  # fmt: skip


def permission(granted: Permission) -> Any:
    """Permission."""
    return vim.Permission(
        entity=granted.entity, principal=granted.principal, group=granted.group, roleId=granted.role, propagate=granted.propagate
    )
