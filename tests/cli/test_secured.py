"""The commands against a secured server: certificates, tokens, and in plain words what is wrong with them."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from matcher.audit.entry import unpacked
from matcher.audit.keys import make_key
from matcher.audit.proof import LogParts
from matcher.cli import clients, subjects
from matcher.cli.connection import TOKEN
from matcher.cli.main import EXIT_ERROR, main
from matcher.engine import Engine
from matcher.service.secured import Secured, secured
from matcher.service.server import Server

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
MUTUAL = """
[tls]
certificate = "server.pem"
key = "server.key"
client_ca = "ca.pem"
[[clients]]
name = "clerk"
roles = ["enrol", "verify"]
galleries = ["*"]
[audit]
folder = "audit"
key = "audit.pem"
"""
TOKENS = """
[tls]
certificate = "server.pem"
key = "server.key"
[tokens]
keys = "keys"
audience = "matcher"
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def secure(load: Callable[[str], ModuleType]) -> ModuleType:
    return load("service/secure")


class Office:
    """A secured server in this process, and files of its callers."""

    def __init__(self, folder: Path, engine: Engine, secure: ModuleType, settings: str) -> None:
        self.folder = folder
        for name, (key, certificate) in secure.write_tls(folder, "clerk").items():
            (folder / f"{name}.key").write_bytes(key)
            (folder / f"{name}.pem").write_bytes(certificate)
        (folder / "keys").mkdir()
        (folder / "keys" / "main.pem").write_bytes(secure.public_pem(KEY))
        (folder / "token").write_text(secure.signed(KEY, "main", secure.claims(roles=["enrol"])) + "\n")
        make_key(folder / "audit.pem")
        (folder / "security.toml").write_text(settings)
        self.secured: Secured = secured(folder / "security.toml", "127.0.0.1:0")
        self.server = Server(
            "127.0.0.1:0", interceptors=[self.secured.guard], credentials=self.secured.credentials
        )
        self.server.serve(engine)

    def options(self, *names: str) -> list[str]:
        """`--tls-ca` and more, with the files of this folder."""
        files = {"ca": "ca.pem", "certificate": "clerk.pem", "key": "clerk.key"}
        return [part for name in names for part in (f"--tls-{name}", str(self.folder / files[name]))]

    def close(self) -> None:
        """Stop."""
        self.server.drain(1)
        self.secured.close()


def office(tmp_path: Path, fakes: ModuleType, secure: ModuleType, settings: str) -> Iterator[Office]:
    folder = tmp_path / "office"
    folder.mkdir()
    store = f"sqlite:///{tmp_path}/gallery.db"
    with Engine(store, scorers=fakes.scorers(), read=fakes.read) as engine:
        made = Office(folder, engine, secure, settings)
        yield made
        made.close()


@pytest.fixture
def mutual(tmp_path: Path, fakes: ModuleType, secure: ModuleType) -> Iterator[Office]:
    """A server that asks for certificates."""
    yield from office(tmp_path, fakes, secure, MUTUAL)


@pytest.fixture
def tokens(tmp_path: Path, fakes: ModuleType, secure: ModuleType) -> Iterator[Office]:
    """A server with TLS that asks for tokens."""
    yield from office(tmp_path, fakes, secure, TOKENS)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.delenv(TOKEN, raising=False)

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["matcher", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


def file_of(folder: Path, identity: int) -> Path:
    path = folder / f"{identity}.img"
    path.write_bytes(f"IMG {identity} 0".encode())
    return path


def test_certificates_open_what_their_roles_allow(mutual: Office, run: Run, tmp_path: Path) -> None:
    at = ("--server", mutual.server.address, *mutual.options("ca", "certificate", "key"))
    finger = file_of(tmp_path, 1)
    assert (
        run("enroll", finger, "--subject", "alice", "--transaction", "visit 7", "--priority", 9, *at)[0] == 0
    )
    assert run("verify", "alice", finger, *at)[1].startswith("MATCH")
    for command in (
        ("identify", finger),
        ("subject", "show", "alice"),
        ("galleries",),
        ("upgrade", "status"),
    ):
        status, _, err = run(*command, *at)
        assert (status, err.partition(":")[2].split(":")[0].strip()) == (EXIT_ERROR, "PERMISSION_DENIED")
        assert "does not have the role" in err
    parts = LogParts(mutual.folder / "audit")
    entry = unpacked(parts.entry(0))
    assert (entry.actor, entry.action, entry.transaction) == ("clerk", "Enroll", "visit 7")


def test_the_environment_names_the_files(
    mutual: Office, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATCHER_SERVER", mutual.server.address)
    names = {"CA": "ca.pem", "CERTIFICATE": "clerk.pem", "KEY": "clerk.key"}
    for name, file in names.items():
        monkeypatch.setenv(f"MATCHER_TLS_{name}", str(mutual.folder / file))
    assert run("enroll", file_of(tmp_path, 1), "--subject", "alice")[0] == 0


def test_a_token_from_a_file_or_the_environment(
    tokens: Office, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = ("--server", tokens.server.address, *tokens.options("ca"))
    finger = file_of(tmp_path, 1)
    status, _, err = run("enroll", finger, *at)
    assert (status, "UNAUTHENTICATED" in err) == (EXIT_ERROR, True)
    token = ("--token", tokens.folder / "token")
    assert run("enroll", finger, "--subject", "alice", *token, *at)[0] == 0
    assert "PERMISSION_DENIED" in run("verify", "alice", finger, *token, *at)[2]
    monkeypatch.setenv(TOKEN, (tokens.folder / "token").read_text())
    assert run("enroll", finger, "--subject", "bob", *at)[0] == 0
    monkeypatch.setenv(TOKEN, "nonsense")
    assert "UNAUTHENTICATED" in run("enroll", finger, *at)[2]


def test_decisions_are_fed_back_to_a_secured_server(
    tokens: Office, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secure: ModuleType
) -> None:
    """`matcher review --merge` trusts and proves as the clients do."""
    from matcher.dedup.manifest import Run as Asked
    from matcher.dedup.settings import Settings
    from matcher.review.feedback import Merge, Plan

    at = ("--server", tokens.server.address, *tokens.options("ca"), "--token", tokens.folder / "token")
    for number, name in enumerate(("alice", "bob")):
        assert run("enroll", file_of(tmp_path, number), "--subject", name, *at)[0] == 0
    (tmp_path / "pairs.parquet").write_bytes(b"pairs")
    Asked("sqlite:///gallery.db", Settings()).write(tmp_path)
    monkeypatch.setattr("matcher.review.cases.load_cases", lambda out: [])
    monkeypatch.setattr("matcher.review.evidence.Evidence", lambda out, key: SimpleNamespace(order={}))
    plan = Plan((Merge("alice", "bob"),), ())
    monkeypatch.setattr("matcher.review.feedback.plan_merges", lambda *given: plan)
    merge = ("review", tmp_path, "--merge", tokens.server.address, *tokens.options("ca"))
    assert "UNAUTHENTICATED" in run(*merge)[2]
    assert "PERMISSION_DENIED" in run(*merge, "--token", tokens.folder / "token")[2]
    admin = tmp_path / "admin"
    admin.write_text(secure.signed(KEY, "main", secure.claims(roles=["admin"])))
    status, out, err = run(*merge, "--token", admin)
    assert (status, "1 of 1 merged" in err) == (0, True), err
    assert out.startswith("bob -> alice: change ")


def test_whom_the_client_cannot_trust(mutual: Office, run: Run, tmp_path: Path, secure: ModuleType) -> None:
    """Each is one line that says what is wrong, at once: nothing is tried again."""
    other = tmp_path / "other"
    other.mkdir()
    secure.write_tls(other)
    port = mutual.server.address.rpartition(":")[2]
    own = mutual.options("certificate", "key")
    plain = Server("127.0.0.1:0")
    try:
        for server, options, told in (
            (mutual.server.address, ["--tls-ca", other / "ca.pem", *own], "no authority trusted here"),
            (f"localhost:{port}", [*mutual.options("ca"), *own], "is not for that host name"),
            (plain.address, mutual.options("ca"), "does not speak TLS"),
        ):
            status, out, err = run("status", "--server", server, *options)
            assert (status, out) == (EXIT_ERROR, "")
            assert err.startswith("matcher: SERVER_NOT_TRUSTED: The ")
            assert told in err
            assert err.count("\n") == 1
    finally:
        plain.drain(0)


def test_whom_the_server_does_not_let_in(mutual: Office, run: Run) -> None:
    """Without TLS, or without a certificate, the connection just ends: the line says what to look at."""
    for options in ([], mutual.options("ca")):
        status, _, err = run("status", "--server", mutual.server.address, *options)
        assert status == EXIT_ERROR
        assert err.startswith("matcher: SERVER_UNAVAILABLE: The server at ")
        assert "ended the connection. If it speaks TLS, ask for TLS" in err


def test_files_that_cannot_be_used(mutual: Office, run: Run, tmp_path: Path) -> None:
    ca, certificate, key = (mutual.folder / name for name in ("ca.pem", "clerk.pem", "clerk.key"))
    large = tmp_path / "large"
    large.write_bytes(b"x" * ((1 << 20) + 1))
    blank = tmp_path / "blank"
    blank.write_text("two words")
    for options, told in (
        (("--tls-ca", tmp_path / "missing"), "cannot be read"),
        (("--tls-ca", key), "expected certificates"),
        (("--tls-ca", large), "at most"),
        (("--tls-certificate", certificate), "both or neither"),
        (("--tls-key", key), "both or neither"),
        (("--tls-ca", ca, "--tls-certificate", certificate, "--tls-key", ca), "expected a private key"),
        (("--tls-certificate", certificate, "--tls-key", mutual.folder / "server.key"), "is not the key of"),
        (("--token", tmp_path / "missing"), "cannot be read"),
        (("--token", blank), "one line of text"),
    ):
        status, out, err = run("status", "--server", mutual.server.address, *options)
        assert (status, out) == (EXIT_ERROR, ""), options
        assert err.startswith("matcher: ARGUMENT_INVALID: "), options
        assert told in err, options


def test_every_client_command_takes_the_options() -> None:
    wanted = {"server", "timeout", "tls_ca", "tls_certificate", "tls_key", "token", "priority", "transaction"}
    commands: list[Any] = [clients.enroll, clients.verify, clients.identify, clients.delete, clients.status]
    for group in (subjects.subject_app, subjects.encounter_app):
        commands += [one.callback for one in group.registered_commands]
    commands.append(subjects.galleries)
    assert len(commands) > 12
    for command in commands:
        assert wanted <= inspect.signature(command).parameters.keys(), command
