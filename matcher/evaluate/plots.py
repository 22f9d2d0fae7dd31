"""The pictures of an evaluation, and the page that holds them all. They show rates, never samples."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from matcher.errors import ArgumentError
from matcher.evaluate.html_page import Picture, page
from matcher.evaluate.plots_curves import draw_det, draw_roc, error_curve
from matcher.evaluate.plots_scores import draw_discard, draw_scores
from matcher.evaluate.run import Evaluation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE_NAME = "report.html"
"""The page beside the pictures; it holds them itself and can be sent alone."""

_DPI = 130
"""Resolution of the pictures: 7 inches are 910 px, sharp on a phone and on paper at half a page."""


def write_plots(folder: Path, evaluation: Evaluation) -> list[Path]:
    """Write `det.png`, `roc.png`, `scores.png`, `discard.png` and `report.html`; return their paths.

    `discard.png` is left out where the set is too small for an FMR of 1e-3 or templates have no quality.

    Parameters
    ----------
    folder : Path
        Made where missing.
    evaluation : Evaluation

    Raises
    ------
    ArgumentError
        If a file cannot be written.
    """
    pictures = draw_all(evaluation)
    files = {picture.name: picture.png for picture in pictures}
    files[PAGE_NAME] = page(evaluation.report, pictures).encode()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
    except OSError as error:
        raise ArgumentError(
            f"Cannot write the pictures: {error.strerror}.", hint="Give --plots another folder."
        ) from error
    return [folder / name for name in files]


def draw_all(evaluation: Evaluation) -> list[Picture]:
    """Return the pictures in the order of the page."""
    curve = error_curve(evaluation)
    band = "The band is a 95 % interval by a bootstrap over persons, fingers or eyes, at each FMR by itself."
    pictures = [
        Picture(
            "det.png",
            "Error rates (DET)",
            "False non-matches against false matches as the threshold moves, both axes by normal deviates; "
            f"nearer to the lower left is better. {band}",
            _png(draw_det(curve, evaluation)),
        ),
        Picture(
            "roc.png",
            "Accepted mates (ROC)",
            f"Share of mated comparisons accepted against the false match rate. {band}",
            _png(draw_roc(curve, evaluation)),
        ),
        Picture(
            "scores.png",
            "Scores",
            "How the scores of mated and non-mated comparisons spread, each kind's bars adding up to one; "
            "dashed lines are thresholds and the false match rates they promise; scores above 100 share the "
            "last bar.",
            _png(draw_scores(evaluation)),
        ),
    ]
    discard = draw_discard(evaluation)
    if discard is not None:
        pictures.append(
            Picture(
                "discard.png",
                "Quality, and error versus discard",
                "How the images are graded, and FNMR at the threshold of FMR 1e-3 if the worst of them were "
                "not used. A steep fall means that quality knows which images will fail.",
                _png(discard),
            )
        )
    return pictures


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=_DPI)
    return file.getvalue()
