"""`matcher upgrade` on a store of synthetic prints; its second extractor is the first renamed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from matcher.cli.main import app
from matcher.datasets.fingerprint_synthesis import generate_impression, generate_subject
from matcher.demo.synthetic import png
from matcher.engine import Engine
from matcher.errors import (
    ArgumentError,
    DeadlineError,
    StoreLockedError,
    StoreUnavailableError,
    UpgradeConflictError,
    UpgradeNotFoundError,
)
from matcher.fingerprint.extract import extract
from matcher.fingerprint.extractors import EXTRACTORS, Extractor
from matcher.samples import Sample
from matcher.service.server import build_server
from matcher.types import FingerPosition, FingerprintTemplate, Image

PEOPLE = 3


def extract_as_leader(image: Image, **rest: Any) -> FingerprintTemplate:
    return replace(extract(image, **rest), extractor="leader/1")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of a store of some prints with their images."""
    monkeypatch.setitem(EXTRACTORS, "leader", Extractor("leader", "leader/1", lambda: extract_as_leader))
    url = f"sqlite:///{tmp_path}/gallery.db"
    with Engine(url, threads=1, keep_images=True) as engine:
        for person in range(PEOPLE):
            engine.enroll(f"s{person}", [prints(person, 0)])
    return url


def prints(person: int, number: int) -> Sample:
    [finger] = generate_subject(100 + person, [FingerPosition.RIGHT_INDEX]).values()
    return Sample(png(generate_impression(finger, number, difficulty=0.2)))


def upgrade(*arguments: str, store: str = "", server: str = "") -> str:
    where = ["--server", server] if server else ["--store", store]
    result = CliRunner().invoke(app, ["upgrade", *arguments, *where], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_prints_are_extracted_anew_and_switched(store: str) -> None:
    assert upgrade("status", store=store) == "there was no upgrade\n"
    told = upgrade("start", "fingerprint", "--to", "leader", store=store)
    assert told.startswith("upgrade 1: fingerprint from numba/1 to leader/1, RUNNING: 3 new templates")
    assert upgrade("status", store=store) == told
    assert upgrade("start", "fingerprint", "--to", "leader", store=store) == told
    with pytest.raises(UpgradeConflictError):
        upgrade("start", "iris", store=store)
    switched = upgrade("switch", store=store)
    assert "SWITCHED: 3 new" in switched
    assert "3 samples of leader/1" in switched
    with Engine(store, threads=1) as engine:
        assert dict(engine.upgrade_status().remaining) == {"leader/1": PEOPLE}
        found = [engine.identify([prints(person, 1)], threshold=30).candidates for person in range(PEOPLE)]
        # The calibration is the other extractor's: strangers may follow, nobody comes before the mate.
        assert [its[0].subject_id for its in found] == [f"s{n}" for n in range(PEOPLE)]
        assert "leader" in found[0][0].score.calibration


def test_a_cancelled_upgrade_and_what_is_refused(store: str, tmp_path: Path) -> None:
    for wrong in ("voice", "iris"):
        with pytest.raises(ArgumentError):
            upgrade("start", wrong, "--to", "other", store=store)
    for command in ("switch", "cancel"):
        with pytest.raises(UpgradeNotFoundError):
            upgrade(command, store=store)
    assert "RUNNING" in upgrade("start", "fingerprint", "--to", "leader", "--no-wait", store=store)
    assert "CANCELLED" in upgrade("cancel", store=store)
    with pytest.raises(StoreUnavailableError):
        upgrade("status", store=f"sqlite:///{tmp_path}/nothing.db")


def test_a_store_that_is_served_is_upgraded_by_its_server(store: str) -> None:
    with Engine(store, threads=1, keep_images=True) as engine:
        server = build_server(engine)
        try:
            address = server.address
            assert upgrade("status", server=address) == "there was no upgrade\n"
            with pytest.raises(StoreLockedError):
                upgrade("start", "fingerprint", "--to", "leader", store=store)
            told = upgrade("start", "fingerprint", "--to", "leader", "--rate", "0", server=address)
            assert told.startswith(
                "upgrade 1: fingerprint from numba/1 to leader/1, RUNNING: 3 new templates"
            )
            assert "CANCELLED" in upgrade("cancel", server=address)
            again = upgrade("start", "fingerprint", "--to", "leader", "--no-wait", server=address)
            assert again.startswith("upgrade 2")
            switched = upgrade("switch", "--transaction", "tonight", server=address)
            assert "upgrade 2: " in switched
            assert "3 samples of leader/1" in switched
            assert [line[:10] for line in upgrade("status", server=address).splitlines()] == [
                "upgrade 1:",
                "upgrade 2:",
            ]
            with pytest.raises(ArgumentError, match="got both"):
                upgrade("cancel", "--store", store, server=address)
        finally:
            server.drain(1)


def test_a_switch_that_outlasts_its_deadline_is_asked_for_again(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was made until then is kept, so it comes to its end."""
    with Engine(store, threads=1, keep_images=True) as engine:
        server = build_server(engine)
        real, asked = engine.switch_upgrade, []

        def late(*arguments: Any, **options: Any) -> Any:
            asked.append(arguments)
            if len(asked) < 3:
                raise DeadlineError("The caller's deadline passed.")
            return real(*arguments, **options)

        monkeypatch.setattr(engine, "switch_upgrade", late)
        try:
            upgrade("start", "fingerprint", "--to", "leader", "--no-wait", server=server.address)
            assert "3 new templates" in upgrade("switch", server=server.address)
        finally:
            server.drain(1)
    assert asked == [(1,)] * 3


def reindex(store: str, *options: str) -> str:
    result = CliRunner().invoke(app, ["reindex", "--store", store, *options], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_an_index_is_made_anew_from_the_store(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever lies where the snapshot is kept; and the next start takes the new one."""
    path = tmp_path / "gallery.db.snapshot"
    path.write_bytes(b"something else")
    told = reindex(store)
    assert "3 samples, changes up to 3; no snapshot is kept of fewer than" in told
    assert not path.exists()
    monkeypatch.setattr("matcher.gallery.snapshots.LEAST_SAMPLES", 1)
    assert f"snapshot {path}" in reindex(store)
    made = path.read_bytes()
    elsewhere = tmp_path / "other"
    assert f"snapshot {elsewhere}" in reindex(store, "--snapshot", str(elsewhere))
    assert path.read_bytes() == made
    monkeypatch.setattr("matcher.gallery.gallery.build", None)  # nothing is read from the store any more
    with Engine(store, threads=1) as engine:
        assert engine.status().samples == PEOPLE
        with pytest.raises(StoreLockedError):
            reindex(store)
    assert path.read_bytes() == made
