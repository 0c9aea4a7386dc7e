"""The server's certificate: made on first start, read from then on, replaced by putting other files there.

Law: the key's file is readable by its owner alone from its first byte on; a key is never replaced by ours.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_TEN_YEARS = timedelta(days=3650)
_LONGEST_COMMON_NAME = 64


class Fingerprints(msgspec.Struct, frozen=True):
    """Of a certificate, as vSphere writes them: upper-case pairs of hexadecimal digits with colons between."""

    sha256: str
    sha1: str


class CertificateFiles(msgspec.Struct, frozen=True):
    """PEM files: `certificate` may hold a chain, the server's own first."""

    certificate: Path
    key: Path


def certificate_files(state: Path) -> CertificateFiles:
    return CertificateFiles(certificate=state / "server.crt", key=state / "server.key")


def own_names() -> list[str]:
    """What a client on any host may call this server by without a setting."""
    names = [socket.gethostname(), socket.getfqdn(), "localhost", "127.0.0.1", "::1"]
    return list(dict.fromkeys(name for name in names if name))


def fingerprints(certificate: Path) -> Fingerprints:
    """Of the first certificate in a PEM file. Raises OSError or ValueError."""
    parsed = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
    sha256, sha1 = (parsed.fingerprint(algorithm).hex(":").upper() for algorithm in (hashes.SHA256(), hashes.SHA1()))
    return Fingerprints(sha256=sha256, sha1=sha1)


def ensure_certificate(files: CertificateFiles, names: Iterable[str]) -> bool:
    """Make what is missing, for `names` (host names and addresses); whether something was made.

    Raises ValueError for a certificate without its key: making a key would not help.
    """
    if files.certificate.exists() and files.key.exists():
        return False
    if files.certificate.exists():
        raise ValueError(f"{files.certificate} is there without {files.key}. Put the key there, or move both away.")
    if files.key.exists():  # a start that was cut off between the two
        key = load_pem_private_key(files.key.read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError(f"{files.key} is there without {files.certificate}, and is not a key that we made.")
    else:
        # P-256: a handshake costs a tenth of what RSA costs, and every client since TLS 1.2 knows it.
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        _write(files.key, pem, mode=0o600)
    certificate = self_signed(key, list(names), datetime.now(UTC))
    _write(files.certificate, certificate.public_bytes(Encoding.PEM), mode=0o644)
    return True


def self_signed(key: ec.EllipticCurvePrivateKey, names: list[str], now: datetime) -> x509.Certificate:
    """A certificate for `names`, valid for ten years, as ESXi makes it; no authority for others."""
    common = next((name for name in names if len(name) <= _LONGEST_COMMON_NAME), "vmhttpd")
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
    public = key.public_key()
    usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _TEN_YEARS)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(path: Path, content: bytes, *, mode: int) -> None:
    """Whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
