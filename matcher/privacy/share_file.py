"""Three encrypted share files for three owners: what `matcher privacy split` writes.

A file is for one party: sealed to the public key of that party's certificate (ECDH on P-256 with a fresh key,
HKDF with SHA-256, AES-128-GCM over the whole), so that neither its carrier nor another owner can read it.

    magic "MSHR"  version u8  party u8  public key 65 B  sealed text with its tag
    sealed text: u32 length, JSON {"layout": ..., "subject_ids": [...]}, then the shares of records
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from matcher.errors import ShareCorruptError
from matcher.privacy.layout import Layout
from matcher.privacy.randomness import derived

MAGIC = b"MSHR"

VERSION = 1

HEAD = struct.Struct("<4sBB65s")

_NONCE = bytes(12)
"""The key is used for one file only."""


@dataclass(frozen=True, slots=True)
class ShareFile:
    """One party's shares of some subjects.

    Attributes
    ----------
    party : int
    layout : Layout
    subject_ids : tuple of str
    records : bytes
        Shares, one record a subject.
    """

    party: int
    layout: Layout
    subject_ids: tuple[str, ...]
    records: bytes


def sealed(file: ShareFile, certificate: bytes) -> bytes:
    """Return the bytes of a share file that only the certificate's owner can read."""
    owner = x509.load_pem_x509_certificate(certificate).public_key()
    if not isinstance(owner, ec.EllipticCurvePublicKey):
        raise ShareCorruptError("Share file: expected a certificate with a key on P-256.")
    own = ec.generate_private_key(ec.SECP256R1())
    point = own.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    head = HEAD.pack(MAGIC, VERSION, file.party, point)
    about = json.dumps({"layout": file.layout.to_json(), "subject_ids": list(file.subject_ids)}).encode()
    text = struct.pack("<I", len(about)) + about + file.records
    return head + _cipher(own.exchange(ec.ECDH(), owner), head).encrypt(_NONCE, text, head)


def unsealed(data: bytes, key: bytes) -> ShareFile:
    """Read a share file with its owner's key (PEM).

    Raises
    ------
    ShareCorruptError
        If it is none, is damaged, or is for another owner.
    """
    if len(data) < HEAD.size + 16:
        raise ShareCorruptError("Share file: too short.")
    magic, version, party, point = HEAD.unpack_from(data)
    if magic != MAGIC or version != VERSION or party > 2:
        raise ShareCorruptError("Share file: not one of this version.")
    own = serialization.load_pem_private_key(key, None)
    try:
        if not isinstance(own, ec.EllipticCurvePrivateKey):
            raise ShareCorruptError("Share file: expected a key on P-256.")
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        head = data[: HEAD.size]
        text = _cipher(own.exchange(ec.ECDH(), public), head).decrypt(_NONCE, data[HEAD.size :], head)
        (length,) = struct.unpack_from("<I", text)
        about = json.loads(text[4 : 4 + length])
        layout = Layout.from_json(about["layout"])
        subject_ids = tuple(str(one) for one in about["subject_ids"])
    except (InvalidTag, ValueError, KeyError, TypeError, struct.error) as error:
        if isinstance(error, ShareCorruptError):
            raise
        raise ShareCorruptError("Share file: damaged, or for another owner.") from error
    records = text[4 + length :]
    if len(records) != layout.record_bytes * len(subject_ids):
        raise ShareCorruptError("Share file: expected one record for each subject.")
    return ShareFile(party, layout, subject_ids, records)


def _cipher(agreed: bytes, head: bytes) -> AESGCM:
    return AESGCM(derived(agreed + head, "share file"))
