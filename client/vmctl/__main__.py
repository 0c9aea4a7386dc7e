"""`python -m vmctl` and the console script."""

from __future__ import annotations

from collections.abc import Sequence

from .cli import vmctl


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0 when done, 1 when it failed, 2 for a wrong command line."""
    vmctl.main(args=list(arguments) if arguments is not None else None, prog_name="vmctl")


if __name__ == "__main__":
    main()
