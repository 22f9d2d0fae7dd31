"""A server in this process over the fakes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from matcher.client import Client
from matcher.engine import Engine
from matcher.service.server import Server, build_server


@pytest.fixture
def engine(tmp_path: Path, fakes: ModuleType) -> Iterator[Engine]:
    with Engine(f"sqlite:///{tmp_path}/gallery.db", scorers=fakes.scorers(), read=fakes.read) as engine:
        yield engine


@pytest.fixture
def server(engine: Engine) -> Iterator[Server]:
    server = build_server(engine)
    yield server
    server.drain(1)


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.address) as client:
        yield client
