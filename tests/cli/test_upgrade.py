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
from matcher.errors import ArgumentError, StoreUnavailableError, UpgradeConflictError, UpgradeNotFoundError
from matcher.fingerprint.extract import extract
from matcher.fingerprint.extractors import EXTRACTORS, Extractor
from matcher.samples import Sample
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


def upgrade(*arguments: str, store: str) -> str:
    result = CliRunner().invoke(app, ["upgrade", *arguments, "--store", store], catch_exceptions=False)
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
