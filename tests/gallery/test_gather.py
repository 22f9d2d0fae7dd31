"""The samples of one subject are those that a selection of one finds, whichever way they are found."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from matcher.gallery.encounters import plain_encounter
from matcher.gallery.filters import EVERYBODY, Allowed, allowed
from matcher.gallery.gather import Samples, Selection, own_samples, widened
from matcher.gallery.memory import Memory
from matcher.gallery.records import Change, ChangeKind
from matcher.gallery.rows import ResidentSample
from matcher.types import U64, FingerPosition, Modality

FINGER = Modality.FINGERPRINT


def gallery(fakes: ModuleType, block_rows: int, seed: int) -> Memory:
    """Return a memory of people with several encounters each, some of them gone."""
    rng = np.random.default_rng(seed)
    scorer, memory = fakes.Scorer(), Memory(block_rows=block_rows)
    for key in range(1, 60):
        subject = int(rng.integers(1, 20))
        fingers = [fakes.template(key, 0, FingerPosition(p)) for p in range(int(rng.integers(0, 5)))]
        samples = [
            ResidentSample(FINGER, scorer.resident(t), int(t.position), t.extractor, n)
            for n, t in enumerate(fingers)
        ]
        memory.add(plain_encounter(key, subject, f"s{subject}"), samples)
    memory.publish(59)
    gone = [Change(60, ChangeKind.DELETE, 3, "s3")]
    gone += [
        Change(60 + n, ChangeKind.DELETE_SAMPLE, 1, "s1", sample_key=(7 * n << 8) + 1) for n in range(1, 7)
    ]
    memory.apply(gone)
    return memory


def same_rows(one: Samples, other: Samples) -> bool:
    """Return whether two hold the same samples in the same order."""
    return one.extractors == other.extractors and [
        (w.tobytes(), p, e)
        for w, p, e in zip(one.forms(), one.position.tolist(), one.extractor.tolist(), strict=True)
    ] == [
        (w.tobytes(), p, e)
        for w, p, e in zip(other.forms(), other.position.tolist(), other.extractor.tolist(), strict=True)
    ]


@pytest.mark.parametrize("block_rows", [1, 3, 8, 1000])
@pytest.mark.parametrize("filtered", [False, True])
def test_one_subjects_samples_are_those_of_a_selection(
    fakes: ModuleType, block_rows: int, filtered: bool
) -> None:
    memory = gallery(fakes, block_rows, seed=block_rows)
    view = memory.view()
    passing = allowed(view, EVERYBODY)
    if filtered:
        passing = Allowed(np.arange(view.encounters.count) % 3 != 0, 0)
    seen, found = set(), 0
    for subject in range(view.numbers):
        own, key = own_samples(memory, view, passing, subject, FINGER)
        wanted = Selection(memory, view, passing, np.array([subject])).hot(FINGER)
        assert same_rows(own, wanted)
        assert len(own) == sum(len(ordinals) for _, ordinals in key)
        seen |= {key} - {()}
        found += len(own) > 0
    assert len(seen) == found > 5


def test_an_encounter_after_the_view_is_not_seen(fakes: ModuleType) -> None:
    memory = gallery(fakes, 8, seed=1)
    view = memory.view()
    before, key = own_samples(memory, view, allowed(view, EVERYBODY), 0, FINGER)
    words = fakes.Scorer().resident(fakes.template(1))
    name = memory.ids[0]
    memory.add(
        plain_encounter(100, int(memory.subject_key[0]), name), [ResidentSample(FINGER, words, 1, "fake")]
    )
    memory.publish(100)
    again, same = own_samples(memory, view, allowed(view, EVERYBODY), 0, FINGER)
    assert same_rows(before, again)
    assert key == same
    now, other = own_samples(memory, memory.view(), allowed(memory.view(), EVERYBODY), 0, FINGER)
    assert len(now) == len(before) + 1
    assert other != key


def test_widened_samples_are_the_same_in_another_form(fakes: ModuleType) -> None:
    memory = gallery(fakes, 3, seed=5)
    view = memory.view()
    subject = max(
        range(view.numbers),
        key=lambda n: len(own_samples(memory, view, allowed(view, EVERYBODY), n, FINGER)[0].batches),
    )
    own, _ = own_samples(memory, view, allowed(view, EVERYBODY), subject, FINGER)
    assert len(own.batches) > 1

    def twice(words: U64) -> U64:
        return np.repeat(words, 2)

    wide = widened(own, twice)
    assert [w.tolist() for w in wide.forms()] == [twice(w).tolist() for w in own.forms()]
    assert wide.position.tolist() == own.position.tolist()
    assert widened(own, lambda words: words) is own
    assert len(widened(Samples(), twice)) == 0
