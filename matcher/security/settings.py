"""The file that says how a server is secured (TOML). Unknown words are refused: a typo opens nothing."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matcher.errors import ArgumentError
from matcher.security.identity import Identity, Role
from matcher.security.tokens import DEFAULT_LEEWAY_S

DEFAULT_REQUESTS_PER_S = 1000.0
"""Of a client that the file names no rate for, requests a second."""

DEFAULT_BURST = 2000.0


@dataclass(frozen=True, slots=True)
class Tls:
    """Files (PEM) of the server's certificate and key, and of who signs clients' certificates."""

    certificate: Path
    key: Path
    client_ca: Path | None = None


@dataclass(frozen=True, slots=True)
class Tokens:
    """Which tokens are taken; see `TokenVerifier`."""

    keys: Path
    audience: str
    issuer: str | None = None
    leeway_s: float = DEFAULT_LEEWAY_S


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may send."""

    requests_per_s: float = DEFAULT_REQUESTS_PER_S
    burst: float = DEFAULT_BURST
    message_bytes: int | None = None
    samples: int | None = None
    pixels: int | None = None


@dataclass(frozen=True, slots=True)
class Audit:
    """Folder of the log of accesses, the key that signs it, and public keys that signed it before."""

    folder: Path
    key: Path
    known: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class SecuritySettings:
    """The whole file.

    Attributes
    ----------
    tls : Tls or None
    tokens : Tokens or None
    clients : mapping of str to Identity
        By the common name of their certificates.
    limits : Limits
    audit : Audit or None
    """

    tls: Tls | None = None
    tokens: Tokens | None = None
    clients: Mapping[str, Identity] | None = None
    limits: Limits = Limits()
    audit: Audit | None = None

    @property
    def identifies(self) -> bool:
        """Whether clients must say who they are."""
        return bool(self.tokens or self.clients is not None or (self.tls and self.tls.client_ca))


def read_settings(path: Path) -> SecuritySettings:
    """Return what a file says; paths in it are relative to its folder.

    Raises
    ------
    ArgumentError
        If it cannot be read, or says what it must not.
    """
    try:
        value = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArgumentError(f"{path}: cannot be read as TOML ({type(error).__name__}).") from None
    table = _Table(value, path.name, path.parent)
    tls, tokens, limits, audit = (table.table(name) for name in ("tls", "tokens", "limits", "audit"))
    settings = SecuritySettings(
        None if tls is None else Tls(tls.path("certificate"), tls.path("key"), tls.path_or_none("client_ca")),
        None
        if tokens is None
        else Tokens(
            tokens.path("keys"),
            tokens.text("audience"),
            tokens.text_or_none("issuer"),
            tokens.number("leeway_s", DEFAULT_LEEWAY_S, 0),
        ),
        _clients(table),
        Limits()
        if limits is None
        else Limits(
            limits.number("requests_per_s", DEFAULT_REQUESTS_PER_S, 1e-6),
            limits.number("burst", DEFAULT_BURST, 1),
            limits.count("message_bytes"),
            limits.count("samples"),
            limits.count("pixels"),
        ),
        None
        if audit is None
        else Audit(
            audit.path("folder"),
            audit.path("key"),
            tuple(audit.folder / name for name in audit.texts("known")),
        ),
    )
    for one in (table, tls, tokens, limits, audit):
        if one is not None:
            one.end()
    if settings.clients is not None and (settings.tls is None or settings.tls.client_ca is None):
        raise ArgumentError(
            f"{path.name}: [[clients]] are known by their certificates.",
            hint="Give tls.client_ca, or tokens.",
        )
    return settings


def _clients(table: _Table) -> Mapping[str, Identity] | None:
    value = table.taken("clients")
    if value is None:
        return None
    found: dict[str, Identity] = {}
    for one in value if isinstance(value, list) else [None]:
        if not isinstance(one, dict):
            raise ArgumentError(f"{table.name}: expected [[clients]] to be tables.")
        client = _Table(one, f"{table.name}: a client", table.folder)
        name = client.text("name")
        roles = client.texts("roles")
        if unknown := sorted(set(roles) - set(Role)):
            raise ArgumentError(f"{client.name}: {unknown[0]!r} is no role; there are {', '.join(Role)}.")
        if name in found:
            raise ArgumentError(f"{client.name}: {name!r} stands there twice.")
        found[name] = Identity(
            name,
            frozenset(Role(role) for role in roles),
            frozenset(client.texts("galleries")),
            client.number_or_none("requests_per_s", 1e-6),
            client.number_or_none("burst", 1),
        )
        client.end()
    return found


class _Table:
    """A table of the file, whose values are taken out one by one."""

    def __init__(self, value: dict[str, Any], name: str, folder: Path) -> None:
        self._value, self.name, self.folder = dict(value), name, folder

    def taken(self, key: str) -> Any:
        return self._value.pop(key, None)

    def table(self, key: str) -> _Table | None:
        value = self.taken(key)
        if value is not None and not isinstance(value, dict):
            raise ArgumentError(f"{self.name}: expected [{key}] to be a table.")
        return None if value is None else _Table(value, f"{self.name}: [{key}]", self.folder)

    def text_or_none(self, key: str) -> str | None:
        value = self.taken(key)
        if value is not None and (not isinstance(value, str) or not value):
            raise ArgumentError(f"{self.name}: expected {key} to be a text.")
        return value

    def text(self, key: str) -> str:
        value = self.text_or_none(key)
        if value is None:
            raise ArgumentError(f"{self.name}: {key} is missing.")
        return value

    def path(self, key: str) -> Path:
        return self.folder / self.text(key)

    def path_or_none(self, key: str) -> Path | None:
        value = self.text_or_none(key)
        return None if value is None else self.folder / value

    def texts(self, key: str) -> list[str]:
        value = self.taken(key)
        value = [] if value is None else value
        if not isinstance(value, list) or not all(isinstance(text, str) and text for text in value):
            raise ArgumentError(f"{self.name}: expected {key} to be a list of texts.")
        return value

    def number_or_none(self, key: str, least: float) -> float | None:
        value = self.taken(key)
        if value is not None and (type(value) not in (int, float) or not least <= value < 1e12):
            raise ArgumentError(f"{self.name}: expected {key} to be a number of at least {least:g}.")
        return None if value is None else float(value)

    def number(self, key: str, default: float, least: float) -> float:
        value = self.number_or_none(key, least)
        return default if value is None else value

    def count(self, key: str) -> int | None:
        value = self.number_or_none(key, 1)
        return None if value is None else int(value)

    def end(self) -> None:
        """Refuse what nobody took."""
        if self._value:
            raise ArgumentError(f"{self.name}: {sorted(self._value)[0]!r} means nothing here.")
