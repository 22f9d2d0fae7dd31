"""Parts of a comparison and warnings over the wire: as the engine gave them."""

from __future__ import annotations

from types import ModuleType

import pytest

from matcher.client import Client
from matcher.engine import Engine
from matcher.face.types import FacePosition
from matcher.iris.types import EyePosition
from matcher.person import MatchWarning, PartUse, PersonPart, Side, WarningKind
from matcher.service.convert import (
    part_from_message,
    part_to_message,
    warning_from_message,
    warning_to_message,
)
from matcher.template.modality import modality_of_position
from matcher.types import FingerPosition


def test_parts_and_warnings_arrive_as_the_engine_gave_them(
    engine: Engine, client: Client, fakes: ModuleType
) -> None:
    one, two, three = FingerPosition.RIGHT_INDEX, FingerPosition.LEFT_INDEX, FingerPosition.LEFT_RING
    samples = [fakes.image(1, 0, one), fakes.image(2, 0, two), fakes.image(2, 0, three)]
    enrolled = client.enroll(samples, subject_id="alice")
    assert [w.kind for w in enrolled.warnings] == [WarningKind.SAME_IMPRESSION_TWICE]
    probe = [fakes.image(2, 1, one), fakes.image(1, 1, two), fakes.image(1, 1, three)]
    answer, here = client.verify("alice", probe), engine.verify("alice", probe)
    assert (answer.parts, answer.warnings) == (here.parts, here.warnings)
    assert {w.side for w in answer.warnings} == set(Side)
    assert {p.use for p in answer.parts} == {PartUse.USED, PartUse.COUNTED_ONCE}
    found, known = client.identify(probe, threshold=0), engine.identify(probe, threshold=0)
    assert found.warnings == known.warnings != ()
    (candidate,), (expected,) = found.candidates, known.candidates
    assert (candidate.parts, candidate.warnings) == (expected.parts, expected.warnings)


@pytest.mark.parametrize("use", PartUse)
@pytest.mark.parametrize("kind", WarningKind)
@pytest.mark.parametrize("side", Side)
def test_every_reason_code_has_a_message(use: PartUse, kind: WarningKind, side: Side) -> None:
    for one, two in (
        (FingerPosition.RIGHT_THUMB, FingerPosition.UNKNOWN),
        (EyePosition.LEFT, EyePosition.UNKNOWN),
        (FacePosition.FACE, FacePosition.FACE),
    ):
        modality = modality_of_position(one)
        part = PersonPart(modality, one, two, use, 1.5, -2.5, 3)
        assert part_from_message(part_to_message(part)) == part
        warning = MatchWarning(modality, kind, side, two, one, 40.5)
        assert warning_from_message(warning_to_message(warning)) == warning
