"""Irises in an evaluation: the extractor and the scorer that the engine uses, or the search code alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from matcher.errors import ArgumentError
from matcher.evaluate.modality import F32, I64, U64, Gallery
from matcher.score.calibration import Calibration

EXTRACTORS = ("numba",)
"""Extractors of irises, as `--extractor` names them."""


class IrisCode(StrEnum):
    """Which of a template's two codes is compared."""

    FULL = "full"
    """The one that scores are made of."""
    SEARCH = "search"
    """The shorter one that searches read first; it has its own calibration."""


@dataclass(frozen=True, slots=True)
class IrisModality:
    """Irises, by the extractor and the scorer that the engine uses."""

    extractor: str = "numba"
    code: IrisCode = IrisCode.FULL
    name: str = field(default="iris", init=False)

    @property
    def extractor_id(self) -> str:
        """Extractor as templates name it."""
        from matcher.iris.parameters import EXTRACTOR_ID

        return EXTRACTOR_ID

    def warm(self) -> None:
        """Compile the kernels."""
        from matcher.iris.warm import warm

        warm()

    def read(self, path: Path) -> Any:
        """Return the picture of an eye in a file, uint8 (H, W), never resampled."""
        from matcher.formats.eyes import read_eye
        from matcher.image.load import load_bytes

        return read_eye(load_bytes(path))[0]

    def extract(self, image: Any) -> Any:
        """Return the template of a picture. Its eye is unknown: every pair of eyes is compared."""
        from matcher.iris.extract import extract

        return extract(image)

    def stored_bytes(self, template: Any) -> int:
        """Return the size of the stored form."""
        from matcher.template.iris_codec import encode_iris

        return len(encode_iris(template))

    def resident(self, template: Any) -> U64:
        """Return the form that candidates have in memory: both codes, or the search record alone."""
        from matcher.score.iris_record import SEARCH_WORDS, resident

        words: U64 = resident(template)
        return words if self.code is IrisCode.FULL else words[:SEARCH_WORDS]

    def scorer(self, template: Any) -> Callable[[Gallery, I64, int], F32]:
        """Return the prepared probe."""
        from matcher.score.iris import IrisProbe, score_many, search_score_many
        from matcher.score.iris_record import SEARCH_WORDS

        probe = IrisProbe(template)

        def full(gallery: Gallery, rows: I64, threads: int) -> F32:
            return score_many(probe, gallery.words, gallery.offsets, rows=rows, threads=threads)

        def search(gallery: Gallery, rows: I64, threads: int) -> F32:
            # Failures have no record: places, not numbers of images, are the rows.
            records = gallery.words.reshape(-1, SEARCH_WORDS)
            return search_score_many(
                probe, records, rows=gallery.offsets[rows] // SEARCH_WORDS, threads=threads
            )

        return full if self.code is IrisCode.FULL else search

    def calibration(self) -> Calibration:
        """Return the calibration of the code that is compared."""
        from matcher.score.calibration import load_calibration
        from matcher.score.iris_scorer import search_calibration

        if self.code is IrisCode.SEARCH:
            return search_calibration(self.extractor_id)
        return load_calibration(self.extractor_id, self.extractor_id)


def iris_modality(extractor: str, code: str) -> IrisModality:
    """Return the modality with an extractor and a code.

    Raises
    ------
    ArgumentError
        If either is unknown.
    """
    if extractor not in EXTRACTORS:
        raise ArgumentError(f"Extractor: expected one of {', '.join(EXTRACTORS)} for irises.")
    if code not in list(IrisCode):
        raise ArgumentError(f"--code: expected one of {', '.join(IrisCode)}.")
    return IrisModality(extractor, IrisCode(code))
