"""An evaluation's rates by an attribute, at a threshold that the calibration names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from matcher.datasets.protocol import identity_codes
from matcher.evaluate.attributes import attribute_of
from matcher.evaluate.fairness import fairness_report
from matcher.evaluate.modality import Modality
from matcher.evaluate.run import Evaluation
from matcher.score.decision import threshold_for_fmr


def fairness_of(result: Evaluation, kind: Modality, column: str, path: Path, fmr: float) -> dict[str, Any]:
    """Return rates by a column of a table of attributes.

    Parameters
    ----------
    result : Evaluation
    kind : Modality
        Whose calibration says the threshold: it is not taken from the data that are judged.
    column : str
    path : Path
        CSV; see `matcher.evaluate.attributes.attribute_of`.
    fmr : float
        Rate that the threshold is asked for as.

    Raises
    ------
    ArgumentError
        If the table does not fit the data set.
    CalibrationMissingError
        If there is no calibration.
    """
    groups = attribute_of(result.dataset, path, column)
    threshold = kind.calibration().raw_at(threshold_for_fmr(fmr))
    codes = identity_codes(result.dataset).astype(np.int64)
    found = fairness_report(groups, codes, result.extractions.failed, result.comparisons, threshold)
    return {"attribute": column, "fmr": fmr, **found}
