"""Certificates of a deployment: an authority of its own, three parties, and the client that may ask them.

    FOLDER/ca.pem
    FOLDER/party-0/   certificate.pem  key.pem  ca.pem       what one owner gets, and so on
    FOLDER/client/    certificate.pem  key.pem  ca.pem

The authority's key is not kept: for another certificate all are made anew. TLS 1.3 checks both sides; the
name that is checked is the party's, not its host's, so that hosts may change.
"""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass
from pathlib import Path

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from matcher.errors import ArgumentError

PARTIES = ("party-0", "party-1", "party-2")

CLIENT = "client"

VALID_DAYS = 365

MAX_MESSAGE_BYTES = 80 << 20
"""Of one gRPC message: 64 MiB of records, with room."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate, its key and the authority, as PEM."""

    name: str
    certificate: bytes
    key: bytes
    authority: bytes

    def server_credentials(self) -> grpc.ServerCredentials:
        """Return credentials that ask every caller for a certificate."""
        return grpc.ssl_server_credentials(
            [(self.key, self.certificate)], root_certificates=self.authority, require_client_auth=True
        )

    def channel(self, party: int, address: str) -> grpc.Channel:
        """Return a channel to a party, whose name must be its own."""
        return grpc.secure_channel(
            address,
            grpc.ssl_channel_credentials(self.authority, self.key, self.certificate),
            options=(
                ("grpc.ssl_target_name_override", PARTIES[party]),
                ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
                ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
                ("grpc.initial_reconnect_backoff_ms", 100),
                ("grpc.max_reconnect_backoff_ms", 1000),
                # Two processes of one machine must not share a connection pool with another identity.
                ("grpc.use_local_subchannel_pool", 1),
            ),
        )


def make_identities(folder: Path) -> None:
    """Write certificates for the three parties and a client.

    Raises
    ------
    ArgumentError
        If the folder holds some already.
    """
    if (folder / "ca.pem").exists():
        raise ArgumentError(f"{folder} holds certificates already.", hint="Choose another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _signed("authority", authority_key, authority_key, "authority", is_authority=True)
    authority_pem = authority.public_bytes(serialization.Encoding.PEM)
    (folder / "ca.pem").write_bytes(authority_pem)
    for name in (*PARTIES, CLIENT):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _signed(name, key, authority_key, "authority", is_authority=False)
        own = folder / name
        own.mkdir(exist_ok=True)
        (own / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        (own / "ca.pem").write_bytes(authority_pem)
        secret = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        descriptor = os.open(own / "key.pem", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secret)


def load_identity(folder: Path) -> Identity:
    """Read what one owner got.

    Raises
    ------
    ArgumentError
        If a file is missing.
    """
    try:
        certificate, key, authority = (
            (folder / name).read_bytes() for name in ("certificate.pem", "key.pem", "ca.pem")
        )
    except OSError as error:
        raise ArgumentError(
            f"Certificates: cannot read {folder}: {error.strerror}.",
            hint="Make them with `matcher privacy keys`.",
        ) from error
    subject = x509.load_pem_x509_certificate(certificate).subject
    [common] = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return Identity(str(common.value), certificate, key, authority)


def _signed(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    issuer: str,
    *,
    is_authority: bool,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=VALID_DAYS))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    )
    return builder.sign(issuer_key, hashes.SHA256())
