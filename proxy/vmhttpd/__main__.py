"""`python -m vmhttpd`: reads the command line, makes the service, runs the reactor."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

from twisted.logger import LogEvent, Logger, LogLevel, globalLogBeginner, textFileLogObserver

from .config import parse
from .service import CannotServe, Service

_OURS = "vmhttpd"


def _log() -> Logger:
    """A line on standard error for each event of ours; of Twisted's own only what failed."""
    lines = textFileLogObserver(sys.stderr)

    def ours_and_failures(event: LogEvent) -> None:
        if event["log_namespace"] == _OURS or event["log_level"] >= LogLevel.error:
            lines(event)

    observers: list[Any] = [ours_and_failures]
    globalLogBeginner.beginLoggingTo(observers, redirectStandardIO=False, discardBuffer=True)
    return Logger(_OURS)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 after an orderly end, 1 when it could not start, 2 for a wrong command line."""
    config = parse(sys.argv[1:] if arguments is None else arguments)
    from twisted.internet import reactor as installed

    reactor: Any = installed
    # Twisted measures time by the wall clock; a clock that is set by a day must not end or freeze every timer.
    reactor.seconds = time.monotonic
    log = _log()
    try:
        Service(reactor, config, log).start()
    except CannotServe as error:
        log.error("cannot serve: {why}", why=error)
        return 1
    reactor.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
