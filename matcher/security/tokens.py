"""Signed tokens (JWT, RFC 7519) that say who a client is: a few algorithms, one key an id, times checked.

A key is a file KID.pem in a folder, so keys are changed without a restart: put the new one there, sign with
it, take the old one away. The algorithm is the key's, whatever a token says: Ed25519 is EdDSA, P-256 is
ES256, RSA of 2048 bits or more is RS256. There are no shared secrets, and `none` is no algorithm.
"""

from __future__ import annotations

import hashlib
import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from matcher.errors import ArgumentError, UnauthenticatedError
from matcher.security.identity import Identity, Role

MAX_TOKEN = 8192
"""Longest token, characters."""

MAX_CACHED = 4096
"""Tokens whose signature was found good that are remembered."""

LEAST_RSA_BITS = 2048
"""NIST SP 800-131A."""

REASONS: tuple[tuple[type[Exception], str], ...] = (
    (jwt.InvalidSignatureError, "its signature is wrong"),
    (jwt.InvalidAlgorithmError, "its algorithm is not its key's"),
    (jwt.ExpiredSignatureError, "it is no longer valid"),
    (jwt.ImmatureSignatureError, "it is not valid yet"),
    (jwt.InvalidAudienceError, "it is meant for somebody else"),
    (jwt.InvalidIssuerError, "somebody else issued it"),
    (jwt.MissingRequiredClaimError, "it does not say how long, for whom or whose it is"),
)
"""What a refusal says, by what the library says."""

LOOK_AGAIN_S = 5.0
"""How old what is known of the folder of keys may be, seconds: so soon a removed key is refused."""

LATEST = 1 << 53
"""Later ends of a token are this one, which a float holds exactly; seconds since 1970-01-01 UTC."""

DEFAULT_LEEWAY_S = 30.0
"""How far the clocks of who signs and who checks may differ, seconds."""

logger = logging.getLogger(__name__)

KEY_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")

PublicKey = Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey


class TokenVerifier:
    """Checks tokens; safe to use from many threads.

    Parameters
    ----------
    folder : Path
        Of the keys, KID.pem each.
    audience : str
        That tokens must be meant for.
    issuer : str, optional
        That must have made them.
    leeway_s : float
    clock : callable
        Seconds since 1970-01-01 UTC.

    Raises
    ------
    ArgumentError
        If a key cannot be used.
    """

    def __init__(
        self,
        folder: Path,
        audience: str,
        issuer: str | None = None,
        *,
        leeway_s: float = DEFAULT_LEEWAY_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder, self._audience, self._issuer = folder, audience, issuer
        self._leeway, self._clock = leeway_s, clock
        self._lock = threading.Lock()
        self._cached: OrderedDict[bytes, tuple[float, str, Identity]] = OrderedDict()
        self._keys: dict[str, tuple[int, PublicKey]] = {}
        self._looked = 0.0
        with self._lock:
            for error in self._look():
                raise error

    def identity(self, token: str) -> Identity:
        """Return who a token says its bearer is: `sub`, with the roles and galleries that it carries.

        Raises
        ------
        UnauthenticatedError
            If it is not signed by a known key, not for this server, not yet or no longer valid.
        """
        now = self._clock()
        digest = hashlib.sha256(token.encode(errors="replace")).digest()
        with self._lock:
            if now - self._looked > LOOK_AGAIN_S or now < self._looked:
                self._look_again()
            cached = self._cached.get(digest)
            if cached is not None and cached[0] > now and cached[1] in self._keys:
                return cached[2]
        key_id, claims = self._checked(token)
        expiry = min(int(claims["exp"]), LATEST) + self._leeway  # a number, or the library had refused it
        if not expiry > now:
            raise _refused("it is no longer valid")
        identity = _identity(claims)
        with self._lock:
            self._cached[digest] = (expiry, key_id, identity)
            while len(self._cached) > MAX_CACHED:
                self._cached.popitem(last=False)
        return identity

    def _checked(self, token: str) -> tuple[str, dict[str, Any]]:
        """Return the id of the key that signed a token, and what the token claims."""
        if len(token) > MAX_TOKEN:
            raise _refused("it is no token")
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
            with self._lock:
                _, key = self._keys.get(key_id if isinstance(key_id, str) else "", (0, None))
            if key is None or not isinstance(key_id, str):
                raise _refused("its key is not known")
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm_of(key)],
                audience=self._audience,
                issuer=self._issuer,
                leeway=self._leeway,
                options={"require": ["exp", "aud", "sub"]},
            )
        except (jwt.InvalidTokenError, ValueError, OverflowError, RecursionError) as error:
            why = next((why for kind, why in REASONS if isinstance(error, kind)), "it is no token")
            raise _refused(why) from None
        return key_id, claims

    def _look_again(self) -> None:
        """Look for changed keys; a file that is no key is passed by, or its former key stays."""
        try:
            for error in self._look():
                logger.warning("A key of tokens stays as it was: %s", error)
        except OSError as error:
            logger.warning("The keys of tokens stay as they were: %s", error.strerror)

    def _look(self) -> list[ArgumentError]:
        """Read keys that are new or other than before; forget those that are gone. Return what is wrong."""
        self._looked = self._clock()
        found: dict[str, tuple[int, PublicKey]] = {}
        problems: list[ArgumentError] = []
        for path in sorted(self._folder.glob("*.pem")):
            known = self._keys.get(path.stem)
            try:
                changed, key = _key_of(path, known)
            except ArgumentError as error:
                problems.append(error)
                if known is not None:
                    found[path.stem] = known
            except FileNotFoundError:
                continue  # taken away in this very moment
            else:
                found[path.stem] = changed, key
        if any(self._keys.get(name) != key for name, key in found.items()):
            self._cached.clear()
        self._keys = found
        return problems


def algorithm_of(key: PublicKey) -> str:
    """Return the one algorithm that a key is used with (RFC 7518, RFC 8037)."""
    if isinstance(key, Ed25519PublicKey):
        return "EdDSA"
    return "ES256" if isinstance(key, ec.EllipticCurvePublicKey) else "RS256"


def _key_of(path: Path, known: tuple[int, PublicKey] | None) -> tuple[int, PublicKey]:
    """Return when a file was changed, and its key; it is read where that is not known."""
    if not KEY_NAME.fullmatch(path.stem):
        raise ArgumentError(f"{path.name}: the name of a key is up to 64 letters, digits, . _ -.")
    changed = path.stat().st_mtime_ns
    return known if known is not None and known[0] == changed else (changed, _read_key(path))


def _read_key(path: Path) -> PublicKey:
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ArgumentError(
            f"{path.name}: cannot be read as a public key ({type(error).__name__})."
        ) from None
    if isinstance(key, Ed25519PublicKey):
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= LEAST_RSA_BITS:
        return key
    raise ArgumentError(f"{path.name}: expected an Ed25519, P-256 or RSA key of {LEAST_RSA_BITS} bits.")


def _identity(claims: dict[str, Any]) -> Identity:
    name = claims.get("sub")
    if not isinstance(name, str) or not 1 <= len(name) <= 128 or not name.isprintable():
        raise _refused("it does not say who its bearer is")
    roles = frozenset(Role(role) for role in _texts(claims.get("roles")) if role in set(Role))
    return Identity(name, roles, frozenset(_texts(claims.get("galleries"))))


def _texts(value: Any) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _refused(why: str) -> UnauthenticatedError:
    return UnauthenticatedError(f"The token is refused: {why}.", hint="Get a new token.")
