"""The client library: what the command line stands on."""

from __future__ import annotations

import http.server
import runpy
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import trustme
from vmctl import Fault, Problem, Session, connect, machines
from vmctl.session import CONTRACT
from vmctl.transport import address

from tests.vmctld_process import Vmctld


@pytest.fixture
def session(server: Vmctld) -> Iterator[Session]:
    with connect(server.url, "root", server.password) as made:
        yield made


def test_the_contract_it_carries_is_what_the_registry_says_today(client_folder: Path):
    made = runpy.run_path(str(client_folder / "make_contract.py"))["files"]()
    carried = {path.name: path.read_bytes() for path in CONTRACT.parent.iterdir()}
    assert made == carried, "run client/make_contract.py"


def test_it_knows_nothing_of_the_server_s_code(client_folder: Path):
    script = "import sys, vmctl.cli, vmctl.commands.api, vmctl.commands.vm; print([m for m in sys.modules if m.startswith('vmsdk')])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60).stdout == "[]\n"


def test_a_task_tells_its_progress_and_gives_its_result_or_its_fault(session: Session, witness: Any):
    vm = session.named("VirtualMachine", "vm-0001", "runtime.powerState")
    with pytest.raises(Fault) as caught:
        session.wait(session.call("PowerOnVM_Task", vm.ref))
    assert caught.value.kind == "InvalidPowerState" and caught.value.message
    assert caught.value.detail.existingState == "poweredOn"

    told: list[int] = []
    made = session.wait(machines.create(session, "made", disks=[1 << 20]), told.append)
    assert made._value_1 == witness("made")._moId
    assert told == sorted(told) and all(0 <= percent <= 100 for percent in told)


def test_many_properties_of_many_objects_come_together(session: Session):
    found = session.find("VirtualMachine", "name", "config.hardware.device", "snapshot.currentSnapshot")
    assert {"vm-0001", "vm-0002"} <= {f["name"] for f in found}
    assert all(isinstance(f["config.hardware.device"], list) for f in found), "arrays are lists"
    again = session.get_all([f.ref for f in found], "name")
    assert [f["name"] for f in again] == [f["name"] for f in found] and session.get_all([], "name") == []


def test_faults_of_calls_have_their_type_and_words(session: Session):
    with pytest.raises(Fault) as gone:
        session.get(session.ref("VirtualMachine", "999"), "name")
    assert gone.value.kind == "ManagedObjectNotFound" and gone.value.message
    with pytest.raises(Problem, match="no operation Nothing"):
        session.call("Nothing", session.content.rootFolder)
    with pytest.raises(Problem, match="does not fit the contract"):
        session.call("Rename_Task", session.content.rootFolder, name="x")


def test_logout_ends_the_session(server: Vmctld):
    session = connect(server.url, "root", server.password)
    session.close()
    with pytest.raises(Fault, match="NotAuthenticated"):
        session.find("VirtualMachine", "name")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("host", "https://host/sdk"),
        ("host:8443", "https://host:8443/sdk"),
        ("https://[::1]:8443/", "https://[::1]:8443/sdk"),
        ("https://host/elsewhere", "https://host/elsewhere"),
        ("http://127.0.0.1:80", "http://127.0.0.1:80/sdk"),
    ],
)
def test_an_address_is_what_people_type(typed: str, meant: str):
    assert address(typed) == meant


@pytest.mark.parametrize("typed", ["", "ftp://host", "https://", "http://host", "host:port", "http://127.0.0.1.example.org"])
def test_an_address_that_is_none_or_would_leak_the_password_is_refused(typed: str):
    with pytest.raises(Problem):
        address(typed)


class _Passing(http.server.BaseHTTPRequestHandler):
    """TLS in front of the plain server, for what only TLS can show."""

    protocol_version = "HTTP/1.1"
    behind: Vmctld
    seen: list[bytes]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append(body)
        kept = {name: self.headers[name] for name in ("SOAPAction", "Cookie") if name in self.headers}
        connection = self.behind.connection()
        connection.request("POST", "/sdk", body, {"Content-Type": "text/xml; charset=utf-8", **kept})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        self.send_response(answer.status)
        for name in ("Content-Type", "Set-Cookie"):
            if value := answer.getheader(name):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


def test_a_certificate_is_trusted_by_its_fingerprint_and_no_password_goes_to_another(server: Vmctld):
    authority = trustme.CA()
    identity = authority.issue_cert("elsewhere.example.org")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    identity.configure_cert(context)
    seen: list[bytes] = []
    front = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Front", (_Passing,), {"behind": server, "seen": seen}))
    front.socket = context.wrap_socket(front.socket, server_side=True)
    thread = threading.Thread(target=front.serve_forever, daemon=True)
    thread.start()
    url = f"https://127.0.0.1:{front.server_port}"
    right = sha256(ssl.PEM_cert_to_DER_cert(identity.cert_chain_pems[0].bytes().decode())).hexdigest()
    try:
        with pytest.raises(Problem, match="not trusted") as refused:
            connect(url, "root", server.password)
        assert "--fingerprint" in refused.value.hint
        with pytest.raises(Problem, match="not trusted"):
            connect(url, "root", server.password, fingerprint="00" * 32)
        assert seen == []
        with connect(url, "root", server.password, fingerprint=right.upper()) as session:
            assert session.find("VirtualMachine", "name")
    finally:
        front.shutdown()
        front.server_close()
        thread.join()
