"""Samples that repeat each other are told at an enrolment as when the whole person is prepared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from matcher.datasets.population.population import Population
from matcher.errors import TemplateCorruptError
from matcher.fingerprint.descriptor import admit, describe
from matcher.fingerprint.packed import packed
from matcher.fingerprint.resident import resident
from matcher.iris.types import EyePosition, IrisTemplate
from matcher.person import Side, WarningKind
from matcher.score.fingerprint import FingerprintProbe, score_among, score_many
from matcher.score.fusion_probe import PersonProbe
from matcher.score.iris import IrisProbe
from matcher.score.iris import score_among as score_eyes_among
from matcher.score.iris import score_many as score_many_eyes
from matcher.score.iris_record import resident as resident_eye
from matcher.score.person import load_person_calibration
from matcher.score.repeat_check import may_repeat, repeat_warnings
from matcher.score.scorers import gallery_scorers
from matcher.template.modality import Template, extractor_of, modality_of
from matcher.types import FingerPosition, FingerprintTemplate, Modality

SCORERS = gallery_scorers()


@pytest.fixture(scope="module")
def person() -> list[Template]:
    """Two fingers, two eyes and a face."""
    people = Population(7).subjects(0, 20)
    wholes = [[*p.fingers, *p.irises, *([p.face] if p.face is not None else [])] for p in people]
    return max(wholes, key=len)


def full_forms(templates: list[Template]) -> list[np.ndarray]:
    forms = []
    for template in templates:
        scorer = SCORERS[modality_of(template)]
        form = scorer.resident(template)
        forms.append(scorer.widened(form) if modality_of(template) is Modality.FINGERPRINT else form)
    return forms


def fingers_of(person: list[Template]) -> list[FingerprintTemplate]:
    return [t for t in person if isinstance(t, FingerprintTemplate)]


def eyes_of(person: list[Template]) -> list[IrisTemplate]:
    return [t for t in person if isinstance(t, IrisTemplate)]


def test_a_whole_person_repeats_nothing(person: list[Template]) -> None:
    assert {modality_of(t) for t in person} == set(Modality)
    forms = full_forms(person)
    assert repeat_warnings(SCORERS, load_person_calibration(), person, forms) == ()
    for modality in (Modality.FINGERPRINT, Modality.IRIS):
        its = [n for n, t in enumerate(person) if modality_of(t) is modality]
        extractors = [extractor_of(person[n]) for n in its]
        assert not may_repeat(modality, SCORERS[modality], extractors, [forms[n] for n in its])


@pytest.mark.parametrize("modality", [Modality.FINGERPRINT, Modality.IRIS, Modality.FACE])
def test_what_repeats_is_told_as_the_whole_person_tells_it(
    person: list[Template], modality: Modality
) -> None:
    again = next(t for t in person if modality_of(t) is modality)
    if isinstance(again, FingerprintTemplate):
        again = replace(again, position=FingerPosition.LEFT_LITTLE)
    elif isinstance(again, IrisTemplate):
        again = replace(again, position=EyePosition(3 - again.position))
    templates = [*person, again]
    fingers = load_person_calibration()
    found = repeat_warnings(SCORERS, fingers, templates, full_forms(templates))
    assert found == PersonProbe(SCORERS, fingers, templates, Side.CANDIDATE).warnings
    assert found[0].modality is modality
    assert found[0].kind is WarningKind.SAME_IMPRESSION_TWICE


def test_prints_among_each_other_score_as_one_by_one(person: list[Template]) -> None:
    prints = [resident(t) for t in fingers_of(person)]
    prints.append(prints[0])
    offsets = np.concatenate([[0], np.cumsum([len(words) for words in prints])]).astype(np.int64)
    both = np.stack(
        [score_many(FingerprintProbe(words), np.concatenate(prints), offsets) for words in prints]
    )
    np.testing.assert_array_equal(score_among(prints, 0.0, 0.0), np.minimum(both, both.T))
    # With limits that nothing reaches but what is the same, the first direction is enough.
    limited = score_among(prints, 0.9, float(both.max()))
    np.testing.assert_array_equal(np.diag(limited), np.diag(both))
    assert limited[0, 1] == both[0, 1]
    assert limited[0, 2] == min(both[0, 2], both[2, 0])


def test_eyes_among_each_other_score_as_one_by_one(person: list[Template]) -> None:
    eyes = [resident_eye(t) for t in eyes_of(person)]
    offsets = np.arange(0, (len(eyes) + 1) * len(eyes[0]), len(eyes[0]), dtype=np.int64)
    both = np.stack([score_many_eyes(IrisProbe(words), np.concatenate(eyes), offsets) for words in eyes])
    np.testing.assert_array_equal(score_eyes_among(eyes), both)
    np.testing.assert_array_equal(both, both.T)


def test_prints_are_admitted_as_they_are_described_and_expanded(person: list[Template]) -> None:
    prints = fingers_of(person)
    for template, (descriptor, words) in zip(prints, admit([packed(t) for t in prints]), strict=True):
        expected = describe(template)
        for name in ("lists", "codes", "places"):
            np.testing.assert_array_equal(getattr(descriptor, name), getattr(expected, name))
            assert not getattr(descriptor, name).flags.writeable
        np.testing.assert_array_equal(words, resident(template))


def test_damaged_words_are_refused(person: list[Template]) -> None:
    damaged = packed(fingers_of(person)[0])[:-1].copy()
    with pytest.raises(TemplateCorruptError):
        admit([damaged])
    with pytest.raises(TemplateCorruptError):
        score_among([damaged], 0.0, 0.0)
    with pytest.raises(TemplateCorruptError):
        score_eyes_among([damaged])
