"""A probe of several fingers, ready to be compared with one person or with everybody."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matcher.gallery.compare import compare_pairs, probes_of
from matcher.gallery.memory import Memory, Place
from matcher.gallery.search import Probe, Scorer, prepare
from matcher.person import MatchWarning, Side
from matcher.score.fusion_person import PersonScore, fuse, misplaced
from matcher.score.fusion_repeats import Repeats, compare_samples, find_repeats
from matcher.score.person import PersonCalibration
from matcher.types import U64, FingerprintTemplate


class PersonProbe:
    """The samples of one person, prepared, and which of them show one finger.

    Parameters
    ----------
    scorer : Scorer
    calibration : PersonCalibration
    templates : sequence of FingerprintTemplate
        At least one.
    side : Side
        Whose samples these are, for warnings.

    Raises
    ------
    CalibrationMissingError
        If two of them cannot be compared.
    """

    def __init__(
        self,
        scorer: Scorer,
        calibration: PersonCalibration,
        templates: Sequence[FingerprintTemplate],
        side: Side = Side.PROBE,
    ) -> None:
        self._scorer = scorer
        self._calibration = calibration
        self.probes: list[Probe] = prepare(scorer, templates)
        self.repeats: Repeats = repeats_of(scorer, self.probes, [scorer.resident(t) for t in templates], side)

    def against(
        self, memory: Memory, places: Sequence[Place], *, across: bool
    ) -> tuple[PersonScore, tuple[MatchWarning, ...]]:
        """Compare with one subject.

        Parameters
        ----------
        memory : Memory
        places : sequence of Place
            Where the subject's samples are.
        across : bool
            Whether to look for wrong positions and repeated samples of the subject too.

        Raises
        ------
        CalibrationMissingError
            If the subject has templates that the probe has no calibration with.
        """
        table = compare_pairs(self._scorer, memory, places, self.probes, across=across)
        person = fuse(table, self.repeats, self._calibration)
        if not across:
            return person, ()
        its = probes_of(self._scorer, memory, places)
        words: list[U64] = [
            np.asarray(block.words[block.offsets[row] : block.offsets[row + 1]]) for block, row in places
        ]
        return person, misplaced(table) + repeats_of(self._scorer, its, words, Side.CANDIDATE).warnings


def repeats_of(scorer: Scorer, probes: Sequence[Probe], residents: Sequence[U64], side: Side) -> Repeats:
    """Return which samples of one person repeat each other."""
    value, share = compare_samples(scorer, probes, residents)
    return find_repeats([probe.position for probe in probes], value, share, side)
