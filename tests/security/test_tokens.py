"""Only a token that a known key signed, for this server, now, says who its bearer is."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.errors import ArgumentError, UnauthenticatedError
from matcher.security.identity import Role
from matcher.security.tokens import LOOK_AGAIN_S, MAX_TOKEN, TokenVerifier

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))


@pytest.fixture(scope="module")
def secure(load: Callable[[str], ModuleType]) -> ModuleType:
    """Certificates and tokens."""
    return load("service/secure")


@pytest.fixture
def folder(tmp_path: Path, secure: ModuleType) -> Path:
    """A folder with one key."""
    (tmp_path / "main.pem").write_bytes(secure.public_pem(KEY))
    return tmp_path


def test_a_good_token_says_name_roles_and_galleries(folder: Path, secure: ModuleType) -> None:
    """What is no role counts for nothing; a second look comes from memory and says the same."""
    verifier = TokenVerifier(folder, "matcher", "office")
    value = secure.claims(roles=["verify", "read", "king"], galleries=["north", 5])
    token = secure.signed(KEY, "main", value)
    for _ in range(2):
        identity = verifier.identity(token)
        assert (identity.name, identity.roles, identity.galleries) == (
            "clerk",
            {Role.VERIFY, Role.READ},
            {"north"},
        )
    bare = verifier.identity(secure.signed(KEY, "main", secure.claims(roles=None, galleries=None)))
    assert not bare.roles
    assert not bare.galleries


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": float("nan")},
        {"exp": 1_000_000_000},
        {"nbf": 99_999_999_999},
        {"nbf": "now"},
        {"aud": None},
        {"aud": "somebody"},
        {"aud": ["somebody", 5]},
        {"iss": None},
        {"iss": "nobody"},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 129},
        {"sub": "a\nb"},
        {"sub": 5},
    ],
    ids=str,
)
def test_a_token_of_wrong_claims_is_refused(
    folder: Path, secure: ModuleType, changes: dict[str, object]
) -> None:
    verifier = TokenVerifier(folder, "matcher", "office")
    with pytest.raises(UnauthenticatedError):
        verifier.identity(secure.signed(KEY, "main", secure.claims(**changes)))


def test_a_token_that_is_signed_otherwise_is_refused(folder: Path, secure: ModuleType) -> None:
    """Another key, another id, `none`, a shared secret made of the public key, unknown critical words."""
    verifier = TokenVerifier(folder, "matcher")
    value = secure.claims()
    for token in (
        secure.signed(OTHER, "main", value),
        secure.signed(KEY, "other", value),
        secure.signed(KEY, None, value),
        secure.signed(KEY, "../main", value),
        *(
            secure.signed(KEY, "main", value, alg)
            for alg in ("none", "HS256", "ES256", "RS256", "eddsa", None)
        ),
        secure.signed(KEY, "main", value, crit=["x"]),
        secure.signed(KEY, "main", value).rpartition(".")[0] + ".",
        secure.signed(KEY, "main", value | {"roles": ["x" * MAX_TOKEN]}),
    ):
        with pytest.raises(UnauthenticatedError):
            verifier.identity(token)


@settings(max_examples=100, deadline=None)
@given(
    st.one_of(st.text(max_size=80), st.lists(st.text('eyJ{}":ABC-_=', max_size=30), min_size=3, max_size=3))
)
def test_other_texts_are_no_token(tmp_path_factory: pytest.TempPathFactory, token: str | list[str]) -> None:
    verifier = TokenVerifier(tmp_path_factory.getbasetemp(), "matcher")
    with pytest.raises(UnauthenticatedError):
        verifier.identity(token if isinstance(token, str) else ".".join(token))


def test_every_changed_character_is_refused(folder: Path, secure: ModuleType) -> None:
    verifier = TokenVerifier(folder, "matcher")
    token = secure.signed(KEY, "main", secure.claims())
    for at in range(0, len(token) - 1, 3):  # the last character holds bits that stand for nothing
        other = "A" if token[at] != "A" else "B"
        with pytest.raises(UnauthenticatedError):
            verifier.identity(token[:at] + other + token[at + 1 :])


def test_keys_of_the_other_algorithms(tmp_path: Path, secure: ModuleType) -> None:
    """ES256 as two whole numbers of 32 bytes; RS256; each by its own key only."""
    curve, modulus = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)
    (tmp_path / "curve.pem").write_bytes(secure.public_pem(curve))
    (tmp_path / "modulus.pem").write_bytes(secure.public_pem(modulus))
    verifier = TokenVerifier(tmp_path, "matcher")

    def token(algorithm: str, key_id: str) -> str:
        head = secure.encoded(json.dumps({"alg": algorithm, "kid": key_id}).encode())
        text = f"{head}.{secure.encoded(json.dumps(secure.claims()).encode())}"
        if algorithm == "ES256":
            r, s = decode_dss_signature(curve.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
            signature = r.to_bytes(32) + s.to_bytes(32)
        else:
            signature = modulus.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{text}.{secure.encoded(signature)}"

    assert verifier.identity(token("ES256", "curve")).name == "clerk"
    assert verifier.identity(token("RS256", "modulus")).name == "clerk"
    for algorithm, key_id in (("ES256", "modulus"), ("RS256", "curve")):
        with pytest.raises(UnauthenticatedError):
            verifier.identity(token(algorithm, key_id))


def test_keys_change_without_a_restart(folder: Path, secure: ModuleType) -> None:
    """A new key is known, and a removed one forgotten, within seconds; also what was checked before."""
    now = time.time()
    verifier = TokenVerifier(folder, "matcher", clock=lambda: now)
    old, new = secure.signed(KEY, "main", secure.claims()), secure.signed(OTHER, "next", secure.claims())
    assert verifier.identity(old).name == "clerk"
    (folder / "next.pem").write_bytes(secure.public_pem(OTHER))
    (folder / "main.pem").unlink()
    assert verifier.identity(old).name == "clerk"
    now += LOOK_AGAIN_S + 1
    with pytest.raises(UnauthenticatedError):
        verifier.identity(old)
    assert verifier.identity(new).name == "clerk"
    now += 1000
    with pytest.raises(UnauthenticatedError, match="no longer"):
        verifier.identity(new)


def test_a_file_that_is_no_key_leaves_the_others_as_they_were(
    folder: Path, secure: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    """A slip of the operator while the server runs must not shut everybody out."""
    now = time.time()
    verifier = TokenVerifier(folder, "matcher", clock=lambda: now)
    (folder / "broken.pem").write_text("not a key")
    now += LOOK_AGAIN_S + 1
    assert verifier.identity(secure.signed(KEY, "main", secure.claims())).name == "clerk"
    assert "broken.pem" in caplog.text


def test_a_removed_key_is_forgotten_whatever_else_lies_in_the_folder(
    folder: Path, secure: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    """A stolen key must not stay good because its successor was saved in a wrong form."""
    now = time.time()
    verifier = TokenVerifier(folder, "matcher", clock=lambda: now)
    (folder / "main.pem").unlink()
    (folder / "next.pem").write_bytes(secure.private_pem(OTHER))
    (folder / "also.pem").write_bytes(secure.public_pem(OTHER))
    now += LOOK_AGAIN_S + 1
    with pytest.raises(UnauthenticatedError):
        verifier.identity(secure.signed(KEY, "main", secure.claims()))
    assert verifier.identity(secure.signed(OTHER, "also", secure.claims())).name == "clerk"
    assert "next.pem" in caplog.text


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "soon"])
def test_a_time_that_is_none_is_refused(folder: Path, secure: ModuleType, claim: str, value: str) -> None:
    time_s = value if value == "soon" else float(value)
    token = secure.signed(KEY, "main", secure.claims(**{claim: time_s}))
    with pytest.raises(UnauthenticatedError):
        TokenVerifier(folder, "matcher").identity(token)


def test_an_end_beyond_all_times_is_one(folder: Path, secure: ModuleType) -> None:
    token = secure.signed(KEY, "main", secure.claims(exp=10**400))
    assert TokenVerifier(folder, "matcher").identity(token).name == "clerk"


def test_a_weak_or_unreadable_key_is_refused(tmp_path: Path, secure: ModuleType) -> None:
    for key in (rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP384R1())):
        (tmp_path / "weak.pem").write_bytes(secure.public_pem(key))
        with pytest.raises(ArgumentError):
            TokenVerifier(tmp_path, "matcher")
    (tmp_path / "weak.pem").write_bytes(b"nothing")
    with pytest.raises(ArgumentError):
        TokenVerifier(tmp_path, "matcher")
