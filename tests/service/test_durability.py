"""What was acknowledged is there: after kill -9, a full or absent disk, and synced before it was said."""

from __future__ import annotations

import contextlib
import itertools
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from matcher.client import Client
from matcher.errors import MatcherError, StoreFullError, StoreUnavailableError, SubjectNotFoundError

KILLS_FAST, KILLS_SOAK = 2, 200
LATEST, SAMPLED = 150, 50
"""Verified after each kill, of those enrolled and of those deleted; who is there is asked of everybody."""

ENROLMENTS = 25
CALLERS = 4


class Call(NamedTuple):
    what: str
    file: str
    begin: int
    end: int
    result: int


def calls_of(log: Path) -> list[Call]:
    lines = [line.split() for line in log.read_text().splitlines()]
    return [Call(what, file, int(b), int(e), int(r)) for what, file, b, e, r in lines]


def synced_between(calls: list[Call], request: int, acknowledged: int) -> bool:
    """Whether all that was written to the log between two times was also synced between them."""
    log = [c for c in calls if c.file.endswith("-wal") and request <= c.begin and c.end <= acknowledged]
    written = [c.end for c in log if c.what == "write"]
    syncs = [c.begin for c in log if c.what == "sync" and c.result == 0]
    return bool(written and syncs) and max(syncs) >= max(written)


@pytest.mark.parametrize("synced", [True, False])
def test_a_completed_fsync_stands_between_request_and_acknowledgement(
    start: Callable[..., Any], shim: Path, fakes: ModuleType, tmp_path: Path, synced: bool
) -> None:
    """The same measurement must find none with synchronous=OFF, or it would prove nothing."""
    log = tmp_path / "calls"
    env = {"LD_PRELOAD": str(shim), "SHIM_LOG": str(log)}
    process = start(*([] if synced else ["--unsynced"]), env=env)
    spans = []
    with Client(process.address) as client:
        for identity in range(ENROLMENTS):
            begin = time.monotonic_ns()
            client.enroll([fakes.image(identity)])
            spans.append((begin, time.monotonic_ns()))
        begin = time.monotonic_ns()
        client.enroll([fakes.image(1)], subject_id="gone")
        client.delete("gone")
        spans.append((begin, time.monotonic_ns()))
    process.kill()
    calls = calls_of(log)
    assert [synced_between(calls, *span) for span in spans] == [synced] * len(spans)


class Load:
    """Callers that enrol, and delete every fifth, until the server is gone; and what they were told."""

    def __init__(self, fakes: ModuleType) -> None:
        self.fakes = fakes
        self.enrolled: dict[str, int] = {}  # acknowledged, and no deletion was begun
        self.deleted: dict[str, int] = {}  # acknowledged
        self.acknowledged = 0
        self._numbers = itertools.count()

    def run(self, address: str) -> None:
        mine: list[str] = []
        with Client(address, timeout=10) as client, contextlib.suppress(MatcherError):
            while True:
                number = next(self._numbers)
                name, identity = f"s{number}", number % 250_000
                client.enroll([self.fakes.image(identity)], subject_id=name)
                self.enrolled[name] = identity
                self.acknowledged += 1
                mine.append(name)
                if len(mine) == 5:
                    victim = mine.pop(0)
                    identity = self.enrolled.pop(victim)
                    client.delete(victim)
                    self.deleted[victim] = identity
                    mine.clear()

    def recount(self, address: str, rng: random.Random) -> None:
        """Ask for everybody by name, and search for the latest and for some of the others."""
        with Client(address) as client:
            there = {visit.subject_id for visit in client.encounters()}
            assert self.enrolled.keys() <= there, sorted(self.enrolled.keys() - there)[:10]
            assert not self.deleted.keys() & there
            for name, identity in chosen(self.enrolled, rng):
                assert client.verify(name, [self.fakes.image(identity)]).decision.accepted, name
            for name, identity in chosen(self.deleted, rng):
                with pytest.raises(SubjectNotFoundError):
                    client.verify(name, [self.fakes.image(identity)])


def chosen(people: dict[str, int], rng: random.Random) -> list[tuple[str, int]]:
    """Return the latest, who were under way when the server died, and a sample of all."""
    everybody = list(people.items())
    return everybody[-LATEST:] + rng.sample(everybody, min(SAMPLED, len(everybody)))


@pytest.mark.timeout(3600)
def test_kill_minus_nine_at_random_moments_loses_nothing(
    start: Callable[..., Any], fakes: ModuleType, store_url: str, full_size: bool
) -> None:
    rng = random.Random(11)
    load = Load(fakes)
    kills = KILLS_SOAK if full_size else KILLS_FAST
    for _ in range(kills):
        process = start(store=store_url)
        load.recount(process.address, rng)
        callers = [threading.Thread(target=load.run, args=(process.address,)) for _ in range(CALLERS)]
        for caller in callers:
            caller.start()
        target = load.acknowledged + rng.randint(20, 120)
        while load.acknowledged < target:
            time.sleep(0.001)
        time.sleep(rng.random() * 0.02)
        process.kill()
        for caller in callers:
            caller.join()
    process = start(store=store_url)
    load.recount(process.address, rng)
    with Client(process.address) as client:
        subjects = client.status().subjects
    # Who is there beyond the acknowledged was under way at a kill: one operation of each caller.
    assert len(load.enrolled) <= subjects <= len(load.enrolled) + CALLERS * kills
    assert load.deleted


def test_a_full_disk_is_told_and_nothing_acknowledged_is_lost(
    start: Callable[..., Any], shim: Path, fakes: ModuleType, tmp_path: Path
) -> None:
    flag = tmp_path / "full"
    process = start(env={"LD_PRELOAD": str(shim), "SHIM_FULL": str(flag)})
    with Client(process.address) as client:
        for identity in range(10):
            client.enroll([fakes.image(identity)], subject_id=f"s{identity}")
        flag.touch()
        for attempt in range(3):
            with pytest.raises(StoreFullError):
                client.enroll([fakes.image(50)], subject_id="refused", idempotency_key="k")
            with pytest.raises(StoreFullError):
                client.delete("s1")
            assert client.verify(f"s{attempt}", [fakes.image(attempt)]).decision.accepted
        flag.unlink()
        assert client.enroll([fakes.image(50)], subject_id="refused", idempotency_key="k").sequence == 11
        assert client.status().subjects == 11
    process.kill()
    process = start()
    with Client(process.address) as client:
        assert client.status().subjects == client.status().sequence == 11
        assert all(client.verify(f"s{i}", [fakes.image(i)]).decision.accepted for i in range(10))


def test_a_disk_that_goes_away_and_comes_back_loses_nothing(
    start: Callable[..., Any], shim: Path, fakes: ModuleType, tmp_path: Path
) -> None:
    flag = tmp_path / "gone"
    process = start(env={"LD_PRELOAD": str(shim), "SHIM_GONE": str(flag)})
    with Client(process.address) as client:
        for identity in range(10):
            client.enroll([fakes.image(identity)], subject_id=f"s{identity}")
        client.delete("s0")
        flag.touch()
        for _ in range(3):
            # SQLite cannot say why the log's index does not grow: it may take the disk for full.
            with pytest.raises((StoreUnavailableError, StoreFullError)):
                client.enroll([fakes.image(50)], subject_id="refused", idempotency_key="k")
        flag.unlink()
        assert client.enroll([fakes.image(50)], subject_id="refused", idempotency_key="k").subject_id
        assert client.enroll([fakes.image(51)]).created
    process.kill()
    process = start()
    with Client(process.address) as client:
        assert client.status().subjects == 11
        assert all(client.verify(f"s{i}", [fakes.image(i)]).decision.accepted for i in range(1, 10))
        with pytest.raises(SubjectNotFoundError):
            client.verify("s0", [fakes.image(0)])


def test_a_second_server_is_refused_in_one_line(start: Callable[..., Any]) -> None:
    first = start()
    with pytest.raises(AssertionError) as refused:
        start()
    assert "STORE_LOCKED" in str(refused.value)
    assert "Traceback" not in str(refused.value)
    assert first.terminate() == 0
