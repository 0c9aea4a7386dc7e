"""Sizes as people write them: `512M`, `8G`, `1.5T`."""

from __future__ import annotations

import re
from typing import Any

import click

_UNITS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}


class Size(click.ParamType):
    """Bytes from `8G`, `8GB` or `8GiB`; units are powers of 1024 either way."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", value.strip(), re.IGNORECASE)
        size = int(float(found[1]) * (1 << _UNITS[found[2].upper()])) if found else 0
        if size <= 0:
            self.fail(f"{value!r} is no size: write 512M, 8G …", param, ctx)
        return size
