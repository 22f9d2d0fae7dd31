"""A run of synthetic prints and templates, and a console on it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from matcher.cli.main import app as command
from matcher.demo.synthetic import make_person
from matcher.review.app import Console, make_app
from matcher.review.cases import load_cases
from matcher.review.evidence import Evidence
from matcher.review.ledger import Ledger, Role

PASSWORD = "correct horse battery"
USERS = {"ann": Role.ANALYST, "bob": Role.ANALYST, "sue": Role.SUPERVISOR}


@pytest.fixture(scope="session")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run over synthetic prints: two people are there twice."""
    from typer.testing import CliRunner

    root = tmp_path_factory.mktemp("review")
    for person, name in ((41, "one"), (42, "two")):
        made = make_person(person)
        for suffix, samples in (("first", made.enrolment), ("again", made.probes)):
            folder = root / "register" / f"{name} {suffix}"
            folder.mkdir(parents=True)
            (folder / "right-index.png").write_bytes(samples[0].data)
    out = root / "out"
    arguments = ["dedup", str(root / "register"), "--out", str(out), "--workers", "1", "--fpir", "0.5"]
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 0, result.output
    return out


@pytest.fixture
def console(reviewed: Path, tmp_path: Path) -> Console:
    """A console with three users and no decision."""
    ledger = Ledger(tmp_path / "review.db", "run")
    for name, role in USERS.items():
        ledger.add_user(name, role, PASSWORD)
    return Console("register", load_cases(reviewed), ledger, Evidence(reviewed))


@pytest.fixture
def address(console: Console) -> Iterator[str]:
    """The console as a server on loopback."""
    config = uvicorn.Config(make_app(console), host="127.0.0.1", port=0, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    for _ in range(500):
        if server.started:
            break
        time.sleep(0.02)
    assert server.started
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def signed_in(address: str) -> Iterator[Callable[[str], Any]]:
    """A function that signs a user in and returns the client and the session's token."""
    clients: list[httpx.Client] = []

    def go(name: str) -> tuple[httpx.Client, str]:
        client = httpx.Client(base_url=address, follow_redirects=True, timeout=60)
        clients.append(client)
        answer = client.post("/login", data={"name": name, "password": PASSWORD})
        assert answer.status_code == 200
        found = re.search(r'name="token" value="([0-9a-f]{64})"', answer.text)
        assert found is not None
        return client, found[1]

    yield go
    for client in clients:
        client.close()
