"""Which passwords are good enough. Pure: the answer is a sentence that says what is missing, or nothing.

Law: seven characters of three kinds at least; a capital at the start and a digit at the end count for nothing, as people put them there.
"""

from __future__ import annotations

MIN_LENGTH, MAX_LENGTH, MIN_KINDS = 7, 1024, 3


def weakness(password: str, name: str = "") -> str:
    """What is wrong with a password for the account `name`; empty for a good one."""
    if len(password) < MIN_LENGTH:
        return f"Weak password: too short, at least {MIN_LENGTH} characters are needed."
    if len(password) > MAX_LENGTH:
        return f"Weak password: longer than {MAX_LENGTH} characters."
    if "\0" in password or "\n" in password:
        return "Weak password: it holds a character that cannot be typed."
    if name and name.lower() in password.lower():
        return "Weak password: based on the name of the account."
    if len(set(password)) < MIN_LENGTH // 2 + 1:
        return "Weak password: not enough different characters."
    if len(_kinds(password)) < MIN_KINDS:
        return f"Weak password: not enough different kinds of characters, at least {MIN_KINDS} are needed."
    return ""


def _kinds(password: str) -> set[str]:
    counted = password[1:] if password[0].isupper() else password
    counted = counted[:-1] if counted[-1:].isdigit() else counted
    return {_kind(character) for character in counted}


def _kind(character: str) -> str:
    if character.isdigit():
        return "digit"
    if character.islower():
        return "small"
    return "capital" if character.isupper() else "other"
