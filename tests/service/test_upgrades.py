"""Upgrades through a running server, by both clients; the next extractor is a toy."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import grpc
import pytest

from matcher.client import AsyncClient, Client
from matcher.engine import Engine
from matcher.errors import (
    ArgumentError,
    DeadlineError,
    IdempotencyMismatchError,
    UpgradeConflictError,
    UpgradeNotFoundError,
)
from matcher.gallery.generations import Counts, UpgradeState
from matcher.service.server import Server
from matcher.types import Modality
from matcher.v1 import matcher_pb2 as pb
from matcher.v1 import matcher_pb2_grpc as pb_grpc

FINGER = Modality.FINGERPRINT
PEOPLE = 5
PATIENCE_S = 30.0


@pytest.fixture
def engine(tmp_path: Path, fakes: ModuleType, load: Callable[[str], ModuleType]) -> Iterator[Engine]:
    find = load("test_engine_upgrades").finder(fakes)
    url = f"sqlite:///{tmp_path}/gallery.db"
    with Engine(url, scorers=fakes.scorers(), read=fakes.read, find=find, keep_images=True) as engine:
        for number in range(PEOPLE):
            engine.enroll(f"s{number}", [fakes.image(number)])
        yield engine


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_from_start_to_switch(client: Client, engine: Engine, fakes: ModuleType) -> None:
    with pytest.raises(UpgradeNotFoundError):
        client.upgrade_status()
    begun = client.start_upgrade(FINGER, "new", per_minute=0, idempotency_key="k")
    assert (begun.upgrade.key, begun.upgrade.setting, begun.upgrade.per_minute) == (1, "new", 0)
    until(lambda: client.upgrade_status().searchable)
    assert client.upgrade_status() == engine.upgrade_status()
    assert client.upgrade_status(1).upgrade.counts == Counts(staged=PEOPLE)
    for again in (
        client.start_upgrade(FINGER, "new"),
        client.start_upgrade(FINGER, "new", per_minute=0, idempotency_key="k"),
    ):
        assert again.upgrade.key == 1
    with pytest.raises(UpgradeConflictError):
        client.start_upgrade(Modality.FACE, "new")
    with pytest.raises(IdempotencyMismatchError):
        client.start_upgrade(FINGER, "", per_minute=0, idempotency_key="k")
    switched = client.switch_upgrade(1)
    assert switched.upgrade.state in (UpgradeState.SWITCHED, UpgradeState.DONE)
    assert switched.upgrade.ended_at_us is not None
    assert dict(switched.remaining) == {"fake/2": PEOPLE}
    assert client.identify([fakes.image(3)]).candidates[0].subject_id == "s3"
    # The same again is what was done: neither another switch, nor another upgrade.
    assert client.switch_upgrade(1).upgrade.ended_at_us == switched.upgrade.ended_at_us
    assert client.start_upgrade(FINGER, "new", per_minute=0, idempotency_key="k").upgrade.key == 1
    assert client.upgrade_status().upgrade.key == 1
    with pytest.raises(UpgradeConflictError):
        client.cancel_upgrade(1)


def test_one_that_is_given_up(client: Client) -> None:
    client.start_upgrade(FINGER, "new")
    for _ in range(2):
        assert client.cancel_upgrade(1).upgrade.state is UpgradeState.CANCELLED
    with pytest.raises(UpgradeConflictError):
        client.switch_upgrade(1)
    assert client.start_upgrade(FINGER, "new").upgrade.key == 2
    for call in (client.switch_upgrade, client.cancel_upgrade, client.upgrade_status):
        with pytest.raises(UpgradeNotFoundError):
            call(3)
    assert client.upgrade_status(1).upgrade.state is UpgradeState.CANCELLED


def test_requests_that_are_refused(client: Client, server: Server) -> None:
    for wrong in (
        lambda: client.start_upgrade(FINGER, "unknown"),
        lambda: client.start_upgrade(FINGER, "a\0b.toml"),
        lambda: client.start_upgrade(FINGER, "x" * 4097),
        lambda: client.start_upgrade(FINGER, "new", per_minute=1_000_001),
        lambda: client.start_upgrade(FINGER, "new", per_minute=-1),
        lambda: client.start_upgrade(FINGER, "new", idempotency_key="k" * 129),
        lambda: client.start_upgrade(9, "new"),  # type: ignore[arg-type]
        lambda: client.switch_upgrade(0),
        lambda: client.cancel_upgrade(-1),
        lambda: client.upgrade_status(priority=10),
    ):
        with pytest.raises(ArgumentError):
            wrong()
    with pytest.raises(UpgradeNotFoundError):
        client.upgrade_status()


def test_a_switch_without_the_time_for_it_goes_on_with_the_next_call(
    client: Client, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was made when it is asked for; a page at a time, until the caller's time is up."""
    monkeypatch.setattr("matcher.upgrading.PAGE", 1)
    worker = engine._upgrading
    real = worker._step

    def slow(own: Any, *, paced: bool) -> int:
        if paced:
            return 0  # whoever works in the background is not there
        time.sleep(0.15)
        return real(own, paced=paced)

    monkeypatch.setattr(worker, "_step", slow)
    client.start_upgrade(FINGER, "new", per_minute=0)
    with pytest.raises(DeadlineError):
        client.switch_upgrade(1, timeout=0.4)
    until(lambda: not worker._turn.locked())
    made = client.upgrade_status(1)
    assert made.upgrade.state is UpgradeState.RUNNING
    assert 0 < made.upgrade.counts.staged < PEOPLE
    assert client.switch_upgrade(1).upgrade.counts == Counts(staged=PEOPLE)


def test_with_asyncio(server: Server) -> None:
    async def use() -> None:
        async with AsyncClient(server.address) as client:
            await client.start_upgrade(FINGER, "new", per_minute=0)
            assert (await client.cancel_upgrade(1)).upgrade.state is UpgradeState.CANCELLED
            await client.start_upgrade(FINGER, "new", per_minute=0)
            switched = await client.switch_upgrade(2)
            assert switched.upgrade.counts.staged == PEOPLE
            assert (await client.upgrade_status(1)).upgrade.state is UpgradeState.CANCELLED

    asyncio.run(use())


def test_a_rate_that_is_not_said_is_the_servers_own(client: Client, server: Server) -> None:
    with grpc.insecure_channel(server.address) as channel:
        reply = pb_grpc.MatcherServiceStub(channel).StartUpgrade(
            pb.StartUpgradeRequest(modality=pb.MODALITY_FINGERPRINT, extractor="new"), timeout=10
        )
    assert reply.upgrade.samples_per_minute == 600
