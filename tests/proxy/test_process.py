"""The process: how it starts, as whom it serves, what it writes down, how it ends."""

from __future__ import annotations

import os
import pwd
import signal
import threading
import time
from pathlib import Path

import pytest
from vmhttpd.config import parse

from .lab import GOOD, LIMIT, Conversation, Proxy
from .test_requests import get


def test_sigterm_ends_it_in_time_whatever_is_open() -> None:
    proxy = Proxy("--limit", "grace=0.3")
    came = threading.Event()

    def wait(talk: Conversation) -> None:
        if talk.head() is not None:
            came.set()
            assert talk.closed_by_peer()

    try:
        idle = proxy.client()
        assert idle.ask(GOOD).status == 200
        proxy.backend.drop_links()
        proxy.backend.handler = wait
        poll, shaking = proxy.client(), proxy.client()
        poll.send(get(b"/sdk/wait"))
        shaking.send(b"POST /sdk HTTP/1.1\r\nHost")
        assert came.wait(LIMIT)
        began = time.monotonic()
        proxy.process.send_signal(signal.SIGTERM)
        assert idle.closed()
        assert time.monotonic() - began < 1.0
        assert proxy.process.wait(LIMIT) == 0
        assert time.monotonic() - began < 2.0
        assert poll.closed()
        assert "Traceback" not in proxy.log.read_text()
        # Started anew it serves with the certificate it had.
        fingerprint = proxy.ready["fingerprint"]
        (proxy.folder / "ready.json").unlink()
        proxy.start()
        proxy.await_ready()
        assert proxy.ready["fingerprint"] == fingerprint
        assert proxy.ready["pid"] == proxy.process.pid
        assert proxy.ready["url"] == f"https://127.0.0.1:{proxy.port}"
    finally:
        proxy.clean()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has root to give up")
def test_root_is_given_up_for_good_and_the_key_can_be_read_again() -> None:
    proxy = Proxy(user=None)
    try:
        proxy.await_ready()
        nobody = pwd.getpwnam("nobody")
        status = dict(
            line.split(":\t", 1) for line in Path(f"/proc/{proxy.process.pid}/status").read_text().splitlines()
        )
        assert set(status["Uid"].split()) == {str(nobody.pw_uid)}
        assert set(status["Gid"].split()) == {str(nobody.pw_gid)}
        assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
        assert set(status["Groups"].split()) <= {str(nobody.pw_gid)}
        assert proxy.ask(GOOD).status == 200
        proxy.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + LIMIT
        while "certificate read again" not in (log := proxy.log.read_text()):
            assert time.monotonic() < deadline and "could not" not in log
    finally:
        proxy.clean()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may connect to everything")
def test_a_back_end_that_the_account_may_not_reach_is_said_at_the_start() -> None:
    proxy = Proxy(user="nobody", wait=False)
    os.chmod(proxy.backend.path, 0o600)
    try:
        assert proxy.process.wait(LIMIT) in (0, 1)
        assert "nobody may not connect to" in proxy.log.read_text()
    finally:
        proxy.clean()


@pytest.mark.parametrize(
    "wrong",
    [
        ["--listen", "127.0.0.1"],
        ["--limit", "patience=3"],
        ["--limit", "answer=soon"],
        ["--limit", "answer=-1"],
        ["--route", "/elsewhere=x.sock"],
        ["--backend", "/" + "x" * 120],
    ],
)
def test_a_wrong_setting_is_refused_with_a_sentence(
    wrong: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["--backend", "b.sock", "--state", str(tmp_path / "state"), *wrong])
    assert ended.value.code == 2
    assert "vmhttpd: error: " in capsys.readouterr().err


def test_the_access_log_says_what_happened_and_no_secret(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    proxy = Proxy("--access-log", str(log))
    try:
        with proxy.client() as client:
            client.ask(get(b"/folder/a%20b.vmx?dsName=secret", b"Cookie: vmware_soap_session=secret"))
            client.ask(get(b"/ticket/secret"))
            client.ask(get(b"/nothing"))
            client.ask(b"\x01secret\r\n\r\n")
        deadline = time.monotonic() + LIMIT
        while len(lines := [line.split() for line in log.read_text().splitlines()]) < 4:
            assert time.monotonic() < deadline
        assert [(line[1], *line[2:5]) for line in lines] == [
            ("127.0.0.1", "GET", "/folder/a%20b.vmx", "200"),
            ("127.0.0.1", "GET", "/ticket/...", "200"),
            ("127.0.0.1", "GET", "/nothing", "404"),
            ("127.0.0.1", "-", "-", "400"),
        ]
        assert "secret" not in log.read_text() + proxy.log.read_text()
        log.rename(tmp_path / "rotated")
        proxy.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + LIMIT
        while not log.exists():
            assert time.monotonic() < deadline
        proxy.ask(GOOD)
        while "/sdk" not in log.read_text():
            assert time.monotonic() < deadline
    finally:
        proxy.clean()
