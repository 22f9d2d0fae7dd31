"""Certificates of one benchmark: an authority of its own, a server on loopback, one client."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

CLIENT = "benchmark"
"""Common name of the client's certificate."""

REQUESTS_PER_S = 1_000_000
"""Allowance of the client: the limit is looked at, and never reached."""


def secured_by(folder: Path) -> tuple[Path, grpc.ChannelCredentials]:
    """Write what a server with mutual TLS, roles and an audit log needs.

    Returns
    -------
    settings : Path
        For `matcher serve --security`.
    credentials : grpc.ChannelCredentials
        Of a client that may verify, identify and enrol.
    """
    folder.mkdir()
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _signed("authority", authority_key, authority_key, "authority", is_authority=True)
    pems = {}
    for name in ("server", CLIENT):
        key = ec.generate_private_key(ec.SECP256R1())
        pems[name] = _private(key), _pem(_signed(name, key, authority_key, "authority"))
    (folder / "server.key").write_bytes(pems["server"][0])
    (folder / "server.pem").write_bytes(pems["server"][1])
    (folder / "ca.pem").write_bytes(_pem(authority))
    (folder / "audit.key").write_bytes(_private(Ed25519PrivateKey.generate()))
    for secret in ("server.key", "audit.key"):
        (folder / secret).chmod(0o600)
    settings = folder / "security.toml"
    settings.write_text(
        f"""
[tls]
certificate = "server.pem"
key = "server.key"
client_ca = "ca.pem"

[limits]
requests_per_s = {REQUESTS_PER_S}
burst = {REQUESTS_PER_S}

[audit]
folder = "audit"
key = "audit.key"

[[clients]]
name = "{CLIENT}"
roles = ["verify", "identify", "enrol", "read"]
galleries = ["*"]
"""
    )
    key, certificate = pems[CLIENT]
    return settings, grpc.ssl_channel_credentials(_pem(authority), key, certificate)


def _signed(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    issuer: str,
    *,
    is_authority: bool = False,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(signer, hashes.SHA256())
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private(key: ec.EllipticCurvePrivateKey | Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
