"""How scalars are spelled on the wire, both ways. Pure functions; `Malformed` says what was wrong with a text."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta

_SPECIAL = re.compile("[&<>\"'\\x00-\\x08\\x0b-\\x1f\\ud800-\\udfff\\ufffe\\uffff]")
_ESCAPES = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord('"'): "&quot;", ord("'"): "&apos;"}
_ESCAPES[13] = "&#13;"  # bare, a parser reads it as a line feed
# XML 1.0 cannot carry these at all; guests put them into names and descriptions.
_ESCAPES.update(dict.fromkeys((*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)), "�"))
_DATE = re.compile(
    r"\s*(-?\d{4,})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:?\d\d)?\s*\Z", re.ASCII
)
_RANGES = {
    "xsd:byte": (-(1 << 7), (1 << 7) - 1),
    "xsd:short": (-(1 << 15), (1 << 15) - 1),
    "xsd:int": (-(1 << 31), (1 << 31) - 1),
    "xsd:long": (-(1 << 63), (1 << 63) - 1),
}


class Malformed(ValueError):
    """A text that is no value of its type."""


def escape(text: str) -> str:
    """XML text or attribute value; characters that XML cannot carry become U+FFFD."""
    return text.translate(_ESCAPES) if _SPECIAL.search(text) else text


def date_text(moment: datetime) -> str:
    """UTC with six digits and `Z`, as hosts send it. A time without a zone is taken for UTC."""
    if moment.tzinfo is not None and moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return f"{moment.isoformat('T', 'microseconds')[:26]}Z"


def parse_date(text: str) -> datetime:
    found = _DATE.match(text)
    if not found:
        raise Malformed(f"'{text[:64]}' is not a date and time")
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        moment = datetime(
            int(year), int(month), int(day), 0, int(minute), min(int(second), 59),
            int((fraction or "0").ljust(6, "0")[:6]), UTC,
        ) + timedelta(hours=int(hour), seconds=1 if int(second) == 60 else 0)  # fmt: skip
        if int(hour) > 24 or int(second) > 60:
            raise ValueError
        if zone and zone != "Z":
            hours, minutes = int(zone[1:3]), int(zone[-2:])
            if hours > 14 or minutes > 59:
                raise ValueError
            moment -= (1 if zone[0] == "+" else -1) * timedelta(hours=hours, minutes=minutes)
    except (ValueError, OverflowError):
        raise Malformed(f"'{text[:64]}' is not a date and time") from None
    return moment


def parse_integer(text: str, kind: str) -> int:
    stripped = text.strip(" \t\r\n")
    if not re.fullmatch(r"[+-]?[0-9]{1,20}", stripped):
        raise Malformed(f"'{text[:64]}' is not an integer")
    low, high = _RANGES[kind]
    value = int(stripped)
    if not low <= value <= high:
        raise Malformed(f"{stripped} is out of the range of {kind}")
    return value


def parse_boolean(text: str) -> bool:
    stripped = text.strip(" \t\r\n")
    if stripped in ("true", "1"):
        return True
    if stripped in ("false", "0"):
        return False
    raise Malformed(f"'{text[:64]}' is not a boolean")


def parse_float(text: str) -> float:
    stripped = text.strip(" \t\r\n")
    special = {"INF": "inf", "-INF": "-inf", "NaN": "nan"}.get(stripped)
    if special is None and not re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", stripped, re.ASCII):
        raise Malformed(f"'{text[:64]}' is not a number")
    return float(special or stripped)


def float_text(value: float) -> str:
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "INF" if value > 0 else "-INF"
    return repr(value)


def parse_binary(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        raise Malformed("not base64") from None


def binary_text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
