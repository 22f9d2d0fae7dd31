"""Three parties on one machine, each a process: for demonstrations, measurements and tests."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from matcher.errors import InternalError, MatcherError
from matcher.privacy.certificates import CLIENT, PARTIES, load_identity, make_identities
from matcher.privacy.client import PrivacyClient, Record, split_records
from matcher.privacy.layout import Layout
from matcher.privacy.store import ShareStore

START_S = 30.0
"""How long parties may take to meet, seconds."""

CHUNK = 2000
"""Records split at a time."""


class LocalParties:
    """Three party processes on loopback and a client of theirs; a context manager.

    Parameters
    ----------
    folder : Path
        For certificates and stores.
    layout : Layout
    people : dict of Record, optional
        Written into the stores before the parties start: as if each had been enrolled.
    """

    def __init__(self, folder: Path, layout: Layout, people: dict[str, Record] | None = None) -> None:
        self.folder, self.layout = folder, layout
        make_identities(folder / "keys")
        (folder / "keys" / "layout.json").write_text(json.dumps(layout.to_json()))
        fill_stores([folder / f"store-{k}" for k in range(3)], layout, people or {})
        self.addresses = [f"127.0.0.1:{port}" for port in _free_ports()]
        self.processes: dict[int, subprocess.Popen[str]] = {}
        self.client = PrivacyClient(self.addresses, load_identity(folder / "keys" / CLIENT), layout)

    def __enter__(self) -> LocalParties:
        try:
            for index in range(3):
                self.start(index)
            self.wait()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self, index: int) -> None:
        """Start a party; returns once it listens."""
        keys = self.folder / "keys"
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "matcher.cli.main", "privacy", "party", "--id", str(index)),
                *("--store", str(self.folder / f"store-{index}")),
                *("--identity", str(keys / PARTIES[index]), "--layout", str(keys / "layout.json")),
                *("--parties", ",".join(self.addresses)),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            start_new_session=True,
        )
        self.processes[index] = process
        if process.stdout is None or "ready" not in process.stdout.readline():
            raise InternalError(f"Party {index} did not start.")

    def stop(self, index: int, number: int = signal.SIGTERM) -> None:
        """End a party; with SIGKILL as a power failure would."""
        process = self.processes.pop(index)
        process.send_signal(number)
        process.wait(timeout=START_S)
        if process.stdout is not None:
            process.stdout.close()

    def wait(self) -> None:
        """Wait until all parties have met."""
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            try:
                if all(one.connected for one in self.client.statuses()):
                    return
            except MatcherError:
                pass
            time.sleep(0.05)
        raise InternalError("The parties did not meet.")

    def close(self) -> None:
        """End all of it."""
        self.client.close()
        for index in list(self.processes):
            self.stop(index)


def fill_stores(folders: Sequence[Path], layout: Layout, people: dict[str, Record]) -> None:
    """Split records and write each party's shares into its store."""
    stores = [ShareStore(folder, layout) for folder in folders]
    names = list(people)
    for begin in range(0, len(names), CHUNK):
        part = names[begin : begin + CHUNK]
        for store, share in zip(stores, split_records(layout, [people[n] for n in part]), strict=True):
            store.append(part, share)


def _free_ports() -> list[int]:
    """Return three ports that were free a moment ago."""
    sockets = [socket.socket() for _ in range(3)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports: list[int] = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
