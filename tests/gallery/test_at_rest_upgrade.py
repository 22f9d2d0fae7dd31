"""An upgrade of an encrypted store, on both databases: nothing of either generation lies in the clear."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import create_engine, text
from typer.testing import CliRunner

from matcher.cli.main import app
from matcher.engine import Engine
from matcher.gallery.generations import Counts, UpgradeState
from matcher.gallery.reseal import count_keys
from matcher.security.keyring import ENV_KEYRING, ENV_MASTER, key_of, new_key, write_keys
from matcher.types import Modality

MASTER = bytes(range(32))
PEOPLE = 6
FINGER = Modality.FINGERPRINT


@pytest.fixture
def keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A keyring that the environment names, also that of processes."""
    path = tmp_path / "keys.json"
    write_keys(path, [new_key(1, MASTER)])
    monkeypatch.setenv(ENV_KEYRING, str(path))
    monkeypatch.setenv(ENV_MASTER, MASTER.hex())
    return path


@pytest.fixture
def upgrades(load: Callable[[str], ModuleType]) -> ModuleType:
    return load("test_engine_upgrades")


@pytest.fixture
def opened(fakes: ModuleType, upgrades: ModuleType) -> Iterator[Callable[[str], Engine]]:
    find, engines = upgrades.finder(fakes), []

    def open_engine(url: str) -> Engine:
        made = Engine(url, scorers=fakes.scorers(), read=fakes.read, find=find, keep_images=True, threads=1)
        engines.append(made)
        return made

    yield open_engine
    for engine in engines:
        engine.close()


def kept(url: str) -> list[bytes]:
    """Every template and image, of both generations, as it lies in the database."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return [
                bytes(row[0])
                for table, value in (
                    ("samples", "template"),
                    ("next_samples", "template"),
                    ("images", "image"),
                )
                for row in connection.execute(text(f"SELECT {value} FROM {table}"))
            ]
    finally:
        engine.dispose()


def test_both_generations_are_sealed_from_start_to_end(
    store_url: str,
    keyring: Path,
    opened: Callable[[str], Engine],
    fakes: ModuleType,
    upgrades: ModuleType,
) -> None:
    def all_found(engine: Engine) -> None:
        for number in range(PEOPLE):
            assert upgrades.names(engine, fakes.image(number, 1)) == [f"s{number}"]

    engine = opened(store_url)
    for number in range(PEOPLE - 1):
        engine.enroll(f"s{number}", [fakes.image(number)])
    engine.start_upgrade(FINGER, "new", per_minute=0)
    upgrades.until(lambda: engine.upgrade_status().searchable)
    engine.enroll(f"s{PEOPLE - 1}", [fakes.image(PEOPLE - 1)])  # gets both templates at once
    all_found(engine)
    assert upgrades.names(engine, fakes.image(2, 1), next_generation=True) == ["s2"]
    engine.close()
    stored = kept(store_url)
    assert len(stored) == 3 * PEOPLE
    assert {key_of(value) for value in stored} == {1}

    # A rotation in the middle takes the next generation along, and the upgrade goes on under the new key.
    rotate = ["keys", "rotate", str(keyring), "--store", store_url, "--retire"]
    assert CliRunner().invoke(app, rotate, catch_exceptions=False).exit_code == 0
    assert count_keys(store_url) == {2: 3 * PEOPLE}
    engine = opened(store_url)
    assert engine.upgrade_status().upgrade.state is UpgradeState.RUNNING
    engine.switch_upgrade()
    all_found(engine)
    upgrades.until(lambda: engine.upgrade_status().upgrade.state is UpgradeState.DONE)
    assert engine.upgrade_status().upgrade.counts == Counts(staged=PEOPLE)
    engine.close()
    assert count_keys(store_url) == {2: 2 * PEOPLE}
    engine = opened(store_url)  # what was settled is bound to the same place, and opens
    all_found(engine)
    assert {name for n in range(PEOPLE) for name in upgrades.extractors(engine, f"s{n}")} == {"fake/2"}


@pytest.mark.timeout(600)
def test_a_kill_in_the_middle_leaves_nothing_in_the_clear_and_loses_nothing(
    store_url: str, keyring: Path, opened: Callable[[str], Engine], fakes: ModuleType, upgrades: ModuleType
) -> None:
    upgrades.kill_and_look(store_url, opened, fakes, False)
    assert count_keys(store_url).keys() == {1}
