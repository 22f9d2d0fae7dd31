"""What a client shows a secured server, and wants to see of it: files, read and checked in plain words.

gRPC itself would only say that no server answers.
"""

from __future__ import annotations

from pathlib import Path

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from matcher.errors import ArgumentError

MAX_FILE_BYTES = 1 << 20
"""Largest file of certificates, a key or a token."""


def channel_credentials(
    ca: Path | None, certificate: Path | None = None, key: Path | None = None
) -> grpc.ChannelCredentials | None:
    """Return the credentials of a connection with TLS, or None where nothing is given.

    Parameters
    ----------
    ca : Path, optional
        PEM file of who signed the server's certificate; by default gRPC's own list of public authorities.
    certificate, key : Path, optional
        PEM files of the client's own certificate, with those between it and the server's authority behind it,
        and of its key without a password: both or neither.

    Raises
    ------
    ArgumentError
        If a file cannot be read, is of another kind, or the key is not that of the certificate.
    """
    if (certificate is None) != (key is None):
        raise ArgumentError("A client's certificate and its key go together: expected both or neither.")
    if ca is None and certificate is None:
        return None
    root = None if ca is None else _certificates(ca)[0]
    if certificate is None or key is None:
        return grpc.ssl_channel_credentials(root)
    chain, first = _certificates(certificate)
    own = _read(key)
    try:
        public = load_pem_private_key(own, None).public_key()
    except (ValueError, TypeError) as error:
        raise ArgumentError(f"{key}: expected a private key as PEM, without a password.") from error
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if public.public_bytes(*form) != first.public_key().public_bytes(*form):
        raise ArgumentError(f"{key} is not the key of {certificate}.")
    return grpc.ssl_channel_credentials(root, own, chain)


def read_token(path: Path) -> str:
    """Return the token that a file holds.

    Raises
    ------
    ArgumentError
        If it cannot be read, or holds something else.
    """
    token = _read(path).decode("ascii", errors="replace").strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ArgumentError(f"{path}: expected a signed token, one line of text.")
    return token


def _certificates(path: Path) -> tuple[bytes, x509.Certificate]:
    data = _read(path)
    try:
        return data, x509.load_pem_x509_certificates(data)[0]
    except ValueError as error:
        raise ArgumentError(f"{path}: expected certificates as PEM.") from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ArgumentError(f"{path}: cannot be read ({error.strerror}).") from None
    if len(data) > MAX_FILE_BYTES:
        raise ArgumentError(f"{path}: expected at most {MAX_FILE_BYTES} bytes.")
    return data
