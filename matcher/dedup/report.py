"""Writes what a run found: tables, summary and page."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from matcher.dedup.page import page
from matcher.dedup.records import Source
from matcher.dedup.run import Deduplication
from matcher.dedup.summary import summarise
from matcher.dedup.tables import (
    CLUSTERS,
    PAIRS,
    RECORDS,
    cluster_rows,
    pair_rows,
    record_rows,
    write_file,
    write_tables,
)
from matcher.errors import MatcherError
from matcher.samples import Sample, SampleKind
from matcher.types import U8, Modality

THUMBNAIL = 112
"""Longest side of a picture in the report, px."""

PICTURES_A_RECORD = 2
"""Most pictures of one record in the report."""


def write_report(found: Deduplication, out: Path, title: str, *, images: bool = True) -> dict[str, Any]:
    """Write tables (Parquet, CSV), `summary.json` and `report.html`; return the summary.

    Parameters
    ----------
    found : Deduplication
    out : Path
        Folder.
    title : str
        Of the register.
    images : bool
        Whether the page shows pictures of the largest clusters.
    """
    out.mkdir(parents=True, exist_ok=True)
    tables = {PAIRS: pair_rows(found), CLUSTERS: cluster_rows(found), RECORDS: record_rows(found)}
    write_tables(out, tables)
    summary = summarise(found)
    write_file(out / "summary.json", (json.dumps(summary, indent=2, allow_nan=False) + "\n").encode())
    pictures = Pictures(found.source) if images else None
    text = page(title, summary, found.histogram.tolist(), tables[PAIRS], tables[CLUSTERS], pictures)
    write_file(out / "report.html", text.encode())
    return summary


class Pictures:
    """Small pictures of the samples of a record; of templates there are none."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._numbers = {name: number for number, name in enumerate(source.ids)}

    def __call__(self, record: str) -> Sequence[tuple[str, bytes]]:
        """Return what each picture shows, and a PNG file."""
        number = self._numbers[record]
        found = []
        for named in self._source.read(number, number + 1)[0]:
            if named.sample is None or named.sample.kind is not SampleKind.IMAGE:
                continue
            try:
                picture = thumbnail(named.sample)
            except MatcherError:
                continue
            found.append((named.sample.position.name.lower().replace("_", " "), picture))
            if len(found) == PICTURES_A_RECORD:
                break
        return found


def thumbnail(sample: Sample, side: int = THUMBNAIL) -> bytes:
    """Return a small picture of an image sample as a PNG file.

    Raises
    ------
    InputError
        If its bytes are no image.
    """
    picture = PillowImage.fromarray(pixels_of(sample))
    picture.thumbnail((side, side))
    file = io.BytesIO()
    picture.save(file, format="PNG")
    return file.getvalue()


def pixels_of(sample: Sample) -> U8:
    """Return the picture of an image sample, uint8 (H, W) or (H, W, 3), as its extractor sees it.

    Raises
    ------
    InputError
        If its bytes are no image.
    """
    if sample.modality is Modality.FINGERPRINT:
        from matcher.formats.prints import read_print

        return np.asarray(read_print(sample.data, ppi=sample.ppi)[0].pixels)
    if sample.modality is Modality.IRIS:
        from matcher.formats.eyes import read_eye

        return read_eye(sample.data)[0]
    from matcher.formats.faces import face_file
    from matcher.image.colour import read_colour

    return np.asarray(read_colour(face_file(sample.data)).pixels)
