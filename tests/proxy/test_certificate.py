"""The certificate is made once, is trusted by who is given it, and is read anew at SIGHUP; TLS is strict."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha1, sha256
from pathlib import Path

import pytest
from cryptography import x509
from vmhttpd.certificate import certificate_files, ensure_certificate, fingerprints, own_names

from .lab import GOOD, LIMIT, Client, Proxy


def test_a_certificate_is_made_once_with_a_key_for_its_owner_alone(tmp_path: Path) -> None:
    files = certificate_files(tmp_path)
    assert ensure_certificate(files, ["esx.example", "localhost", "127.0.0.1", "::1"])
    assert files.key.stat().st_mode & 0o777 == 0o600
    pem = files.certificate.read_bytes()
    assert not ensure_certificate(files, ["other.example"])
    assert files.certificate.read_bytes() == pem

    made = x509.load_pem_x509_certificate(pem)
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["esx.example", "localhost"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    assert made.not_valid_before_utc < datetime.now(UTC)
    assert timedelta(days=3649) < made.not_valid_after_utc - datetime.now(UTC) <= timedelta(days=3650)

    der = ssl.PEM_cert_to_DER_cert(pem.decode())
    prints = fingerprints(files.certificate)
    assert prints.sha256.replace(":", "") == sha256(der).hexdigest().upper()
    assert prints.sha1.replace(":", "") == sha1(der).hexdigest().upper()


def test_a_start_cut_off_between_key_and_certificate_is_made_good(tmp_path: Path) -> None:
    files = certificate_files(tmp_path)
    ensure_certificate(files, ["localhost"])
    key = files.key.read_bytes()
    files.certificate.unlink()
    assert ensure_certificate(files, ["localhost"])
    assert files.key.read_bytes() == key
    files.key.unlink()
    with pytest.raises(ValueError, match="without"):
        ensure_certificate(files, ["localhost"])
    assert not files.key.exists()


def trusting(pem: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=pem)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def test_a_client_that_is_given_the_certificate_trusts_the_server(proxy: Proxy) -> None:
    pem = (proxy.state / "server.crt").read_text()
    with proxy.client(trusting(pem)) as client:
        assert client.ask(GOOD).status == 200
        assert client.socket.version() == "TLSv1.3"
        der = client.socket.getpeercert(binary_form=True)
    assert der is not None
    assert proxy.ready["fingerprint"].replace(":", "") == sha256(der).hexdigest().upper()
    assert proxy.ready["thumbprint"].replace(":", "") == sha1(der).hexdigest().upper()
    assert {"localhost", "127.0.0.1", "::1", socket.gethostname()} <= set(own_names())


def limited(minimum: ssl.TLSVersion, maximum: ssl.TLSVersion, ciphers: str) -> ssl.SSLContext:
    context = ssl._create_unverified_context()
    context.minimum_version, context.maximum_version = minimum, maximum
    context.set_ciphers(ciphers)
    return context


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_versions_and_weak_ciphers_are_not_spoken(proxy: Proxy) -> None:
    old = limited(ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0")
    two = ssl.TLSVersion.TLSv1_2
    for context in (
        old,
        *(limited(two, two, weak) for weak in ("AES128-SHA", "ECDHE+AES+SHA384", "kRSA:@SECLEVEL=0")),
    ):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            proxy.client(context)
    with proxy.client(limited(two, two, "ECDHE-ECDSA-AES128-GCM-SHA256")) as client:
        assert client.ask(GOOD).status == 200


def test_a_client_that_prefers_http_2_gets_http_1_1(proxy: Proxy) -> None:
    context = ssl._create_unverified_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with proxy.client(context) as client:
        assert client.socket.selected_alpn_protocol() == "http/1.1"


@pytest.mark.parametrize("words", [b"GET / HTTP/1.1\r\n\r\n", b"SSH-2.0-x\r\n", b"\0" * 100])
def test_plain_words_on_the_port_end_at_once(proxy: Proxy, words: bytes) -> None:
    with socket.create_connection(("127.0.0.1", proxy.port), LIMIT) as plain:
        plain.sendall(words)
        got = b""
        while piece := plain.recv(4096):
            got += piece
    assert got.startswith(b"HTTP/1.1 400 ")
    head, _, body = got.partition(b"\r\n\r\n")
    assert b"Content-Length: %d" % len(body) in head


def test_junk_that_begins_like_tls_ends_at_once(proxy: Proxy) -> None:
    with socket.create_connection(("127.0.0.1", proxy.port), LIMIT) as junk:
        junk.sendall(b"\x16" + os.urandom(600))
        while junk.recv(4096):
            pass


def test_a_new_certificate_is_served_after_sighup_and_old_connections_go_on(short: Proxy) -> None:
    held = short.client()
    first = held.socket.getpeercert(binary_form=True)
    files = certificate_files(short.state)
    saved = {path: path.read_bytes() for path in (files.certificate, files.key)}

    def served_after_sighup(expected: bytes) -> bool:
        short.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + LIMIT
        while time.monotonic() < deadline:
            with Client(short.port) as client:
                if client.socket.getpeercert(binary_form=True) == expected:
                    return True
        return False

    files.certificate.unlink()
    ensure_certificate(files, ["renewed.example"])
    renewed = ssl.PEM_cert_to_DER_cert(files.certificate.read_text())
    assert renewed != first and served_after_sighup(renewed)
    assert held.ask(GOOD).status == 200

    # What cannot be read leaves the last good one in place.
    files.certificate.write_text("nonsense")
    before = short.log.read_text().count("could not be read again")
    short.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + LIMIT
    while short.log.read_text().count("could not be read again") == before:
        assert time.monotonic() < deadline
    with Client(short.port) as client:
        assert client.socket.getpeercert(binary_form=True) == renewed
    for path, content in saved.items():
        path.write_bytes(content)
    assert first is not None and served_after_sighup(first)
    held.close()
