"""One probe against one subject in full: what each finger gave, each sample once, labels that look wrong."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest

from matcher.gallery.compare import PairTable
from matcher.gallery.search import Characteristic
from matcher.person import PartUse, Side, WarningKind
from matcher.score.fusion_person import NOT_COMPARED, PersonScore, fuse_fingers
from matcher.score.fusion_person import fuse as fuse_person
from matcher.score.fusion_person import misplaced as misplaced_of
from matcher.score.fusion_repeats import Repeats
from matcher.score.fusion_repeats import find_repeats as find_repeats_of
from matcher.score.person import PersonCalibration, load_person_calibration
from matcher.score.units import unit_calibration
from matcher.types import Modality

CALIBRATION = load_person_calibration()


def fuse(table: PairTable, repeats: Repeats, calibration: PersonCalibration) -> PersonScore:
    """A person of whom only fingers are compared."""
    return fuse_person([fuse_fingers(table, repeats, calibration)], unit_calibration())


misplaced = partial(misplaced_of, Modality.FINGERPRINT)
find_repeats = partial(find_repeats_of, Modality.FINGERPRINT)


def table(mine: Sequence[int], its: Sequence[int], values: object, *, across: bool = False) -> PairTable:
    probe, position = np.array(mine, np.uint8), np.array(its, np.uint8)
    value = np.array(values, np.float64).reshape(len(mine), len(its))
    known = (probe[:, None] != 0) & (position[None, :] != 0)
    comparable = ~known | (probe[:, None] == position[None, :])
    compared = np.ones_like(comparable) if across else comparable
    value = np.where(compared, value, 0.0)
    source = np.zeros(value.shape, np.int64)
    return PairTable(probe, position, compared, comparable, value, 2 * value, value > 38, source, ("c-1",))


def alone(count: int) -> Repeats:
    return Repeats(tuple(Characteristic((i,)) for i in range(count)), {}, ())


def test_missing_fingers_contribute_nothing() -> None:
    one = fuse(table([2], [2], [30.0]), alone(1), CALIBRATION)
    both = fuse(table([2, 7], [2, 3], [[30.0, 99.0], [99.0, 99.0]]), alone(2), CALIBRATION)
    assert both.score == one.score
    assert (one.score.value, one.score.raw, one.score.calibration) == (30.0, 60.0, "c-1")
    assert [p.use for p in both.parts] == [PartUse.USED, PartUse.NOT_ENROLLED]
    assert (both.parts[1].probe_position, both.parts[1].score, both.parts[1].comparisons) == (7, 0.0, 0)
    assert both.comparisons == 1


def test_nothing_compared_is_no_evidence() -> None:
    person = fuse(table([2], [3], [99.0]), alone(1), CALIBRATION)
    assert (person.score.value, person.score.calibration, person.comparisons) == (0.0, NOT_COMPARED, 0)


def test_two_fingers_are_fused_and_their_parts_add_up() -> None:
    person = fuse(table([2, 7], [2, 7], [[30.0, 0], [0, 25.0]]), alone(2), CALIBRATION)
    assert 30.0 < person.score.value <= 55.0
    assert (person.score.calibration, person.score.raw) == (CALIBRATION.id, 60.0)
    assert [(p.score, p.comparisons) for p in person.parts] == [(30.0, 1), (25.0, 1)]
    ratios = CALIBRATION.evidence.log_likelihood_ratio(np.array([30.0, 25.0]))
    assert [p.log_likelihood_ratio for p in person.parts] == pytest.approx(ratios.tolist())
    assert not person.score.extrapolated
    far = fuse(table([2, 7], [2, 7], [[90.0, 0], [0, 90.0]]), alone(2), CALIBRATION)
    assert far.score.extrapolated


def test_several_impressions_are_used() -> None:
    group = Repeats((Characteristic((0, 1)),), {}, ())
    fair = fuse(table([2, 2], [2, 2], np.full((2, 2), 30.0)), group, CALIBRATION)
    single = fuse(table([2], [2], [30.0]), alone(1), CALIBRATION)
    assert fair.score.value > single.score.value
    assert fair.parts[0].comparisons == 4


def test_a_sample_of_unknown_position_serves_one_finger() -> None:
    # Both fingers of the probe find the first sample; the second is nobody's.
    person = fuse(table([0, 0], [0, 0], [[60.0, 2.0], [50.0, 3.0]]), alone(2), CALIBRATION)
    paid = 10 * np.log10(2)
    assert [p.score for p in person.parts] == pytest.approx([60.0 - paid, max(3.0 - paid, 0.0)])
    only = fuse(table([0, 0], [0], [[60.0], [50.0]]), alone(2), CALIBRATION)
    assert [p.use for p in only.parts] == [PartUse.USED, PartUse.SAMPLE_TAKEN]
    assert only.score.value <= 60.0
    # Where each has its own sample, nothing changes.
    own = fuse(table([0, 0], [0, 0], [[60.0, 2.0], [3.0, 50.0]]), alone(2), CALIBRATION)
    assert [p.score for p in own.parts] == pytest.approx([60.0 - paid, 50.0 - paid])
    assert own.score.value > person.score.value


def test_a_swapped_hand_is_told() -> None:
    values = [[0.0, 60.0], [55.0, 1.0]]
    warnings = misplaced(table([2, 7], [2, 7], values, across=True))
    assert [(w.kind, w.side, w.first, w.second) for w in warnings] == [
        (WarningKind.WRONG_POSITION_SUSPECTED, Side.BOTH, 2, 7),
        (WarningKind.WRONG_POSITION_SUSPECTED, Side.BOTH, 7, 2),
    ]
    assert warnings[0].score == pytest.approx(60 - 10 * np.log10(4))


def test_one_wrong_label_is_told_though_the_right_finger_is_not_there() -> None:
    warnings = misplaced(table([2, 3], [2, 4], [[70.0, 0.0], [0.0, 65.0]], across=True))
    assert [(w.first, w.second) for w in warnings] == [(3, 4)]


@pytest.mark.parametrize(
    "values",
    [
        [[60.0, 0.0], [0.0, 60.0]],  # as the labels say
        [[60.0, 70.0], [70.0, 60.0]],  # both ways, hardly better
        [[0.0, 30.0], [30.0, 0.0]],  # too weak to say
        [[0.0, 0.0], [0.0, 0.0]],
    ],
)
def test_labels_that_may_be_right_are_not_doubted(values: list[list[float]]) -> None:
    assert misplaced(table([2, 7], [2, 7], values, across=True)) == ()


def test_unknown_positions_cannot_be_wrong() -> None:
    assert misplaced(table([0, 2], [2, 0], np.full((2, 2), 90.0), across=True)) == ()


def repeats(positions: list[int], alike: dict[tuple[int, int], tuple[float, float]]) -> Repeats:
    n = len(positions)
    value, share = np.zeros((n, n)), np.eye(n)
    for (i, j), (v, s) in alike.items():
        value[i, j] = value[j, i] = v
        share[i, j] = share[j, i] = s
    return find_repeats(positions, value, share, Side.PROBE)


def test_samples_are_grouped_by_position() -> None:
    found = repeats([2, 7, 2, 0, 0], {})
    assert [f.members for f in found.characteristics] == [(0, 2), (1,), (3,), (4,)]
    assert not any(f.choice for f in found.characteristics)
    assert (found.warnings, found.stands_for) == ((), {})


def test_one_impression_under_two_positions_is_one_finger_and_told() -> None:
    found = repeats([2, 3], {(0, 1): (500.0, 0.97)})
    assert found.characteristics == (Characteristic((0, 1), choice=True),)
    assert found.stands_for == {1: 0}
    [warning] = found.warnings
    assert (warning.kind, warning.first, warning.second) == (WarningKind.SAME_IMPRESSION_TWICE, 2, 3)


def test_one_finger_under_two_positions_is_one_finger_and_told() -> None:
    found = repeats([2, 3], {(0, 1): (80.0, 0.4)})
    assert found.characteristics == (Characteristic((0, 1), choice=True),)
    assert [w.kind for w in found.warnings] == [WarningKind.SAME_FINGER_TWICE]
    assert not repeats([2, 3], {(0, 1): (45.0, 0.2)}).warnings


def test_the_same_impression_sent_twice_counts_once() -> None:
    found = repeats([2, 2], {(0, 1): (500.0, 1.0)})
    assert found.characteristics == (Characteristic((0,)),)
    assert [w.kind for w in found.warnings] == [WarningKind.SAME_IMPRESSION_TWICE]
    # The one of known position stays.
    assert [f.members for f in repeats([0, 2], {(0, 1): (500.0, 1.0)}).characteristics] == [(1,)]
    three = repeats([2, 2, 2], dict.fromkeys([(0, 1), (0, 2), (1, 2)], (500.0, 1.0)))
    assert [f.members for f in three.characteristics] == [(0,)]


def test_impressions_of_one_finger_are_no_repetition() -> None:
    found = repeats([2, 2, 0], {(0, 1): (90.0, 0.5), (1, 2): (90.0, 0.5)})
    assert [f.members for f in found.characteristics] == [(0, 1, 2)]
    assert found.warnings == ()


def test_what_is_counted_once_has_a_part_that_says_so() -> None:
    found = repeats([2, 3], {(0, 1): (500.0, 0.97)})
    person = fuse(table([2, 3], [2, 3], [[50.0, 0], [0, 60.0]]), found, CALIBRATION)
    assert [p.use for p in person.parts] == [PartUse.USED, PartUse.COUNTED_ONCE]
    # One finger, two hypotheses: no more than the better of the two.
    assert person.score.value == pytest.approx(60.0 - 10 * np.log10(2))
