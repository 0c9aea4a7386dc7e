"""`python -m vmhttpd`: reads the command line, makes the service, runs the reactor."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

import structlog
from twisted.logger import LogEvent, LogLevel, globalLogBeginner

from .config import parse
from .service import CannotServe, Service


def _log() -> Any:
    """Lines of key=value on standard error. Twisted's own say comes there too, where something failed."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    log = structlog.get_logger()

    def failures_too(event: LogEvent) -> None:
        if event["log_level"] >= LogLevel.error:
            failure = event.get("log_failure")
            log.error(
                event.get("log_format") or "unexpected",
                failure=failure.getTraceback() if failure is not None else None,
            )

    observers: list[Any] = [failures_too]
    globalLogBeginner.beginLoggingTo(observers, redirectStandardIO=False, discardBuffer=True)
    return log


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
        log.error("cannot serve", why=str(error))
        return 1
    reactor.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
