"""The pictures and the page: whole, self-contained, and nothing that a name can break."""

from __future__ import annotations

import base64
import re
import struct
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matcher.datasets.load import load
from matcher.errors import ArgumentError
from matcher.evaluate.extraction import Extraction, Extractions
from matcher.evaluate.html_page import page
from matcher.evaluate.intervals import Clusters, bootstrap
from matcher.evaluate.plots import draw_all, write_plots
from matcher.evaluate.plots_curves import error_curve, fnmr_at
from matcher.evaluate.rates import ErrorCounts, fnmr_at_fmr
from matcher.evaluate.report import error_counts
from matcher.evaluate.run import Evaluation, evaluate

HOSTILE = '"><script>alert(1)</script><img src="x" onerror=alert(1)>&amp; $\\frac{1}{2}$ \' http'
"""A folder's name that would break out of markup, or start a formula in a picture."""

VOID = {"meta", "img", "br", "hr", "link", "input"}
"""Elements that have no end."""


class Outline(HTMLParser):
    """What is on a page: tags with attributes, whether they nest, and the text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.words.append(data)


def outline(text: str) -> Outline:
    parser = Outline()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    return parser


class Rated(float):
    """A number that knows its quality."""

    quality: int


@pytest.fixture
def result(number_modality: Any, tmp_path: Path) -> Evaluation:
    """Evaluate numbers of 12 persons x 2 fingers x 4 scans that know how good they are."""

    class RatedModality(type(number_modality)):  # type: ignore[misc]
        def extract(self, image: Any) -> Rated:
            template = Rated(super().extract(image))
            template.quality = 20 + round(1e6 * abs(template)) % 80
            return template

    rng, root = np.random.default_rng(3), tmp_path / "numbers"
    root.mkdir()
    for person in range(12):
        for finger in range(2):
            centre = rng.normal(0, 9)
            for scan in range(1, 5):
                text = "blank" if (person, finger, scan) == (2, 1, 3) else str(centre + rng.normal(0, 0.6))
                (root / f"{person:03d}_{finger}_{scan}.png").write_text(text)
    return evaluate(load("neurotechnology", root), RatedModality(), timed=False)


def shape(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", png[16:24])


def test_files_are_written_and_the_page_holds_the_pictures(result: Evaluation, tmp_path: Path) -> None:
    folder = tmp_path / "some" / "plots"
    made = write_plots(folder, result)
    assert [path.name for path in made] == ["det.png", "roc.png", "scores.png", "discard.png", "report.html"]
    assert sorted(made) == sorted(folder.iterdir())
    text = made[-1].read_text(encoding="utf-8")
    assert len(text) < 2_000_000
    found = [attrs for tag, attrs in outline(text).tags if tag == "img"]
    assert all(attrs["alt"] for attrs in found)
    sources = [str(attrs["src"]).removeprefix("data:image/png;base64,") for attrs in found]
    assert [base64.b64decode(source, validate=True) for source in sources] == [
        path.read_bytes() for path in made[:-1]
    ]
    for path in made[:-1]:
        width, height = shape(path.read_bytes())
        assert width > 800
        assert height > 500


def test_the_page_refers_to_nothing_outside(result: Evaluation) -> None:
    text = page(result.report, draw_all(result))
    assert text.startswith("<!DOCTYPE html>")
    without_pictures = re.sub(r"base64,[A-Za-z0-9+/=]+", "", text)
    assert not re.search(
        r"https?:|//|url\(|@import|<script|<link|<iframe|<object", without_pictures, re.IGNORECASE
    )
    for tag, attrs in outline(text).tags:
        for key, value in attrs.items():
            assert not key.startswith("on")
            assert key not in ("href", "srcset", "action", "data")
            assert key != "src" or (tag == "img" and str(value).startswith("data:image/png;base64,"))
    policy = [a["content"] for t, a in outline(text).tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


def test_the_page_states_every_figure_its_interval_and_its_definition(result: Evaluation) -> None:
    report = result.report
    text = " ".join(outline(page(report, [])).words)
    for value in (report["eer"], *report["fnmr_at_fmr"].values(), report["zero_fmr"], report["rank1"]):
        assert (f"{value:.2%}" if value is not None else "not stated") in text
    low, high = report["intervals"]["eer"]
    assert f"{low:.2%} to {high:.2%}" in text
    assert f"{report['non_mated']:,}" in text
    assert "EXTRACT_BLANK 1" in text
    assert "24 clusters" in text or "12 clusters" in text
    assert "worst fifth" in text
    for key, definition in report["definitions"].items():
        assert key in text
        assert definition in text


def test_hostile_names_are_escaped_and_no_formula(result: Evaluation) -> None:
    report = {
        **result.report,
        "folder": HOSTILE,
        "dataset": HOSTILE,
        "failure_reasons": {HOSTILE: 1},
        "flags": {"eer": HOSTILE},
        "definitions": {HOSTILE: HOSTILE},
    }
    hostile = replace(result, report=report)
    pictures = draw_all(hostile)
    parsed = outline(page(report, pictures))
    assert {"script"}.isdisjoint(tag for tag, _ in parsed.tags)
    assert sum(tag == "img" for tag, _ in parsed.tags) == len(pictures)
    words = "".join(parsed.words)
    assert words.count(HOSTILE) >= 6
    assert unescape("&amp;") in words


def test_bands_are_the_stated_intervals(result: Evaluation) -> None:
    curve = error_curve(result)
    for fmr in ("1e-2", "1e-3"):
        low, high = result.report["intervals"][f"fnmr_at_fmr.{fmr}"]
        near = int(np.argmin(np.abs(np.log(curve.grid / float(fmr)))))
        assert curve.low[near] == pytest.approx(low, abs=0.02)
        assert curve.high[near] == pytest.approx(high, abs=0.02)
    assert (curve.low <= curve.high).all()
    assert (np.diff(curve.high) <= 0).all()
    drawn = bootstrap(result.comparisons, Clusters.of(result.dataset.clusters))
    assert drawn["eer"] == tuple(result.report["intervals"]["eer"])


def test_the_curve_reads_the_rates_that_are_stated(result: Evaluation) -> None:
    counts = error_counts(result.comparisons)
    grid = np.array([1e-3, 1e-2])
    assert fnmr_at(counts, grid).tolist() == [fnmr_at_fmr(counts, "1e-3"), fnmr_at_fmr(counts, "1e-2")]
    few = ErrorCounts(np.array([4, 2, 1, 0]), np.array([0, 1, 1, 2]), 4, 2)
    assert fnmr_at(few, np.array([0.0, 0.2, 0.25, 0.5, 0.99, 1.0])).tolist() == [1, 1, 0.5, 0.5, 0.5, 0]


def test_pictures_without_quality_or_calibration(result: Evaluation) -> None:
    bare = [
        Extraction(None if item.template is None else float(item.template), item.milliseconds, 0, item.reason)
        for item in result.extractions.items
    ]
    report = {**result.report, "calibration": None, "at_score": None, "quality": None, "discard": None}
    plain = replace(result, extractions=Extractions(tuple(bare)), score=None, report=report)
    pictures = draw_all(plain)
    assert [picture.name for picture in pictures] == ["det.png", "roc.png", "scores.png"]
    text = "".join(outline(page(report, pictures)).words)
    assert "calibration none" in text
    assert "What a score promises" not in text


def test_a_folder_that_cannot_be_is_a_typed_error(result: Evaluation, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArgumentError, match="pictures"):
        write_plots(tmp_path / "file", result)
