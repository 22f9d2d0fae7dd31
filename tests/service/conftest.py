"""A server in this process over the fakes, and one as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType

import pytest

from matcher.client import Client
from matcher.engine import Engine
from matcher.service.server import Server

START_S = 60.0


@pytest.fixture
def engine(tmp_path: Path, fakes: ModuleType) -> Iterator[Engine]:
    with Engine(f"sqlite:///{tmp_path}/gallery.db", scorers=fakes.scorers(), read=fakes.read) as engine:
        yield engine


@pytest.fixture
def server(engine: Engine) -> Iterator[Server]:
    server = Server("127.0.0.1:0")
    server.serve(engine)
    yield server
    server.drain(1)


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.address) as client:
        yield client


class Process:
    """`matcher serve` over the fakes, see serve_fakes.py."""

    def __init__(
        self, folder: Path, *options: str, store: str = "", env: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        port_file = folder / "port"
        port_file.unlink(missing_ok=True)
        script = Path(__file__).parent / "serve_fakes.py"
        arguments = [
            *options,
            "--store",
            store or f"sqlite:///{folder}/gallery.db",
            "--listen",
            "127.0.0.1:0",
            "--port-file",
            str(port_file),
        ]
        self.log = folder / "server.log"
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                [sys.executable, str(script), *arguments],
                stdout=log,
                stderr=log,
                # The code under test, where that is not the installed one.
                env={"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path), **(env or {})},
            )
        end = time.monotonic() + START_S
        while not port_file.exists():
            if self.popen.poll() is not None or time.monotonic() > end:
                self.popen.kill()
                self.popen.wait()
                raise AssertionError(f"the server did not start: {self.log.read_text()}")
            time.sleep(0.02)
        self.address = f"127.0.0.1:{port_file.read_text().strip()}"

    def kill(self) -> None:
        """kill -9."""
        self.popen.kill()
        self.popen.wait()

    def terminate(self) -> int:
        """SIGTERM; returns the exit status."""
        self.popen.terminate()
        return self.popen.wait(60)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    processes: list[Process] = []

    def begin(*options: str, store: str = "", env: Mapping[str, str] | None = None) -> Process:
        processes.append(Process(tmp_path, *options, store=store, env=env))
        return processes[-1]

    yield begin
    for process in processes:
        if process.popen.poll() is None:
            process.kill()
