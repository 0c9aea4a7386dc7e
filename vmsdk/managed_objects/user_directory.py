"""UserDirectory: who can be given permissions. Only local accounts: there is no domain and there are no groups."""

from __future__ import annotations

from typing import Any

from ..engine.call import Call
from ..engine.managed_object import ManagedObject, operation, prop
from ..engine.site import Site
from ..wsdl import vim


class UserDirectory(ManagedObject):
    def __init__(self, site: Site, value: str):
        super().__init__(site.graph, value)
        self.site = site

    @prop
    def domainList(self) -> Any:
        return () if self.site.personality.column else None

    @operation
    def RetrieveUserGroups(
        self, call: Call, searchStr: str, exactMatch: bool, findUsers: bool, findGroups: bool,
        domain: str | None = None, belongsToGroup: str | None = None, belongsToUser: str | None = None,
    ) -> list[Any]:  # fmt: skip
        """Accounts by name; part of the name or the full name, in any case, unless the match is to be exact. NotFound for a domain,
        a group, or a user that is not known."""
        accounts = self.site.accounts
        if domain or belongsToGroup or (belongsToUser and not accounts.known(belongsToUser)):
            raise vim.NotFound()
        if not findUsers or belongsToUser:
            return []
        found = [a for a in accounts.all() if _matches(a.name, a.full_name, searchStr, exactMatch)]
        return [vim.UserSearchResult(principal=a.name, fullName=a.full_name or None, group=False) for a in found]


def _matches(name: str, full_name: str, wanted: str, exact: bool) -> bool:
    if exact:
        return name == wanted
    return wanted.lower() in name.lower() or wanted.lower() in full_name.lower()
