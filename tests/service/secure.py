"""Certificates and tokens for tests: an authority, a server's and clients' certificates, signed JWTs."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID


def private_pem(key: Any) -> bytes:
    """A private key as PEM."""
    return bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def public_pem(key: Any) -> bytes:
    """The public key of a private one as PEM."""
    return bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )


def pem(certificate: x509.Certificate) -> bytes:
    """A certificate as PEM."""
    return bytes(certificate.public_bytes(serialization.Encoding.PEM))


@dataclass
class Authority:
    """Signs certificates."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    certificate: x509.Certificate = field(init=False)

    def __post_init__(self) -> None:
        self.certificate = self._made("authority", self.key.public_key(), True)

    def issue(self, name: str) -> tuple[bytes, bytes]:
        """Key and certificate of a common name, as PEM; of loopback where it is a server's."""
        key = ec.generate_private_key(ec.SECP256R1())
        return private_pem(key), pem(self._made(name, key.public_key(), False))

    def _made(self, name: str, key: ec.EllipticCurvePublicKey, is_authority: bool) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = subject if is_authority else self.certificate.subject
        loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
            .add_extension(x509.SubjectAlternativeName([loopback]), critical=False)
            .sign(self.key, hashes.SHA256())
        )


def encoded(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims(**changes: Any) -> dict[str, Any]:
    """Claims that are good; a change to None removes one."""
    now = time.time()
    value = {
        "sub": "clerk",
        "aud": "matcher",
        "iss": "office",
        "exp": now + 600,
        "nbf": now - 5,
        "roles": ["verify"],
        "galleries": ["*"],
    } | changes
    return {name: one for name, one in value.items() if one is not None}


def signed(key: Any, key_id: str | None, value: dict[str, Any], algorithm: str = "EdDSA", **head: Any) -> str:
    """A token signed with an Ed25519 key, whatever algorithm it says."""
    assert isinstance(key, Ed25519PrivateKey)
    header = {"alg": algorithm, "typ": "JWT", "kid": key_id} | head
    text = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(value).encode())}"
    return f"{text}.{encoded(key.sign(text.encode()))}"


def write_tls(folder: Path, *names: str) -> dict[str, tuple[bytes, bytes]]:
    """Files of a server with mutual TLS; returns key and certificate of each client name."""
    authority = Authority()
    key, certificate = authority.issue("server")
    (folder / "server.key").write_bytes(key)
    (folder / "server.pem").write_bytes(certificate)
    (folder / "ca.pem").write_bytes(pem(authority.certificate))
    return {name: authority.issue(name) for name in names}
