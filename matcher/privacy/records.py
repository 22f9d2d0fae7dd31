"""Templates of a subject as one record in the clear, on the enrolment side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from matcher.errors import ArgumentError
from matcher.face.types import FaceTemplate
from matcher.iris.types import FULL_BITS, SEARCH_BITS, EyePosition, IrisTemplate
from matcher.privacy.client import Record
from matcher.privacy.encode import IrisForm, encoded_face, encoded_iris
from matcher.privacy.layout import Layout
from matcher.privacy.rule import Rule, fitted_rule, rule_for
from matcher.score.calibration import load_calibration, threshold_for_fmr

PRIVATE = {False: "/private", True: "/private-pairs"}
"""What follows the extractor's id in calibrations of the search code's private score, by whether a mask
number stands for two bits (`tools/recalibrate_private.py`)."""

TYPICAL_SHARE = 0.41
"""Share of the full code's bits that is valid in two codes of the shipped extractor, median over MMU2's pairs
(CASIA1's: 0.45): there the rule touches the plain score."""

_EYES = {EyePosition.RIGHT: "right", EyePosition.LEFT: "left"}


def iris_rule(extractor: str, fmr: float, form: IrisForm) -> Rule:
    """Return the rule of a false match rate: the search code's by the calibration of its private score, the
    full code's such that it accepts nothing that the plain calibration's threshold refuses.

    Raises
    ------
    ArgumentError
        If templates have no code of the form's length.
    CalibrationMissingError
        If the extractor has no calibration for it.
    """
    score = threshold_for_fmr(fmr)
    if form.bits == SEARCH_BITS:
        name = extractor + PRIVATE[form.pairs]
        return fitted_rule(load_calibration(name, name).raw_at(score), form.bits)
    if form.bits != FULL_BITS:
        raise ArgumentError(f"Layout: templates have no code of {form.bits} bits.")
    return rule_for(load_calibration(extractor, extractor).raw_at(score), form.bits, TYPICAL_SHARE)


def layout_for(
    extractor: str, fmr: float, form: IrisForm | None = None, *, face: int = 0, least: int = 0
) -> Layout:
    """Return a layout whose rule stands for a false match rate of one comparison of eyes (`iris_rule`).

    Parameters
    ----------
    extractor : str
        Whose irises these are, as templates name it.
    fmr : float
        Above 0 and at most 1.
    form : IrisForm, optional
    face, least : int
        Values of a face and the least inner product, 0 for none.

    Raises
    ------
    CalibrationMissingError
        If the extractor has none for this code.
    """
    form = IrisForm() if form is None else form
    rule = iris_rule(extractor, fmr, form)
    return Layout(form, rule, face=face, least=least)


def record_of(templates: Sequence[IrisTemplate | FaceTemplate], layout: Layout) -> Record:
    """Return the record of a subject's templates: at most one of each part.

    Raises
    ------
    ArgumentError
        If an eye's position is unknown, or a part is there twice or not in the layout.
    TooFewBitsError
        If an eye could match nobody.
    """
    record: Record = {}
    for template in templates:
        if isinstance(template, FaceTemplate):
            part, arrays = "face", {"face": encoded_face(template)}
        else:
            if template.position not in _EYES:
                raise ArgumentError("Iris: expected its position.", hint="Say whether it is right or left.")
            part = _EYES[template.position]
            found = encoded_iris(template, layout.form, layout.rule.minimum)
            arrays = {f"{part}.code": found.code, f"{part}.mask": found.mask}  # type: ignore[dict-item]
        if part not in layout.parts or record.keys() & arrays.keys():
            raise ArgumentError(f"Record: expected at most one of {', '.join(layout.parts)}, got {part}.")
        record.update(arrays)
    if not record:
        raise ArgumentError("Record: expected at least one template.")
    return record


def parts_of(record: Record) -> list[str]:
    """Return which parts a record has."""
    return sorted({name.split(".")[0] for name in record})


def load_layout(path: Path) -> Layout:
    """Read a layout file; ArgumentError where it cannot be read, ShareCorruptError where it is none."""
    try:
        return Layout.from_json(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ArgumentError(f"Cannot read {path}: {error.strerror}.") from error
    except ValueError as error:
        raise ArgumentError(f"{path} is no JSON.") from error
