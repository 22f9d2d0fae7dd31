"""What an evaluation needs of a modality; one class each, so that faces and irises join the same spine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from matcher.errors import ArgumentError
from matcher.score.calibration import Calibration

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """Resident forms of n templates, packed: candidate i is `words[offsets[i]:offsets[i + 1]]`."""

    words: U64
    offsets: I64

    @classmethod
    def of(cls, residents: list[U64]) -> Gallery:
        """Pack resident forms one after the other."""
        offsets = np.concatenate([[0], np.cumsum([len(r) for r in residents])]).astype(np.int64)
        words = np.concatenate(residents) if residents else np.empty(0, dtype=np.uint64)
        return cls(words, offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1


class Modality(Protocol):
    """Extraction and scoring of one kind of sample. Must pickle: it travels to worker processes."""

    @property
    def name(self) -> str:
        """Modality: "fingerprint" ..."""

    @property
    def extractor(self) -> str:
        """Extractor as `--extractor` names it."""

    @property
    def extractor_id(self) -> str:
        """Extractor as templates name it; chooses the calibration."""

    def warm(self) -> None:
        """Compile what extraction needs, so that no timing includes it."""

    def read(self, path: Path) -> Any:
        """Return the image in a file."""

    def extract(self, image: Any) -> Any:
        """Return the template of an image; FailureToExtractError where there is none."""

    def stored_bytes(self, template: Any) -> int:
        """Return the size of the stored form."""

    def resident(self, template: Any) -> U64:
        """Return the form that candidates have in memory, uint64 (w,)."""

    def scorer(self, template: Any) -> Callable[[Gallery, I64, int], F32]:
        """Return the prepared probe: (gallery, rows (r,), threads) to raw scores (r,)."""

    def calibration(self) -> Calibration:
        """Return the calibration of this extractor with itself; CalibrationMissingError without one."""


@dataclass(frozen=True, slots=True)
class FingerprintModality:
    """Fingerprints, by the extractor and the scorer that the engine uses."""

    extractor: str = "numba"
    extractor_id: str = "numba/1"
    name: str = field(default="fingerprint", init=False)

    def warm(self) -> None:
        """Compile the kernels, load the model."""
        from matcher.fingerprint.warm import warm

        warm(self.extractor)

    def read(self, path: Path) -> Any:
        """Return the image in a file, at 500 ppi."""
        from matcher.image.read import read_image

        return read_image(path)

    def extract(self, image: Any) -> Any:
        """Return the template of an image."""
        from matcher.fingerprint.extractors import find_extractor

        return find_extractor(self.extractor).load()(image)

    def stored_bytes(self, template: Any) -> int:
        """Return the size of the stored form."""
        from matcher.template.codec import encode_template

        return len(encode_template(template))

    def resident(self, template: Any) -> U64:
        """Return the form that candidates have in memory."""
        from matcher.fingerprint.resident import resident

        words: U64 = resident(template)
        return words

    def scorer(self, template: Any) -> Callable[[Gallery, I64, int], F32]:
        """Return the prepared probe."""
        from matcher.score.fingerprint import FingerprintProbe, score_many

        probe = FingerprintProbe(template)

        def score(gallery: Gallery, rows: I64, threads: int) -> F32:
            scores: F32 = score_many(probe, gallery.words, gallery.offsets, rows=rows, threads=threads)
            return scores

        return score

    def calibration(self) -> Calibration:
        """Return the calibration of this extractor with itself."""
        from matcher.score.calibration import load_calibration

        return load_calibration(self.extractor_id, self.extractor_id)


MODALITIES = ("fingerprint", "iris", "face")
"""Names that the command knows."""

FULL_CODE = "full"
"""What is compared where nobody asks for less."""


def modality(name: str, extractor: str, code: str = FULL_CODE, model: str | None = None) -> Modality:
    """Return the modality `name` with `extractor`.

    Parameters
    ----------
    name, extractor : str
    code : str
        Of irises: "full", or "search" for the code that searches read first.
    model : str, optional
        Of faces: name of a shipped manifest or path of one.

    Raises
    ------
    ArgumentError
        If one of them is unknown.
    ModelError
        If the model is not at hand.
    """
    if model is not None and name != "face":
        raise ArgumentError(f"--model: only faces have several, not {name}.")
    if name == "iris":
        from matcher.evaluate.modality_iris import iris_modality

        return iris_modality(extractor, code)
    if name not in MODALITIES:
        raise ArgumentError(f'Modality: "{name}" is unknown.', hint=f"There are {', '.join(MODALITIES)}.")
    if code != FULL_CODE:
        raise ArgumentError(f"--code: only irises have several, not {name}.")
    if name == "face":
        from matcher.evaluate.modality_face import face_modality

        return face_modality(extractor, model)
    from matcher.fingerprint.extractors import find_extractor

    chosen = find_extractor(extractor)
    return FingerprintModality(chosen.name, chosen.id)
