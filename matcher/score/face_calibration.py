"""The calibration of a face model: a file of its own, shipped for the default, the user's for others."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources
from pathlib import Path

from matcher.errors import ArgumentError, CalibrationMissingError
from matcher.face.types import MODEL_ID_LENGTH
from matcher.kernel_cache import user_cache
from matcher.score.calibration import Calibration
from matcher.score.face import SCORER_ID
from matcher.score.face_stated import Stated, stated_calibration

ID_DIGITS = 16
"""Digits of a model's id in names: of files and of pairings."""

MAX_BYTES = 1 << 22
"""Largest calibration file that is read."""

MODEL = "model"
"""Entry of a calibration's provenance that holds the whole id of its model."""


def pairing_name(model_id: str) -> str:
    """Return what a calibration calls a model."""
    return f"face-{model_id[:ID_DIGITS]}"


def own_folder() -> Path:
    """Return the folder of the user's own calibrations, beside the fetched models."""
    return user_cache() / "calibrations"


@lru_cache(maxsize=16)
def load_face_calibration(model_id: str, stated: Stated = ()) -> Calibration:
    """Return the calibration of a face model, the user's own before the shipped one.

    Parameters
    ----------
    model_id : str
        As templates carry it.
    stated : tuple of (rate, cosine)
        What the model's owner states (`Manifest.stated`): of use where there is no calibration.

    Raises
    ------
    CalibrationMissingError
        If there is none: its scores cannot be told as rates.
    ArgumentError
        If the file is no calibration of this model and score.
    """
    name = f"{pairing_name(model_id)}.json"
    text = _read(own_folder() / name)
    shipped = resources.files("matcher.score") / "data" / name
    if text is None and len(model_id) == MODEL_ID_LENGTH and model_id.isalnum() and shipped.is_file():
        text = shipped.read_text(encoding="utf-8")
    if text is None and stated:
        return stated_calibration(model_id, pairing_name(model_id), stated)
    if text is None:
        raise CalibrationMissingError(
            f"No calibration for the face model {model_id[:ID_DIGITS]}.",
            hint="Make one from faces of your own with tools/fit_face_calibration.py; only `matcher compare "
            "--model` decides by thresholds that a manifest states.",
        )
    try:
        content = json.loads(text)
        calibration = Calibration.from_json(content if isinstance(content, dict) else {})
    except ValueError as error:
        raise ArgumentError(f"The calibration {name} cannot be read: {error}") from None
    if calibration.provenance.get(MODEL) != model_id or calibration.scorer != SCORER_ID:
        raise ArgumentError(f"The calibration {name} is for another model or score.")
    return calibration


def _read(path: Path) -> str | None:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ArgumentError(f"The calibration {path.name} is larger than {MAX_BYTES} bytes.")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ArgumentError(f"The calibration {path.name} cannot be read: {error.strerror}.") from None
