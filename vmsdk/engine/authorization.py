"""Changes of roles and permissions: judged, kept in the store and in force at once.

Law: one administrator always stays: an account that is there, with the role Admin on the root and below. Ids of roles are never used again.
A change is kept before anyone sees it. What is kept is one fact, `authorization`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from ..wsdl import MoRef, vim
from .managed_object import ManagedObject
from .permissions import ADMIN, ALWAYS, ANONYMOUS, VIEW, Permission, Permissions, Role
from .privilege_list import privileges

FACT = "authorization"
MAX_NAME = 80


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """As it stands in the store. `administrator` is whom the settings named when it was written."""

    administrator: str
    next_role: int = 1
    roles: tuple[Role, ...] = ()
    granted: tuple[Permission, ...] = ()


def load(facts: Any, root: MoRef, administrator: str) -> Kept:
    """What was kept. Whom the settings name newly is made administrator, and so it is where nobody is."""
    kept: Kept = facts.get(FACT, None, Kept) or Kept(administrator="")
    first = Permission(entity=root, principal=administrator, group=False, role=ADMIN)
    if kept.administrator == administrator and any(_administers(p, root) for p in kept.granted):
        return kept
    others = tuple(p for p in kept.granted if (p.entity, p.principal, p.group) != (root, administrator, False))
    return msgspec.structs.replace(kept, administrator=administrator, granted=(first, *others))


def _administers(permission: Permission, root: MoRef) -> bool:
    return permission.entity == root and permission.role == ADMIN and permission.propagate and not permission.group


class Authorization:
    """`known(name)` tells whether there is an account. All methods raise faults of the contract and change all or nothing."""

    def __init__(self, permissions: Permissions, facts: Any, kept: Kept, known: Callable[[str], bool]):
        self._permissions, self._facts, self._known = permissions, facts, known
        self._administrator, self._next = kept.administrator, kept.next_role

    def _keep(self, roles: dict[int, Role], granted: tuple[Permission, ...]) -> None:
        own = tuple(r for r in roles.values() if not r.system)
        kept = Kept(administrator=self._administrator, next_role=self._next, roles=own, granted=granted)
        self._facts.put(FACT, kept)
        self._permissions.roles.set(roles)
        self._permissions.granted.set(granted)

    # -- roles ------------------------------------------------------------------------------------------------

    def role(self, role_id: int) -> Role:
        """NotFound."""
        found = self._permissions.roles.get().get(role_id)
        if found is None:
            raise vim.NotFound()
        return found

    def _own_role(self, role_id: int) -> Role:
        role = self.role(role_id)
        if role.system:
            raise vim.InvalidArgument(invalidProperty="roleId", msg=f"The role '{role.name}' belongs to the system.")
        return role

    def _judge_role(self, name: str, wanted: Iterable[str] | None, but: int | None = None) -> frozenset[str]:
        if not name.strip() or len(name) > MAX_NAME or any(ord(c) < 32 for c in name):
            raise vim.InvalidName(name=name)
        if any(r.name.lower() == name.lower() and r.id != but for r in self._permissions.roles.get().values()):
            raise vim.AlreadyExists(name=name)
        asked = frozenset(wanted or ())
        unknown = sorted(asked - privileges().keys())
        if unknown:
            text = f"A specified parameter was not correct: privIds (there is no privilege '{unknown[0][:80]}')"
            raise vim.InvalidArgument(invalidProperty="privIds", msg=text)
        return asked | ALWAYS

    def add_role(self, name: str, wanted: Iterable[str] | None) -> int:
        """The new role's id."""
        held = self._judge_role(name, wanted)
        role_id, self._next = self._next, self._next + 1
        role = Role(id=role_id, name=name, label=name, summary=name, privileges=held, system=False)
        self._keep({**self._permissions.roles.get(), role_id: role}, self._permissions.granted.get())
        return role_id

    def update_role(self, role_id: int, name: str, wanted: Iterable[str] | None) -> None:
        self._own_role(role_id)
        held = self._judge_role(name, wanted, role_id)
        role = Role(id=role_id, name=name, label=name, summary=name, privileges=held, system=False)
        self._keep({**self._permissions.roles.get(), role_id: role}, self._permissions.granted.get())

    def remove_role(self, role_id: int, fail_if_used: bool) -> None:
        """What was granted with it goes too, unless that is to be refused."""
        self._own_role(role_id)
        granted = self._permissions.granted.get()
        left = tuple(p for p in granted if p.role != role_id)
        if fail_if_used and left != granted:
            raise vim.RemoveFailed(msg="The role is in use.")
        roles = {k: r for k, r in self._permissions.roles.get().items() if k != role_id}
        self._keep(roles, left)

    def merge_roles(self, source: int, target: int) -> None:
        """Everything granted with one role is granted with the other."""
        self.role(source)
        self._may_be_granted(self.role(target), "dstRoleId")
        granted = self._permissions.granted.get()
        self._grant(tuple(msgspec.structs.replace(p, role=target) if p.role == source else p for p in granted))

    @staticmethod
    def _may_be_granted(role: Role, argument: str) -> None:
        if role.id in (VIEW, ANONYMOUS):
            raise vim.InvalidArgument(invalidProperty=argument, msg=f"The role '{role.name}' cannot be granted.")

    # -- permissions ------------------------------------------------------------------------------------------

    def _grant(self, granted: tuple[Permission, ...]) -> None:
        root = self._permissions.root
        if not any(_administers(p, root) and self._known(p.principal) for p in granted):
            raise vim.AuthMinimumAdminPermission()
        self._keep(self._permissions.roles.get(), granted)

    def set(self, entity: MoRef, wanted: Iterable[Any], *, replace: bool = False) -> None:
        """Permissions of one object: added, or changed where the principal has one; `replace` drops the others."""
        new: dict[tuple[str, bool], Permission] = {}
        for given in wanted:
            if given.group or not self._known(given.principal):
                raise vim.UserNotFound(principal=given.principal, unresolved=True)
            self._may_be_granted(self.role(given.roleId), "permission.roleId")
            permission = Permission(
                entity=entity, principal=given.principal, group=given.group, role=given.roleId, propagate=given.propagate
            )
            new[given.principal, given.group] = permission
        left = []
        for old in self._permissions.granted.get():
            if old.entity != entity:
                left.append(old)
            elif (old.principal, old.group) in new:
                left.append(new.pop((old.principal, old.group)))
            elif not replace:
                left.append(old)
        self._grant((*left, *new.values()))

    def remove(self, entity: MoRef, principal: str, group: bool) -> None:
        """NotFound where nothing was granted."""
        granted = self._permissions.granted.get()
        left = tuple(p for p in granted if (p.entity, p.principal, p.group) != (entity, principal, group))
        if left == granted:
            raise vim.NotFound()
        self._grant(left)

    def remove_user(self, name: str) -> None:
        """All that names an account. AuthMinimumAdminPermission for the last administrator."""
        granted = self._permissions.granted.get()
        left = tuple(p for p in granted if p.principal != name or p.group)
        if left != granted:
            self._grant(left)

    def forget(self, entity: MoRef) -> None:
        """The object is gone for ever."""
        granted = self._permissions.granted.get()
        left = tuple(p for p in granted if p.entity != entity)
        if left != granted:
            self._keep(self._permissions.roles.get(), left)

    def on(self, face: ManagedObject, inherited: bool) -> tuple[Permission, ...]:
        """What holds on an object: its own, and with `inherited` the nearest from above of everyone who has none of their own."""
        found: dict[tuple[str, bool], Permission] = {}
        step: ManagedObject | None = face
        while step is not None:
            for permission in self._permissions.granted.get():
                if permission.entity == step.ref and (step is face or permission.propagate):
                    found.setdefault((permission.principal, permission.group), permission)
            step = step.parent_object if inherited else None
        return tuple(found.values())


