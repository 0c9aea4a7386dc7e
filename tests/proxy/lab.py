"""A proxy as a process of its own, back ends of the test's making, and clients that say exactly what they are told."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

LIMIT = 10.0  # seconds that anything here may take
GOOD = b"POST /sdk HTTP/1.1\r\nHost: esx.example\r\nContent-Length: 2\r\n\r\nok"


class Asked:
    """A request as a back end got it."""

    def __init__(self, line: str, fields: dict[str, str], body: bytes):
        self.line, self.fields, self.body = line, fields, body
        self.method, self.target, _ = line.split(" ")


class Conversation:
    """One connection to a back end: its handler reads requests and writes what it likes."""

    def __init__(self, link: socket.socket, backend: BackEnd):
        self.link = link
        self.backend = backend
        self.stream = link.makefile("rb")

    def head(self) -> Asked | None:
        """The next request's head, None at the end."""
        line = self.stream.readline().decode().strip()
        if not line:
            return None
        fields = {}
        while text := self.stream.readline().decode().rstrip("\r\n"):
            name, _, value = text.partition(": ")
            fields[name] = value
        asked = Asked(line, fields, b"")
        self.backend.asked.append(asked)
        return asked

    def body(self, asked: Asked) -> bytes:
        if asked.fields.get("transfer-encoding") == "chunked":
            pieces = []
            while line := self.stream.readline():
                size = int(line, 16)
                pieces.append(self.stream.read(size))
                self.stream.readline()
                if not size:
                    break
            asked.body = b"".join(pieces)
        else:
            asked.body = self.stream.read(int(asked.fields.get("content-length", 0)))
        return asked.body

    def write(self, data: bytes) -> None:
        self.link.sendall(data)

    def closed_by_peer(self) -> bool:
        """Read on until the proxy closes the connection."""
        self.link.settimeout(LIMIT)
        with suppress(ConnectionError):
            while self.link.recv(65536):
                pass
        return True


def answer(body: bytes = b"fine", status: str = "200 OK", *fields: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def echo(talk: Conversation) -> None:
    """Answers every request with its target."""
    while (asked := talk.head()) is not None:
        talk.body(asked)
        talk.write(answer(asked.target.encode() if asked.method != "HEAD" else b""))


class BackEnd:
    """Listens on a unix socket; each connection runs `handler` in a thread."""

    def __init__(self, path: str):
        self.path = path
        self.asked: list[Asked] = []
        self.connections = 0
        self.failures: list[BaseException] = []
        self.handler: Callable[[Conversation], None] = echo
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self.listen()

    def listen(self) -> None:
        with suppress(FileNotFoundError):
            os.unlink(self.path)
        listener = self._listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path)
        os.chmod(self.path, 0o666)
        listener.listen(64)
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                link, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.add(link)
            threading.Thread(target=self._converse, args=(link,), daemon=True).start()

    def _converse(self, link: socket.socket) -> None:
        talk = Conversation(link, self)
        try:
            self.handler(talk)
        except (ConnectionError, TimeoutError):
            pass
        except BaseException as failure:
            self.failures.append(failure)
        finally:
            self._open.discard(link)
            talk.stream.close()
            link.close()

    def leave(self) -> None:
        """As a daemon that is stopped: listener, links and socket file are gone."""
        assert self._listener is not None
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        os.unlink(self.path)
        self.drop_links()

    def drop_links(self) -> None:
        for link in list(self._open):
            with suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)


class Answer:
    def __init__(self, status: int, fields: dict[str, str], body: bytes):
        self.status, self.fields, self.body = status, fields, body


@cache
def trusting_all() -> ssl.SSLContext:
    return ssl._create_unverified_context()


class Client:
    """A TLS connection that sends raw bytes and reads answers."""

    def __init__(self, port: int, context: ssl.SSLContext | None = None, host: str = "127.0.0.1", buffer: int = 0):
        plain = socket.socket()
        if buffer:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        plain.settimeout(LIMIT)
        plain.connect((host, port))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = (context or trusting_all()).wrap_socket(plain, server_hostname="localhost")
        self.stream = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def head(self) -> Answer:
        line = self.stream.readline()
        if not line:
            raise EOFError
        fields: dict[str, str] = {}
        while text := self.stream.readline().decode().rstrip("\r\n"):
            name, _, value = text.partition(": ")
            fields[name.lower()] = value
        return Answer(int(line.split()[1]), fields, b"")

    def answer(self, *, bodiless: bool = False) -> Answer:
        got = self.head()
        if bodiless or got.status in (100, 204, 304):
            return got
        if got.fields.get("transfer-encoding") == "chunked":
            while size := int(self.stream.readline(), 16):
                got.body += self.stream.read(size)
                self.stream.readline()
            self.stream.readline()
        elif "content-length" in got.fields:
            got.body = self.stream.read(int(got.fields["content-length"]))
        else:
            got.body = self.stream.read()
        return got

    def ask(self, data: bytes) -> Answer:
        self.send(data)
        return self.answer()

    def leave(self) -> None:
        """Close our half below TLS, so that the proxy need not wait for more."""
        socket.socket.shutdown(self.socket, socket.SHUT_WR)

    def closed(self) -> bool:
        """Wait for the end; whether nothing more came before it."""
        try:
            return self.stream.read(1) == b""
        except (ConnectionError, ssl.SSLError):
            return True

    def close(self) -> None:
        with suppress(OSError):
            self.stream.close()
            self.socket.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Proxy:
    """`python -m vmhttpd` with its back end."""

    def __init__(self, *options: str, user: str | None = "root", wait: bool = True):
        # Not pytest's own temporary folder: an account without rights must be able to pass through.
        self.folder = Path(tempfile.mkdtemp(prefix="vmhttpd-"))
        self.folder.chmod(0o755)
        self.backend = BackEnd(str(self.folder / "backend.sock"))
        self.state = self.folder / "state"
        self.log = self.folder / "log"
        self._ready = self.folder / "ready.json"
        self.options = list(options)
        self.user = user
        self.start()
        if wait:
            self.await_ready()

    def start(self) -> None:
        command = [sys.executable, "-P", "-m", "vmhttpd", "--listen", "127.0.0.1:0", "--backend", self.backend.path]
        command += ["--state", str(self.state), "--ready-file", str(self._ready), *self.options]
        command += ["--user", self.user] if self.user else []
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stderr=log, stdin=subprocess.DEVNULL)

    def await_ready(self) -> None:
        while not self._ready.exists():
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.02)
                raise AssertionError(self.log.read_text())
        self.ready = json.loads(self._ready.read_text())
        self.port: int = self.ready["port"]

    def client(self, context: ssl.SSLContext | None = None, **options: int) -> Client:
        return Client(self.port, context, **options)

    def ask(self, data: bytes) -> Answer:
        """On a connection of its own."""
        with self.client() as client:
            return client.ask(data)

    def memory(self) -> int:
        """Bytes of memory in use."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def stop(self) -> int:
        """The exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.backend.drop_links()

    def clean(self) -> None:
        if self.process.poll() is None:
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
