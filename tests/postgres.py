"""A PostgreSQL server of the tests' own, which they may stop, kill and fill."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg

USER = "postgres"

SETTINGS = ("max_connections=40", "shared_buffers=32MB", "listen_addresses=127.0.0.1")


def binaries() -> Path | None:
    """Return the folder of initdb and pg_ctl, or None where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    path = str(found[-1]) if found else shutil.which("initdb")
    return Path(path).parent if path else None


class Server:
    """One cluster in a temporary folder.

    Parameters
    ----------
    folder : Path
        Of initdb and pg_ctl.
    env : mapping, optional
        For the server's process.
    """

    def __init__(self, folder: Path, env: Mapping[str, str] | None = None) -> None:
        self._bin = folder
        self._env = {**os.environ, **(env or {})}
        self.data = Path(tempfile.mkdtemp(prefix="matcher-postgres-"))
        # The server refuses to run as root.
        self._as: dict[str, Any] = (
            {"user": USER, "group": USER, "extra_groups": []} if os.geteuid() == 0 else {}
        )
        if self._as:
            shutil.chown(self.data, USER, USER)
        self._run("initdb", "-D", str(self.data / "db"), "-A", "trust", "-U", USER, "--no-sync")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.start()

    def start(self) -> None:
        """Start, or recover after `stop`."""
        options = " ".join(f"-c {setting}" for setting in SETTINGS)
        self._run(
            "pg_ctl",
            *("-D", str(self.data / "db"), "-w", "-l", str(self.data / "log")),
            *("-o", f"-p {self.port} -k {self.data} {options}", "start"),
        )

    def stop(self, mode: str = "immediate") -> None:
        """Stop; "immediate" is as a crash."""
        self._run("pg_ctl", "-D", str(self.data / "db"), "-w", "-m", mode, "stop")

    def kill(self) -> None:
        """kill -9 of the postmaster and all its children."""
        pid = int((self.data / "db" / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for one in (pid, *map(int, children)):
            os.kill(one, signal.SIGKILL)

    def remove(self) -> None:
        """Stop and delete everything."""
        try:
            self.stop()
        finally:
            shutil.rmtree(self.data, ignore_errors=True)

    def url(self, name: str = "store") -> str:
        """Return the URL of an empty database: a new one, or that of this name, emptied."""
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
                connection.execute(f"CREATE DATABASE {name}")
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
            )
        # Far quicker than another database, which is a copy of 7 MB.
        with psycopg.connect(self.address(name), autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        return f"postgresql+psycopg://{USER}@127.0.0.1:{self.port}/{name}"

    def address(self, database: str) -> str:
        """Return what psycopg connects to."""
        return f"host=127.0.0.1 port={self.port} user={USER} dbname={database}"

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._bin / program), *arguments],
            cwd="/",
            env=self._env,
            stdin=subprocess.DEVNULL,
            # Not a pipe: the server would inherit it and keep it open.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
            **self._as,
        )
        if done.returncode:
            log = self.data / "log"
            raise RuntimeError(f"{program} failed: {log.read_text()[-2000:] if log.exists() else '(no log)'}")
