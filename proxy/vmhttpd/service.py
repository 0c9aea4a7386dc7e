"""The running proxy: binds, gives up root, serves, renews its certificate at SIGHUP, ends at SIGTERM.

Law: what needs root or may fail happens before anything is served: certificate, port, log, ready file, account.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import ssl
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.logger import Logger

from .access_log import AccessLog
from .account import Account, become, serving_account, unreachable
from .census import Entry
from .certificate import Fingerprints, certificate_files, ensure_certificate, fingerprints, own_names
from .config import Config
from .front import ClientConnection
from .site import Site
from .tls import Wire, WireFactory, server_context

_BACKLOG = 1024
_OTHER_FILES = 256


class CannotServe(Exception):
    """Why the proxy does not start: a sentence for the person who started it."""


class Service:
    """`start`, then run the reactor."""

    def __init__(self, reactor: Any, config: Config, log: Logger):
        self._reactor = reactor
        self._config = config
        self._log = log
        self._files = certificate_files(config.state)
        self._names = [*own_names(), *config.names]
        self._access_log: AccessLog | None = None

    def start(self) -> None:
        """Raises CannotServe."""
        config = self._config
        try:
            self._raise_file_limit()
            account = serving_account(config.user)
            refused = unreachable(config.routes.sockets(), account)
            if refused:
                who = account.name if account is not None else "this account"
                raise ValueError(f"{who} may not connect to {', '.join(refused)}. --user names an account that may.")
            self._prepare_state(account)
            context, prints = self._read_certificate()
            self._access_log = self._open_access_log(account)
            self._site = Site(self._reactor, config.limits, config.routes, self._names, self._log, self._access_log)
            self._factory = WireFactory(context, self._enter)
            self._port = self._reactor.listenTCP(config.port, self._factory, _BACKLOG, config.host)
            ready = self._write_ready(prints)
            if account is not None:
                become(account)
        except (OSError, ValueError, CannotListenError) as error:
            raise CannotServe(str(error)) from error
        signal.signal(signal.SIGHUP, lambda *_: self._reactor.callFromThread(self.reload))
        self._reactor.addSystemEventTrigger("before", "shutdown", self._end)
        self._reactor.callLater(config.limits.sweep, self._sweep)
        who = f" as {account.name}" if account is not None else ""
        self._log.info("serving {url}{who}; certificate SHA-256 {fingerprint}, SHA-1 {thumbprint}", who=who, **ready)

    # Before serving.

    def _raise_file_limit(self) -> None:
        """A connection takes a descriptor, and another one while it is answered."""
        wanted = 2 * self._config.limits.connections + _OTHER_FILES
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
        if hard < wanted:
            self._log.error("only {hard} files may be open, {wanted} are wanted", hard=hard, wanted=wanted)

    def _prepare_state(self, account: Account | None) -> None:
        state = self._config.state
        if not state.is_dir():
            state.mkdir(parents=True)
            state.chmod(0o711)  # passed through, not looked around in
        if ensure_certificate(self._files, self._names) and account is not None:
            # It is read again at SIGHUP, when root has been given up.
            os.chown(self._files.key, account.uid, account.gid)

    def _read_certificate(self) -> tuple[ssl.SSLContext, Fingerprints]:
        context = server_context(str(self._files.certificate), str(self._files.key))
        return context, fingerprints(self._files.certificate)

    def _open_access_log(self, account: Account | None) -> AccessLog | None:
        path = self._config.access_log
        if path is None:
            return None
        log = AccessLog(str(path))
        if account is not None:
            os.chown(path, account.uid, account.gid)
        return log

    def _write_ready(self, prints: Fingerprints) -> dict[str, Any]:
        """The facts of this start, as they stand in the ready file. The kernel queues who connects from now on."""
        address = self._port.getHost()
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address.host, address.host)
        ready = {
            "url": f"https://[{host}]:{address.port}" if ":" in host else f"https://{host}:{address.port}",
            "port": address.port,
            "pid": os.getpid(),
            "fingerprint": prints.sha256,
            "thumbprint": prints.sha1,
        }
        path = self._config.ready_file
        if path is not None:
            draft = path.with_name(f".{path.name}.{os.getpid()}")
            draft.write_text(json.dumps(ready))
            draft.rename(path)
        return ready

    # While serving.

    def _enter(self, wire: Wire, peer: IPv4Address | IPv6Address) -> ClientConnection | None:
        connection = ClientConnection(self._site, wire, peer.host.removeprefix("::ffff:"))
        entry = self._site.census.enter(connection)
        if entry is Entry.DROPPED:
            return None
        connection.over_cap = entry is Entry.TOLD
        return connection

    def _sweep(self) -> None:
        self._reactor.callLater(self._config.limits.sweep, self._sweep)
        self._site.sweep()

    def reload(self) -> None:
        """Read the certificate again and open the log again. What cannot be read stays as it was."""
        try:
            self._factory.context, prints = self._read_certificate()
            self._log.info("certificate read again: {fingerprint}", fingerprint=prints.sha256)
        except (OSError, ValueError) as error:
            self._log.error("the certificate could not be read again, the old one stays: {why}", why=error)
        if self._access_log is not None:
            try:
                self._access_log.reopen()
            except OSError as error:
                self._log.error("the access log could not be opened again, the old file stays: {why}", why=error)

    # The end.

    def _end(self) -> Deferred[None]:
        """No new connections; idle ones close, answers under way get their grace, then all is cut."""
        self._log.info("ending; {connections} connections", connections=len(self._site.census))
        self._port.stopListening()
        for connection in self._site.census.members():
            connection.finish()
        ended: Deferred[None] = Deferred()
        deadline = self._reactor.seconds() + self._config.limits.grace
        self._await_end(ended, deadline)
        return ended

    def _await_end(self, ended: Deferred[None], deadline: float) -> None:
        members = self._site.census.members()
        if members and self._reactor.seconds() < deadline:
            self._reactor.callLater(0.05, self._await_end, ended, deadline)
            return
        for connection in members:
            connection.wire.abort()
        self._site.close_pools()
        self._log.info("ended; {cut} connections cut", cut=len(members))
        ended.callback(None)
