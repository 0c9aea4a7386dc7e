"""What the proxy costs: CPU of its process per small POST over TLS keep-alive, before a back end that does nothing.

    python bench/proxy_bench.py [--requests N] [--floors]

Client and back end are one process, which is not counted: with a third one the machine's cores would be shared.
`--floors` measures, in the same way, an echo of the same sizes over plain TCP, over Twisted's own TLS and over
vmhttpd's Wire: it is why the latter exists.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import select
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HEAD = (
    b"POST /sdk HTTP/1.1\r\nHost: esx.example\r\nAccept-Encoding: gzip, deflate\r\n"
    b'Cookie: vmware_soap_session="52c1f0e2aabbccddeeff00112233445566778899"; Path=/; HttpOnly; Secure;\r\n'
    b'SOAPAction: "urn:vim25/8.0.3.0"\r\nContent-Type: text/xml; charset=UTF-8\r\n'
    b"User-Agent: pyvmomi Python/3.11 (Linux)\r\n"
)
BODY = b"x" * 450
REQUEST = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
OTHER = HEAD + b"Content-Length: %d\r\n\r\n" % (len(BODY) + 1) + BODY + b"x"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
SPLIT = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY)
FIELDS = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8\r\nCache-Control: no-cache\r\nVary: Accept-Encoding\r\n"
ANSWER = FIELDS + b"Content-Length: 600\r\n\r\n" + b"y" * 600
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, from the scheduler's own count (nanoseconds)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


class BackEnd:
    """Answers each read with ANSWER: requests this small come in one."""

    def __init__(self, path: str):
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen(128)
        self._poll = select.epoll()
        self._poll.register(self._listener, select.EPOLLIN)
        self._links: dict[int, socket.socket] = {}

    def answer(self, requests: int) -> None:
        """Return when so many requests have come and are answered."""
        while requests:
            for number, _ in self._poll.poll():
                if number == self._listener.fileno():
                    link, _ = self._listener.accept()
                    self._links[link.fileno()] = link
                    self._poll.register(link, select.EPOLLIN)
                elif self._links[number].recv(65536):
                    self._links[number].send(ANSWER)
                    requests -= 1
                else:
                    self._links.pop(number).close()


Answer = Callable[[int], None]


def drive(port: int, rounds: int, connections: int, turns: list[list[bytes]], secure: bool, answer: Answer) -> None:
    """A request on each of `connections`, then an answer on each; `rounds` times. `turns`: requests in turn, in pieces."""
    context = ssl._create_unverified_context()
    streams: list[socket.socket] = []
    for _ in range(connections):
        stream = socket.create_connection(("127.0.0.1", port))
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        streams.append(context.wrap_socket(stream) if secure else stream)
    for number in range(rounds):
        for stream in streams:
            for part in turns[number % len(turns)]:
                stream.sendall(part)
        answer(connections)
        for stream in streams:
            got = 0
            while got < len(ANSWER):
                got += len(stream.recv(65536))
    for stream in streams:
        stream.close()


def apart(target: Callable[..., None], *arguments: object) -> multiprocessing.Process:
    process = multiprocessing.Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def measure(
    pid: int, port: int, requests: int, connections: int, turns: list[list[bytes]], secure: bool, answer: Answer
) -> str:
    """The best of five rounds: what else the machine does only ever adds."""
    drive(port, 100, connections, turns, secure, answer)
    rounds = requests // connections // 5
    costs = []
    for _ in range(5):
        before = cpu_seconds(pid)
        drive(port, rounds, connections, turns, secure, answer)
        costs.append((cpu_seconds(pid) - before) / (rounds * connections))
    return f"{min(costs) * 1e6:7.1f} us CPU at best, {max(costs) * 1e6:7.1f} at worst"


def bench_proxy(folder: Path, requests: int) -> None:
    sock, ready = folder / "backend.sock", folder / "ready"
    backend = BackEnd(str(sock))
    command = [sys.executable, "-m", "vmhttpd", "--listen", "127.0.0.1:0", "--backend", str(sock), "--user", "root"]
    command += ["--state", str(folder / "state"), "--ready-file", str(ready)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as proxy:
        try:
            while not ready.exists():
                time.sleep(0.02)
            port = json.loads(ready.read_text())["port"]
            for name, connections, turns in (
                ("1 connection, the same head", 1, [[REQUEST]]),
                ("1 connection, another head", 1, [[REQUEST], [OTHER]]),
                ("8 connections, the same head", 8, [[REQUEST]]),
                ("8 connections, another head", 8, [[REQUEST], [OTHER]]),
                ("64 connections, another head", 64, [[REQUEST], [OTHER]]),
                ("head and body apart (pyVmomi)", 8, [[SPLIT, BODY]]),
                ("chunked (Go, Java)", 8, [[CHUNKED]]),
            ):
                cost = measure(proxy.pid, port, requests, connections, turns, True, backend.answer)
                print(f"{name:32}", cost, flush=True)
        finally:
            proxy.terminate()


def floor(kind: str, folder: str, port: multiprocessing.Queue) -> None:
    """An echo server without HTTP."""
    from twisted.internet import protocol, reactor
    from twisted.internet import ssl as twisted_ssl
    from vmhttpd.tls import WireFactory, server_context

    class Echo(protocol.Protocol):
        got = 0

        def dataReceived(self, data: bytes) -> None:
            self.got += len(data)
            if self.got >= len(REQUEST):
                self.got -= len(REQUEST)
                self.transport.write(ANSWER)

    class Upper:
        got = 0

        def __init__(self, wire):
            self.wire = wire

        def secured(self): ...
        def lost(self): ...
        def farewell(self):
            self.wire.close()

        def received(self, data: bytes) -> None:
            self.got += len(data)
            if self.got >= len(REQUEST):
                self.got -= len(REQUEST)
                self.wire.send(ANSWER)

    certificate, key = f"{folder}/state/server.crt", f"{folder}/state/server.key"
    factory = protocol.Factory.forProtocol(Echo)
    if kind == "twisted":
        context = twisted_ssl.DefaultOpenSSLContextFactory(key, certificate)
        listening = reactor.listenSSL(0, factory, context, interface="127.0.0.1")
    elif kind == "wire":
        factory = WireFactory(server_context(certificate, key), lambda wire, peer: Upper(wire))
        listening = reactor.listenTCP(0, factory, interface="127.0.0.1")
    else:
        listening = reactor.listenTCP(0, factory, interface="127.0.0.1")
    port.put(listening.getHost().port)
    reactor.run()


def bench_floors(folder: Path, requests: int) -> None:
    for kind, name in (("plain", "echo, TCP"), ("twisted", "echo, Twisted's TLS"), ("wire", "echo, vmhttpd's Wire")):
        ports: multiprocessing.Queue = multiprocessing.Queue()
        server = apart(floor, kind, str(folder), ports)
        port = ports.get(timeout=20)
        cost = measure(server.pid, port, requests, 1, [[REQUEST]], kind != "plain", lambda count: None)
        print(f"{name:32}", cost, flush=True)
        server.terminate()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=20000)
    parser.add_argument("--floors", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        bench_proxy(Path(name), options.requests)
        if options.floors:
            bench_floors(Path(name), options.requests)


if __name__ == "__main__":
    main()
