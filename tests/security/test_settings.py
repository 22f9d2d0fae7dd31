"""The file that secures a server; and the buckets of requests."""

from __future__ import annotations

from pathlib import Path

import pytest

from matcher.errors import ArgumentError, TooManyRequestsError
from matcher.security.allowance import Allowances
from matcher.security.identity import Role
from matcher.security.settings import SecuritySettings, read_settings

WHOLE = """
[tls]
certificate = "server.pem"
key = "server.key"
client_ca = "ca.pem"

[tokens]
keys = "keys"
audience = "matcher"

[[clients]]
name = "registration-17"
roles = ["enrol", "verify"]
galleries = ["north"]
requests_per_s = 5

[limits]
samples = 10
pixels = 4000000

[audit]
folder = "audit"
key = "audit.pem"
known = ["old.pub"]
"""


def written(folder: Path, text: str) -> Path:
    """A settings file."""
    (folder / "security.toml").write_text(text)
    return folder / "security.toml"


def test_a_whole_file(tmp_path: Path) -> None:
    """Paths are relative to it."""
    read = read_settings(written(tmp_path, WHOLE))
    assert read.tls is not None
    assert read.tls.client_ca == tmp_path / "ca.pem"
    assert read.tokens is not None
    assert (read.tokens.audience, read.tokens.issuer) == ("matcher", None)
    assert read.clients is not None
    client = read.clients["registration-17"]
    assert (client.roles, client.galleries) == ({Role.ENROL, Role.VERIFY}, {"north"})
    assert (client.requests_per_s, client.burst) == (5, None)
    assert (read.limits.samples, read.limits.pixels, read.limits.message_bytes) == (10, 4_000_000, None)
    assert read.audit is not None
    assert read.audit.known == (tmp_path / "old.pub",)
    assert read.identifies


def test_an_empty_file_asks_for_nothing(tmp_path: Path) -> None:
    assert read_settings(written(tmp_path, "")) == SecuritySettings()
    assert not read_settings(written(tmp_path, "")).identifies


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[tls]", "[tsl]"),
        ("audience", "audiense"),
        ('audience = "matcher"', ""),
        ('"verify"]', '"verify", "king"]'),
        ("requests_per_s = 5", "requests_per_s = 0"),
        ("requests_per_s = 5", 'requests_per_s = "many"'),
        ("requests_per_s = 5", "requests_per_s = true"),
        ('galleries = ["north"]', 'galleries = "north"'),
        ('client_ca = "ca.pem"', ""),
        ("[limits]", '[[clients]]\nname = "registration-17"\n[limits]'),
        ("[[clients]]", "[clients]"),
        ("[audit]", "audit"),
        ('key = "audit.pem"', "key = 5"),
    ],
)
def test_a_mistake_is_refused(tmp_path: Path, old: str, new: str) -> None:
    assert old in WHOLE
    with pytest.raises(ArgumentError, match=r"security\.toml"):
        read_settings(written(tmp_path, WHOLE.replace(old, new, 1)))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError):
        read_settings(tmp_path / "nothing.toml")


def test_a_bucket_empties_and_fills() -> None:
    """Each client its own; one with its own rate by that."""
    now = 0.0
    allowances = Allowances(2, 3, clock=lambda: now)
    for _ in range(3):
        allowances.take("one")
    with pytest.raises(TooManyRequestsError, match=r"0\.5 s"):
        allowances.take("one")
    allowances.take("two")
    now = 0.5
    allowances.take("one")
    with pytest.raises(TooManyRequestsError):
        allowances.take("one")
    now = 1000.0
    for _ in range(3):
        allowances.take("one")
    with pytest.raises(TooManyRequestsError):
        allowances.take("one")
    for _ in range(10):
        allowances.take("three", 1, 10)
    with pytest.raises(TooManyRequestsError):
        allowances.take("three", 1, 10)
