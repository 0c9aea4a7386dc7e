"""Giving up root. Law: for good, all three identities, checked; nothing that needs root comes after it."""

from __future__ import annotations

import errno
import os
import pwd
import socket
from collections.abc import Iterable

import msgspec

DEFAULT_USER = "nobody"


class Account(msgspec.Struct, frozen=True):
    name: str
    uid: int
    gid: int
    groups: list[int]


def serving_account(name: str | None) -> Account | None:
    """The account to serve as, None to stay who we are. Raises ValueError for a name that does not exist.

    Only root can change who it is: whoever else starts us stays.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(name or DEFAULT_USER)
    except KeyError:
        raise ValueError(f"There is no account {name or DEFAULT_USER} to run as; --user names another.") from None
    if entry.pw_uid == 0:
        return None
    groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, groups=groups)


def become(account: Account) -> None:
    """Become that account with its groups (its membership in a socket's group is how it reaches a back end)."""
    os.setgroups(account.groups)
    os.setresgid(account.gid, account.gid, account.gid)
    os.setresuid(account.uid, account.uid, account.uid)
    try:
        os.setuid(0)
    except PermissionError:
        return
    raise RuntimeError("Root was given up and could be taken back.")


def unreachable(sockets: Iterable[str], account: Account | None) -> list[str]:
    """Those sockets that `account` (None: we) may not connect to. One that is not there yet may still come."""
    if account is None:
        return _refused(sockets)
    groups = os.getgroups()
    os.setgroups(account.groups)
    os.setegid(account.gid)
    os.seteuid(account.uid)
    try:
        return _refused(sockets)
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def _refused(sockets: Iterable[str]) -> list[str]:
    refused = []
    for path in sockets:
        probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        probe.setblocking(False)
        with probe:
            if probe.connect_ex(path) in (errno.EACCES, errno.EPERM):
                refused.append(path)
    return refused
