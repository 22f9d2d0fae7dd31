"""What a case shows: the two samples of each part as pictures, plain or with what was compared drawn in."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw

from matcher.dedup.extract import extraction_tasks
from matcher.dedup.manifest import read_run
from matcher.dedup.records import NamedSample
from matcher.dedup.report import pixels_of
from matcher.dedup.work import WorkFolder, array_text
from matcher.errors import ArgumentError, MatcherError, StoreCorruptError
from matcher.face.types import FaceTemplate
from matcher.fingerprint.resident import resident
from matcher.iris.types import IrisTemplate
from matcher.samples import Sample, SampleKind
from matcher.score.fingerprint import FingerprintProbe, paired
from matcher.template.modality import Template, decode, modality_of, position_of
from matcher.types import DIRECTION_STEPS, I64, U8, FingerprintTemplate, Modality

VIEWS = ("image", "marks", "pairs")
"""What a picture shows: the sample alone; minutiae, contours or the aligned face; what was found alike."""

SCALE = 2
"""Drawn pixels a pixel of a print: marks stay thin."""

TICK, RADIUS = 13, 5
"""Length of a direction's tick and radius of a mark, px of the print."""

MARK, PAIRED, EDGE = (176, 58, 14), (11, 79, 148), (20, 120, 60)
"""Colours of minutiae, of paired ones, of contours."""

BLANK = 245
"""Grey of a sheet for a template without its image."""

LARGEST_SHEET = 1 << 24
"""Most drawn pixels of a sheet for a template without its image: a template may say 16,384 x 16,384, which no
print is, and would have gigabytes drawn."""

CODE_SCALE = 3

KEPT_PICTURES = 256
"""Pictures in memory: some 100 MB of prints with marks."""

KEPT_PARTS = 8
"""Work files in memory: with 1,024 records of templates each about 100 MB together."""


class Evidence:
    """The register of a run, and the templates that it extracted.

    Parameters
    ----------
    out : Path
        Folder of the run.
    key : bytes, optional
        Of the work files.
    """

    def __init__(self, out: Path, key: bytes | None = None) -> None:
        run = read_run(out)
        self._source, _ = run.open()
        self._numbers = {name: number for number, name in enumerate(self._source.ids)}
        self._parts = extraction_tasks(self._source)
        self._work = WorkFolder(out / "work" / "templates", run.settings.extraction_digest(), key)
        self.records = len(self._numbers)
        self.picture = lru_cache(maxsize=KEPT_PICTURES)(self._picture)
        self._part = lru_cache(maxsize=KEPT_PARTS)(self._read_part)

    @property
    def order(self) -> Mapping[str, int]:
        """Place of each record in the register, by its id."""
        return self._numbers

    def attributes(self, record: str) -> dict[str, str]:
        """Return what the register says of a record."""
        number = self._number(record)
        return {name: values[number] for name, values in self._source.attributes.items() if values[number]}

    def _picture(
        self, record: str, other: str, modality: str, position: str, other_position: str, view: str
    ) -> bytes:
        """Return a PNG of a record's sample of a part.

        Parameters
        ----------
        record, other : str
            Whose sample, and whose it was compared with.
        modality, position, other_position : str
            Of the part.
        view : str
            One of `VIEWS`.

        Raises
        ------
        ArgumentError
            If there is no such sample or view.
        """
        if view not in VIEWS:
            raise ArgumentError(f"View: expected one of {', '.join(VIEWS)}.")
        template, sample = self._find(record, modality, position)
        pixels = _pixels(sample)
        if isinstance(template, FingerprintTemplate):
            mate: I64 = np.zeros((0, 2), np.int64)
            if view == "pairs":
                its, _ = self._find(other, modality, other_position)
                if isinstance(its, FingerprintTemplate):
                    mate = _mates(template, its) if record <= other else _mates(its, template)[:, ::-1]
            return _print(pixels, template, mate, marks=view == "marks")
        if isinstance(template, IrisTemplate):
            return _iris(pixels, template, view)
        return _face(pixels, template, sample, view)

    def _find(self, record: str, modality: str, position: str) -> tuple[Template, Sample | None]:
        """Return the best template of that part, and its sample where it was an image."""
        number = self._number(record)
        name, (begin, _) = next(part for part in self._parts if part[1][0] <= number < part[1][1])
        held = self._part(name)
        best: tuple[int, Template, int] | None = None
        for row in np.flatnonzero(held["record"] == number - begin).tolist():
            first, last = held["data_offsets"][row : row + 2].tolist()
            template = decode(held["data"][first:last].tobytes())
            if modality_of(template).name == modality and position_of(template).name == position:
                quality = int(held["quality"][row])
                if best is None or quality > best[0]:
                    best = quality, template, int(held["sample"][row])
        if best is None:
            raise ArgumentError("There is no sample of that part.")
        names = json.loads(array_text(held["text"]))["names"]
        wanted = names[best[2]]
        samples = {one.name: one for one in self._source.read(number, number + 1)[0]}
        named: NamedSample | None = samples.get(wanted)
        sample = named.sample if named is not None else None
        return best[1], sample if sample is not None and sample.kind is SampleKind.IMAGE else None

    def _read_part(self, name: str) -> dict[str, Any]:
        try:
            return self._work.read(name, ["record", "sample", "data", "data_offsets", "quality", "text"])
        except StoreCorruptError:
            raise ArgumentError("The work files of this run are gone, or their key is not set.") from None

    def _number(self, record: str) -> int:
        if record not in self._numbers:
            raise ArgumentError("There is no such record in the register.")
        return self._numbers[record]


def _mates(one: FingerprintTemplate, two: FingerprintTemplate) -> I64:
    """Return the minutiae that one rigid motion brings together, int64 (P, 2)."""
    return paired(FingerprintProbe(one), resident(two))


def part_of(part: Mapping[str, Any], side: str) -> tuple[str, str, str]:
    """Return modality, own position and the other's position of a part, seen from `side`."""
    other = "candidate" if side == "probe" else "probe"
    return part["modality"], part[f"{side}_position"], part[f"{other}_position"]


def _pixels(sample: Sample | None) -> U8 | None:
    if sample is None:
        return None
    try:
        return pixels_of(sample)
    except MatcherError:
        return None


def _print(pixels: U8 | None, template: FingerprintTemplate, pairs: I64, *, marks: bool) -> bytes:
    scale = float(SCALE)
    if pixels is not None and not marks and not len(pairs):
        return _png(PillowImage.fromarray(pixels))  # nothing is drawn: the page scales it
    if pixels is None:
        scale = min(scale, (LARGEST_SHEET / (template.width * template.height)) ** 0.5)
        size = max(1, int(template.width * scale)), max(1, int(template.height * scale))
        picture = PillowImage.new("RGB", size, (BLANK, BLANK, BLANK))
        marks = marks or not len(pairs)
    else:
        grey = PillowImage.fromarray(pixels)
        picture = grey.resize((grey.width * SCALE, grey.height * SCALE)).convert("RGB")
    draw = ImageDraw.Draw(picture)
    minutiae = template.minutiae
    wanted = range(len(minutiae)) if marks else pairs[:, 0].tolist()
    numbers = {int(one): place for place, one in enumerate(pairs[:, 0].tolist(), start=1)}
    for one in wanted:
        x, y = float(minutiae.x[one]) * scale, float(minutiae.y[one]) * scale
        angle = float(minutiae.direction[one]) * 2 * np.pi / DIRECTION_STEPS
        colour = PAIRED if one in numbers else MARK
        tip = (x + TICK * SCALE * np.cos(angle), y - TICK * SCALE * np.sin(angle))
        draw.line([(x, y), tip], fill=colour, width=SCALE)
        ring = RADIUS * SCALE
        draw.ellipse([x - ring, y - ring, x + ring, y + ring], outline=colour, width=SCALE)
        if one in numbers:
            draw.text((x + ring, y + ring), str(numbers[one]), fill=PAIRED, font_size=9 * SCALE)
    return _png(picture)


def _iris(pixels: U8 | None, template: IrisTemplate, view: str) -> bytes:
    if view == "pairs" or pixels is None:
        return _code(template)
    picture = PillowImage.fromarray(pixels).convert("RGB")
    if view == "marks":
        from matcher.iris.extract import extract
        from matcher.iris.trace import Trace

        trace = Trace()
        extract(pixels, trace=trace)
        picture = picture.resize((picture.width * SCALE, picture.height * SCALE))
        draw = ImageDraw.Draw(picture)
        for name in ("pupil", "limbus"):
            points = [(float(x) * SCALE, float(y) * SCALE) for x, y in trace[name].tolist()]
            draw.line([*points, points[0]], fill=EDGE, width=SCALE)
    return _png(picture)


def _code(template: IrisTemplate) -> bytes:
    """Return the full code as a picture: a column an angle, black and white, grey where not valid."""
    bits, valid = (
        np.unpackbits(words.view(np.uint8).reshape(len(words), -1), axis=1, bitorder="little").T
        for words in (template.code, template.mask)
    )
    shown = np.where(valid > 0, np.where(bits > 0, 255, 30), 170).astype(np.uint8)
    return _png(PillowImage.fromarray(np.repeat(np.repeat(shown, CODE_SCALE, 0), CODE_SCALE, 1)))


def _face(pixels: U8 | None, template: FaceTemplate, sample: Sample | None, view: str) -> bytes:
    if pixels is None or sample is None:
        wide = template.values.astype(np.int16) + 128
        return _png(PillowImage.fromarray(np.repeat(wide.astype(np.uint8)[None, :], 64, 0)))
    if view == "image":
        return _png(PillowImage.fromarray(pixels))
    from matcher.face.extract import extract
    from matcher.face.trace import Trace
    from matcher.types import ColourImage

    trace = Trace()
    try:
        extract(ColourImage(pixels), trace=trace)
    except MatcherError:
        return _png(PillowImage.fromarray(pixels))
    crop = PillowImage.fromarray(trace["crops"][0])
    return _png(crop.resize((crop.width * SCALE, crop.height * SCALE)))


def _png(picture: PillowImage.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, format="PNG", compress_level=1)
    return file.getvalue()


MODALITY_NAMES = {Modality.FINGERPRINT.name: "finger", Modality.IRIS.name: "iris", Modality.FACE.name: "face"}
"""As people call them."""
