"""HostLocalAccountManager: accounts made, changed and removed. The accounts themselves are `engine/accounts.py`.

Law: there are no groups here, as on a host of today; what asks for one gets NotSupported.
"""

from __future__ import annotations

import re
from typing import Any

from ..engine.accounts import NameTaken, NoAccount, Refused
from ..engine.call import Call
from ..engine.managed_object import ManagedObject, operation
from ..engine.passwords import weakness
from ..engine.site import Site
from ..wsdl import vim

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}\Z")
MAX_DESCRIPTION = 255


class HostLocalAccountManager(ManagedObject):
    def __init__(self, site: Site, value: str):
        super().__init__(site.graph, value)
        self.site = site

    @operation
    async def CreateUser(self, call: Call, user: Any) -> None:
        """AlreadyExists; InvalidArgument `user.id`, `user.password` (the text says what is weak), `user.description`."""
        if not _NAME.match(user.id):
            raise vim.InvalidArgument(invalidProperty="user.id")
        if self.site.accounts.known(user.id):
            raise vim.AlreadyExists(name=user.id)
        _judge_password("user.password", user.password or "", user.id)
        try:
            await self.site.accounts.add(user.id, user.password, _description(user) or "")
        except NameTaken:
            raise vim.AlreadyExists(name=user.id) from None

    @operation
    async def UpdateUser(self, call: Call, user: Any) -> None:
        """Another password or description; what is unset stays. UserNotFound."""
        if not self.site.accounts.known(user.id):
            raise _nobody(user.id)
        if user.password is not None:
            _judge_password("user.password", user.password, user.id)
        try:
            await self.site.accounts.change(user.id, user.password, _description(user))
        except NoAccount:
            raise _nobody(user.id) from None

    @operation
    def RemoveUser(self, call: Call, userName: str) -> None:
        """Its permissions go and its sessions end. The administrator of the settings and the last one stay."""
        if not self.site.accounts.known(userName):
            raise _nobody(userName)
        if userName == self.site.settings.user:
            text = f"The account '{userName}' is this server's own administrator and stays."
            raise vim.InvalidArgument(invalidProperty="userName", msg=text)
        self.site.authorization.remove_user(userName)
        self.site.accounts.remove(userName)
        for session in self.site.sessions.all():
            if session.user == userName:
                self.site.sessions.end(session)

    @operation
    async def ChangePassword(self, call: Call, user: str, oldPassword: str, newPassword: str) -> None:
        """By the one who knows the old one; needs no session. InvalidLogin, InvalidArgument `newPassword`."""
        try:
            name = await self.site.accounts.verify(user, oldPassword, call.peer.address)
            _judge_password("newPassword", newPassword, name)
            await self.site.accounts.change(name, newPassword)
        except (Refused, NoAccount):
            raise vim.InvalidLogin() from None

    # -- groups -----------------------------------------------------------------------------------------------

    @operation
    def CreateGroup(self, call: Call, group: Any) -> None:
        raise _no_groups()

    @operation
    def RemoveGroup(self, call: Call, groupName: str) -> None:
        raise _no_groups()

    @operation
    def AssignUserToGroup(self, call: Call, user: str, group: str) -> None:
        raise _no_groups()

    @operation
    def UnassignUserFromGroup(self, call: Call, user: str, group: str) -> None:
        raise _no_groups()


def _judge_password(argument: str, password: str, name: str) -> None:
    wrong = weakness(password, name)
    if wrong:
        raise vim.InvalidArgument(invalidProperty=argument, msg=wrong)


def _description(user: Any) -> str | None:
    text = user.description
    if text is not None and (len(text) > MAX_DESCRIPTION or any(ord(c) < 32 or c == ":" for c in text)):
        raise vim.InvalidArgument(invalidProperty="user.description")
    return text


def _nobody(name: str) -> Exception:
    return vim.UserNotFound(principal=name, unresolved=True)


def _no_groups() -> Exception:
    return vim.NotSupported(msg="This host has no local groups.")
