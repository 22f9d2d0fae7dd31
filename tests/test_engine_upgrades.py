"""Upgrades of a gallery to another extractor, as the engine's callers see them, on both databases.

The next extractor is a toy: the fakes' own, under another name. Of faces the two models never compare.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from matcher.engine import Engine
from matcher.errors import (
    ArgumentError,
    BlankImageError,
    ModelsDifferError,
    NotReadyError,
    UpgradeConflictError,
    UpgradeNotFoundError,
)
from matcher.face.types import FacePosition
from matcher.gallery.backup import backup, restore
from matcher.gallery.generations import Counts, UpgradeState
from matcher.iris.types import EyePosition
from matcher.reader import Extraction
from matcher.samples import Sample
from matcher.template.modality import Template, decode, extractor_of
from matcher.types import FingerPosition, Modality

WORST = 77_777
"""Nobody's: of this identity the next extractor gives no template."""

PATIENCE_S = 30.0
FINGER = Modality.FINGERPRINT
NEW_FINGER = "fake/2"


@pytest.fixture
def find(fakes: ModuleType) -> Callable[[Modality, str], Extraction]:
    return finder(fakes)


def finder(fakes: ModuleType) -> Callable[[Modality, str], Extraction]:
    """Return a `FindReader`: "new" is the next extractor, anything else the one of `fakes.read`."""

    def read_new(sample: Sample) -> Sequence[Template]:
        [template] = fakes.read(sample)
        if fakes.identity_of(template) == WORST:
            raise BlankImageError("The image has no contrast.")
        if sample.modality is Modality.FACE:
            return [dataclasses.replace(template, model=fakes.OTHER_MODEL)]
        return [dataclasses.replace(template, extractor=NEW_FINGER)]

    def found(modality: Modality, setting: str) -> Extraction:
        if setting == "unknown":
            raise ArgumentError("Extractor: unknown.")
        new = {FINGER: NEW_FINGER, Modality.FACE: fakes.OTHER_MODEL, Modality.IRIS: "fake-i/2"}[modality]
        old = {FINGER: "fake", Modality.FACE: fakes.MODEL, Modality.IRIS: "fake-i"}[modality]
        return Extraction(new, read_new) if setting == "new" else Extraction(old, fakes.read)

    return found


Open = Callable[[str], Engine]


@pytest.fixture
def opened(fakes: ModuleType, find: Any) -> Iterator[Open]:
    """Opens engines that keep images; closes what is left open."""
    engines: list[Engine] = []

    def open_engine(url: str) -> Engine:
        made = Engine(url, scorers=fakes.scorers(), read=fakes.read, find=find, keep_images=True, threads=1)
        engines.append(made)
        return made

    yield open_engine
    for engine in engines:
        engine.close()


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.01)


def names(engine: Engine, sample: Sample, **more: Any) -> list[str]:
    return [c.subject_id for c in engine.identify([sample], threshold=50.0, **more).candidates]


def extractors(engine: Engine, subject: str) -> list[str]:
    """Return who made a subject's stored templates."""
    encounters = engine.subject(subject).encounters
    return [extractor_of(decode(s.template)) for e in encounters for s in e.samples]


@pytest.mark.parametrize("kind", [FINGER, Modality.FACE])
def test_everybody_is_found_before_during_and_after(
    store_url: str, kind: Modality, opened: Open, fakes: ModuleType
) -> None:
    where = FacePosition.FACE if kind is Modality.FACE else FingerPosition.LEFT_THUMB
    old, new = ("fake", NEW_FINGER) if kind is FINGER else (fakes.MODEL, fakes.OTHER_MODEL)

    def image(identity: int, impression: int = 0) -> Sample:
        return fakes.image(identity, impression, where)

    engine = opened(store_url)
    for number in range(20):
        engine.enroll(f"s{number}", [image(number)])
    engine.enroll("template", [fakes.stored_as(fakes.read(image(50))[0])])
    engine.enroll("worst", [image(WORST)])
    everybody = {**{f"s{n}": n for n in range(20)}, "template": 50, "worst": WORST}

    def all_found(**more: Any) -> None:
        for subject, identity in everybody.items():
            assert names(engine, image(identity, 1), **more) == [subject]
            assert engine.verify(subject, [image(identity, 2)]).decision.accepted
        assert names(engine, image(999)) == []

    with pytest.raises(UpgradeNotFoundError):
        engine.upgrade_status()
    started = engine.start_upgrade(kind, "new", per_minute=0)
    assert started.upgrade.state is UpgradeState.RUNNING
    all_found()
    engine.enroll("meanwhile", [image(60)])
    everybody["meanwhile"] = 60
    until(lambda: engine.upgrade_status().searchable)
    engine.enroll("later", [image(61)])  # with the next memory there
    engine.enroll("later template", [fakes.stored_as(fakes.read(image(62))[0])])
    everybody |= {"later": 61, "later template": 62}
    until(lambda: engine.upgrade_status().upgrade.counts.all == len(everybody))
    status = engine.upgrade_status()
    assert status.upgrade.counts == Counts(staged=22, without_image=2, failed=1)
    assert dict(status.remaining) == {old: 25}
    engine.delete("s3")
    del everybody["s3"]
    all_found()
    all_found(next_generation=True)
    assert extractors(engine, "s1") == [old]

    switched = engine.switch_upgrade()
    assert switched.upgrade.state in (UpgradeState.SWITCHED, UpgradeState.DONE)
    assert dict(switched.remaining) == {old: 3, new: 21}
    all_found()
    assert extractors(engine, "s1") == [new]
    assert extractors(engine, "template") == extractors(engine, "worst") == [old]
    until(lambda: engine.upgrade_status().upgrade.state is UpgradeState.DONE)
    all_found()
    engine.enroll("afterwards", [image(63)])
    everybody["afterwards"] = 63
    assert extractors(engine, "afterwards") == [new]
    all_found()
    assert names(engine, image(3)) == []
    found = engine.identify([image(5)])
    assert found.unsearched == 0
    by_template = engine.identify([fakes.stored_as(fakes.read(image(5))[0])], threshold=50)
    if kind is Modality.FACE:  # a template is compared with those of its own model
        assert (by_template.unsearched, by_template.candidates) == (22, ())
        with pytest.raises(ModelsDifferError):
            engine.verify("s5", [fakes.stored_as(fakes.read(image(5))[0])])
    else:
        assert (by_template.unsearched, by_template.candidates[0].subject_id) == (0, "s5")

    file = io.BytesIO()
    backup(store_url, file)
    engine.close()
    engine = opened(store_url)  # and what is restored is what is rebuilt
    all_found()
    assert dict(engine.upgrade_status().remaining) == {old: 3, new: 22}
    engine.close()
    if store_url.startswith("sqlite"):
        file.seek(0)
        other = store_url.replace("gallery.db", "restored.db")
        restore(file, other)
        engine = opened(other)
        all_found()


def test_an_upgrade_goes_on_after_a_restart_and_keeps_its_pace(
    store_url: str, opened: Open, fakes: ModuleType
) -> None:
    engine = opened(store_url)
    for number in range(12):
        engine.enroll(f"s{number}", [fakes.image(number)])
    engine.start_upgrade(FINGER, "new", per_minute=60 * 5)
    until(lambda: engine.upgrade_status().upgrade.counts.all > 0)
    engine.close()
    engine = opened(store_url)
    assert engine.upgrade_status().upgrade.counts.all < 12
    until(lambda: engine.upgrade_status().searchable)
    assert engine.upgrade_status().upgrade.counts == Counts(staged=12)
    engine.close()
    engine = opened(store_url)  # the next generation's memory is made anew
    until(lambda: engine.upgrade_status().searchable)
    for number in range(12):
        assert names(engine, fakes.image(number), next_generation=True) == [f"s{number}"]


def test_a_cancelled_upgrade_leaves_nothing(store_url: str, opened: Open, fakes: ModuleType) -> None:
    engine = opened(store_url)
    engine.enroll("s", [fakes.image(1)])
    engine.start_upgrade(FINGER, "new")
    with pytest.raises(UpgradeConflictError):
        engine.start_upgrade(Modality.FACE, "new")
    until(lambda: engine.upgrade_status().searchable)
    assert engine.cancel_upgrade().upgrade.state is UpgradeState.CANCELLED
    assert not engine.upgrade_status().searchable
    with pytest.raises(NotReadyError):
        engine.identify([fakes.image(1)], next_generation=True)
    for call in (engine.switch_upgrade, engine.cancel_upgrade):
        with pytest.raises(UpgradeNotFoundError):
            call()
    engine.enroll("t", [fakes.image(2)])
    assert extractors(engine, "s") == extractors(engine, "t") == ["fake"]
    with pytest.raises(ArgumentError):
        engine.start_upgrade(FINGER, "unknown")
    engine.start_upgrade(FINGER, "new", per_minute=0)
    engine.switch_upgrade()
    assert extractors(engine, "s") == extractors(engine, "t") == [NEW_FINGER]


@pytest.mark.parametrize("position", [FacePosition.FACE, EyePosition.LEFT])
def test_searches_and_enrolments_go_on_through_the_switch(
    tmp_path: Path, position: Any, opened: Open, fakes: ModuleType
) -> None:
    engine = opened(f"sqlite:///{tmp_path}/gallery.db")
    people = 30
    for number in range(people):
        engine.enroll(f"s{number}", [fakes.image(number, 0, position)])
    stop, wrong, done = threading.Event(), [], [0]

    def search(seed: int) -> None:
        rng = random.Random(seed)
        while not stop.is_set():
            number = rng.randrange(people)
            try:
                found = names(engine, fakes.image(number, 1, position))
                if found != [f"s{number}"]:
                    wrong.append((number, found))
            except Exception as error:
                wrong.append(error)
            done[0] += 1

    def enroll() -> None:
        count = 1000
        while not stop.is_set():
            # A check that the switch falls into is refused, and sent again: nobody is enrolled unchecked.
            with contextlib.suppress(NotReadyError):
                engine.enroll_if_unique(f"n{count}", [fakes.image(count, 0, position)])
                count += 1

    modality = Modality.FACE if position is FacePosition.FACE else FINGER
    callers = [threading.Thread(target=search, args=(n,)) for n in range(2)]
    callers.append(threading.Thread(target=enroll))
    for caller in callers:
        caller.start()
    engine.start_upgrade(modality, "new", per_minute=0)
    engine.switch_upgrade()
    before = done[0]
    until(lambda: done[0] > before + 10)
    until(lambda: engine.upgrade_status().upgrade.state is UpgradeState.DONE)
    stop.set()
    for caller in callers:
        caller.join()
    assert not wrong
    assert engine.status().subjects > people


SCRIPT = """
import importlib.util, sys
from pathlib import Path
from matcher.engine import Engine
from matcher.types import Modality

def load(name):
    spec = importlib.util.spec_from_file_location(name, Path(sys.argv[2]) / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module

fakes, tests = load("fakes"), load("test_engine_upgrades")
engine = Engine(sys.argv[1], scorers=fakes.scorers(), read=fakes.read, find=tests.finder(fakes),
                keep_images=True, threads=1)
try:
    engine.upgrade_status()
except LookupError:
    engine.start_upgrade(Modality.FINGERPRINT, "new", per_minute=0)
print("working", flush=True)
if sys.argv[3] == "switch":
    engine.switch_upgrade()
while True:
    engine.enroll(None, [fakes.image(5000)])
"""


@pytest.mark.timeout(3600)
def test_whoever_is_killed_at_any_moment_loses_nothing(
    tmp_path: Path, opened: Open, fakes: ModuleType, full_size: bool, request: pytest.FixtureRequest
) -> None:
    urls = [f"sqlite:///{tmp_path}/gallery.db"]
    if full_size:  # a server takes seconds to notice that its client is gone
        urls.append(request.getfixturevalue("postgres").url())
    for url in urls:
        kill_and_look(url, opened, fakes, full_size)


def kill_and_look(store_url: str, opened: Open, fakes: ModuleType, full_size: bool) -> None:
    """Kill whoever works at an upgrade, again and again, until it is done."""
    people, kills = (400, 60) if full_size else (60, 2)
    engine = opened(store_url)
    for number in range(people):
        engine.enroll(f"s{number}", [fakes.image(number)])
    engine.close()
    rng = random.Random(11)
    for kill in range(kills):
        what = "switch" if kill % 2 else "run"
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, store_url, str(Path(__file__).parent), what],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"working\n"
        time.sleep(rng.uniform(0, 0.3))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        engine = opened(store_url)
        for number in rng.sample(range(people), 5):
            assert names(engine, fakes.image(number, 1)) == [f"s{number}"]
        counts = engine.upgrade_status().upgrade.counts
        assert counts.staged == counts.all
        if kill == kills - 1:
            until(partial(done, engine))
        engine.close()
    engine = opened(store_url)
    assert all(extractors(engine, f"s{number}") == [NEW_FINGER] for number in range(people))
    assert dict(engine.upgrade_status().remaining).keys() == {NEW_FINGER}


def done(engine: Engine) -> bool:
    """Have an upgrade come to its end, from wherever it stands."""
    if engine.upgrade_status().upgrade.state is UpgradeState.RUNNING:
        engine.switch_upgrade()
    return engine.upgrade_status().upgrade.state is UpgradeState.DONE
