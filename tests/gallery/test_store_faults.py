"""The store under faults of PostgreSQL: killed under load, without room. Those of SQLite: tests/service."""

from __future__ import annotations

import itertools
import random
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from matcher.errors import MatcherError, StoreFullError
from matcher.gallery.operations import Enrolment, SubjectDeletion
from matcher.gallery.store import Store
from matcher.types import Modality

KILLS_FAST, KILLS_SOAK = 2, 100
CALLERS = 8
PATIENCE_S = 60.0


@pytest.fixture
def server(postgres: Any, shim: Path, load: Any) -> Iterator[Any]:
    """A server of its own, whose data files lie on a disk that may be full."""
    module = load("postgres")
    folder = Path(module.tempfile.mkdtemp(prefix="matcher-shim-"))
    folder.chmod(0o755)
    library = Path(shutil.copy(shim, folder))
    library.chmod(0o755)
    env = {"LD_PRELOAD": str(library), "SHIM_FULL": str(folder / "full"), "SHIM_FOLDER": "/base/"}
    server = module.Server(module.binaries(), env)
    server.flag = folder / "full"
    yield server
    server.flag.unlink(missing_ok=True)
    server.remove()
    shutil.rmtree(folder)


class Load:
    """Callers that enrol, and delete every third, whatever the database does; and what they were told."""

    def __init__(self, store: Store, tools: ModuleType) -> None:
        self.enrolled: set[str] = set()  # acknowledged, and no deletion was begun
        self.deleted: set[str] = set()  # acknowledged
        self.stop = threading.Event()
        self._store = store
        self._tools = tools
        self._numbers = itertools.count()

    def run(self) -> None:
        while not self.stop.is_set():
            name = f"s{next(self._numbers)}"
            try:
                self._store.submit(self._tools.enrolment(name)).result()
                if name.endswith(("0", "3", "6")):
                    self._store.submit(SubjectDeletion(name)).result()
                    self.deleted.add(name)
                else:
                    self.enrolled.add(name)
            except MatcherError:
                time.sleep(0.01)


@pytest.mark.timeout(3600)
def test_a_database_killed_under_load_loses_nothing_acknowledged(
    postgres: Any, mirror: Any, tools: ModuleType, full_size: bool
) -> None:
    url = postgres.url()
    store = Store(url, mirror)
    rng = random.Random(3)
    load = Load(store, tools)
    callers = [threading.Thread(target=load.run) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    for _ in range(KILLS_SOAK if full_size else KILLS_FAST):
        target = len(load.enrolled) + rng.randint(20, 100)
        while len(load.enrolled) < target:
            time.sleep(0.001)
        postgres.kill()
        until_started(postgres)
    target = len(load.enrolled) + 10
    while len(load.enrolled) < target:
        time.sleep(0.001)
    load.stop.set()
    for caller in callers:
        caller.join()
    store.close()
    afresh = tools.Mirror()
    Store(url, afresh).close()
    there = {encounter.subject_id for encounter, _ in afresh.state.values()}
    assert load.enrolled <= there
    assert not load.deleted & there
    assert load.deleted
    assert afresh.state == mirror.state


def test_a_full_disk_is_told_and_nothing_acknowledged_is_lost(
    server: Any, mirror: Any, tools: ModuleType
) -> None:
    url = server.url()
    store = Store(url, mirror)
    for number in range(5):
        store.submit(tools.enrolment(f"s{number}")).result()
    # Random bytes cannot be compressed: they need room in the data files at once.
    big = np.random.default_rng(1).bytes(100_000)
    refused = Enrolment("refused", (tools.SampleRecord(Modality.FACE, 1, 1, big),), "k")
    server.flag.touch()
    for _ in range(3):
        with pytest.raises(StoreFullError):
            store.submit(refused).result()
        assert store.subject("s1") is not None
    server.flag.unlink()
    assert store.submit(refused).result().sequence == 6
    server.kill()
    until_started(server)
    store.close()
    afresh = tools.Mirror()
    Store(url, afresh).close()
    assert afresh.state == mirror.state
    assert {e.subject_id for e, _ in afresh.state.values()} == {*(f"s{n}" for n in range(5)), "refused"}


def until_started(server: Any) -> None:
    """Start the server; after a kill -9 its shared memory may take a moment to be free."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            server.start()
            return
        except RuntimeError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
