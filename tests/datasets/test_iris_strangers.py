"""Synthetic strangers score as real ones do: what the calibration of real eyes promises holds for them."""

from __future__ import annotations

import numpy as np

from matcher.datasets.iris_synthesis import draw_eye, generate_eye
from matcher.demo.synthetic import EYE_DIFFICULTY, EYE_HEIGHT, EYE_WIDTH
from matcher.iris.extract import extract
from matcher.iris.parameters import EXTRACTOR_ID
from matcher.score.iris import IrisProbe, score_many
from matcher.score.iris_record import resident
from matcher.score.iris_scorer import IrisScorer

FIRST_SEED = 60_000


def test_strangers_score_as_the_calibration_promises(full_size: bool) -> None:
    """Once they scored 20 four times, 10 more than twice as often as they should."""
    eyes, level, within = (160, 20.0, 1.8) if full_size else (32, 10.0, 1.6)
    forms = []
    for seed in range(FIRST_SEED, FIRST_SEED + eyes):
        pixels, _ = draw_eye(
            generate_eye(seed), 1, difficulty=EYE_DIFFICULTY, height=EYE_HEIGHT, width=EYE_WIDTH
        )
        forms.append(resident(extract(pixels)))
    words = np.concatenate(forms)
    offsets = np.arange(len(forms) + 1) * len(forms[0])
    raw = np.concatenate(
        [
            score_many(IrisProbe(form), words, offsets, rows=np.arange(place + 1, len(forms)))
            for place, form in enumerate(forms)
        ]
    )
    values, _ = IrisScorer().calibration(EXTRACTOR_ID, EXTRACTOR_ID).scores(raw)
    expected = len(values) * 10 ** (-level / 10)
    assert expected > 40
    assert expected / within < (values >= level).sum() < expected * within
