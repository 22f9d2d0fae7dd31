"""Several comparisons of one person to one score.

For now the best comparison counts, and pays for having been chosen: the best of H comparisons is falsely high
up to H times as often as one (Bonferroni), so 10 log10(H) is taken off. The claim FMR <= 10^(-score/10) then
holds whatever the correlation between fingers. LIMITATIONS: what the other fingers add is lost; fusion of
likelihood ratios takes this function's place.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]


def best_comparison(best: F64, hypotheses: npt.NDArray[np.integer[Any]]) -> F64:
    """Return the score of each subject from its best comparison.

    Parameters
    ----------
    best : float64 array (S,)
        Highest calibrated score among the subject's comparisons; ignored where there was none.
    hypotheses : integer array (S,)
        How many comparisons it is the highest of.

    Returns
    -------
    float64 array (S,)
        -10 log10(FMR), at least 0 (FMR 1); 0 where there was no comparison.
    """
    tried = hypotheses > 0
    paid = np.where(tried, best, 0.0) - 10.0 * np.log10(np.where(tried, hypotheses, 1))
    return np.maximum(paid, 0.0)
