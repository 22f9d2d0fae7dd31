"""TOML to a checked `Manifest`: each wrong field is an error that says what was expected and what came."""

from __future__ import annotations

import math
import re
import string
import tomllib
from enum import StrEnum
from itertools import pairwise
from typing import Any, TypeVar

from matcher.errors import ModelManifestError
from matcher.face.manifest import Colour, Layout, Manifest, Metric, Whitening
from matcher.face.types import MAX_DIMENSIONS

FORMAT = 1
"""Version of the form."""

MAX_BYTES = 1 << 16
"""Largest manifest that is read."""

MAX_TEXT = 500
"""Longest licence or source."""

MIN_SIDE, MAX_SIDE = 16, 1024
"""Sides of a crop, px: the smallest and largest that face models take, with room."""

MAX_LEVEL = 1e4
"""Largest mean, scale or threshold, in magnitude."""

FACE_POINTS = 5

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")

FIELDS = {
    "": {"format", "name", "licence", "source", "file", "input", "alignment", "embedding", "thresholds"},
    "file": {"path", "model", "sha256"},
    "input": {"width", "height", "layout", "colour", "mean", "scale", "whitening"},
    "alignment": {"points"},
    "embedding": {"dimensions", "flip", "metric"},
}
"""Every field there is, by table; others are refused, for a misspelt one would be ignored silently."""

Choice = TypeVar("Choice", bound=StrEnum)


def read_manifest(data: bytes) -> Manifest:
    """Read a manifest.

    Parameters
    ----------
    data : bytes
        TOML, UTF-8.

    Raises
    ------
    ModelManifestError
        If it is no TOML, or a field is missing, unknown or out of its range.
    """
    if len(data) > MAX_BYTES:
        raise ModelManifestError(f"Manifest: expected at most {MAX_BYTES} bytes, got {len(data)}.")
    try:
        content = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ModelManifestError(f"Manifest: it is no TOML ({type(error).__name__}: {error}).") from None
    root = _Table("", content)
    if (form := root.value("format")) != FORMAT or isinstance(form, bool):
        raise root.wrong("format", f"{FORMAT}", hint="A later program may know it.")
    file, given, embedding = (root.table(name) for name in ("file", "input", "embedding"))
    path, model = file.text("path", optional=True), file.text("model", optional=True)
    if bool(path) == bool(model):
        raise file.wrong("path", 'either "path" or "model", not both')
    if "/" in path or "\\" in path or path in (".", ".."):
        raise file.wrong("path", "the name of a file beside the manifest")
    sha256 = file.text("sha256").lower()
    if len(sha256) != 64 or set(sha256) - set(string.hexdigits.lower()):
        raise file.wrong("sha256", "64 hexadecimal digits")
    width, height = given.whole("width", MIN_SIDE, MAX_SIDE), given.whole("height", MIN_SIDE, MAX_SIDE)
    colour = given.choice("colour", Colour)
    whitening = given.choice("whitening", Whitening, Whitening.FIXED)
    channels = 1 if colour is Colour.GREY else 3
    mean, scale = _levels(given, whitening, channels)
    name = root.text("name")
    if not NAME.fullmatch(name):
        raise root.wrong("name", "1 to 40 of a-z, 0-9, '.', '_' and '-', the first a letter or digit")
    made = Manifest(
        name=name,
        licence=root.text("licence"),
        source=root.text("source", optional=True),
        path=path,
        model=model,
        sha256=sha256,
        width=width,
        height=height,
        layout=given.choice("layout", Layout, Layout.NCHW),
        colour=colour,
        mean=mean,
        scale=scale,
        whitening=whitening,
        points=_points(root.table("alignment"), width, height),
        dimensions=embedding.whole("dimensions", 1, MAX_DIMENSIONS),
        flip=embedding.flag("flip"),
        metric=embedding.choice("metric", Metric, Metric.COSINE),
        thresholds=_thresholds(root),
    )
    cosines = [cosine for _, cosine in made.stated]
    signs_fit = made.metric is Metric.COSINE or all(distance >= 0 for _, distance in made.thresholds)
    if not signs_fit or any(after <= before for before, after in pairwise([-1.0, *cosines, 1.0])):
        raise root.wrong("thresholds", "values that the metric can have, the nearer the lower the rate")
    return made


def _levels(
    given: _Table, whitening: Whitening, channels: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if whitening is Whitening.IMAGE:
        for name in ("mean", "scale"):
            if name in given.content:
                raise given.wrong(name, 'nothing: with whitening "image" each crop has its own')
        return (), ()
    mean = given.numbers("mean", channels)
    scale = given.numbers("scale", channels)
    if 0.0 in scale:
        raise given.wrong("scale", "numbers other than 0")
    return mean, scale


def _points(alignment: _Table, width: int, height: int) -> tuple[tuple[float, float], ...]:
    expected = f"{FACE_POINTS} points [x, y] inside the crop, the first left of the second"
    given = alignment.value("points")
    if not isinstance(given, list) or len(given) != FACE_POINTS:
        raise alignment.wrong("points", expected)
    points = []
    for point in given:
        if not isinstance(point, list) or len(point) != 2 or not all(_is_number(v) for v in point):
            raise alignment.wrong("points", expected)
        x, y = float(point[0]), float(point[1])
        if not (0 <= x < width and 0 <= y < height):
            raise alignment.wrong("points", expected)
        points.append((x, y))
    if points[0][0] >= points[1][0]:
        raise alignment.wrong("points", expected)
    return tuple(points)


def _thresholds(root: _Table) -> tuple[tuple[float, float], ...]:
    table = root.content.get("thresholds", {})
    if not isinstance(table, dict):
        raise root.wrong("thresholds", "a table")
    found = []
    for key, value in table.items():
        try:
            rate = float(key)
        except ValueError:
            rate = math.nan
        if not 0 < rate < 1 or not _is_number(value):
            raise root.wrong("thresholds", 'rates above 0 and below 1 as names, such as "1e-3", and numbers')
        found.append((rate, float(value)))
    return tuple(sorted(found, reverse=True))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MAX_LEVEL


class _Table:
    """One table of the manifest, whose fields are taken by kind."""

    def __init__(self, name: str, content: dict[str, Any]) -> None:
        self._name = name
        self.content = content
        for key in content:
            if key not in FIELDS[name]:
                raise ModelManifestError(
                    f"Manifest: the field {self._full(key)[:80]} is unknown.",
                    hint=f"Known here are {', '.join(sorted(FIELDS[name]))}.",
                )

    def table(self, key: str) -> _Table:
        content = self.value(key)
        if not isinstance(content, dict):
            raise self.wrong(key, "a table")
        return _Table(key, content)

    def value(self, key: str) -> Any:
        if key not in self.content:
            raise ModelManifestError(f"Manifest: the field {self._full(key)} is missing.")
        return self.content[key]

    def text(self, key: str, *, optional: bool = False) -> str:
        if optional and key not in self.content:
            return ""
        value = self.value(key)
        if not isinstance(value, str) or not 1 <= len(value) <= MAX_TEXT or not value.isprintable():
            raise self.wrong(key, f"a text of 1 to {MAX_TEXT} printable characters")
        return value

    def whole(self, key: str, low: int, high: int) -> int:
        value = self.value(key)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.wrong(key, f"a whole number from {low} to {high}")
        return value

    def flag(self, key: str) -> bool:
        value = self.value(key)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def choice(self, key: str, kind: type[Choice], default: Choice | None = None) -> Choice:
        if default is not None and key not in self.content:
            return default
        value = self.value(key)
        if not isinstance(value, str) or value not in set(kind):
            raise self.wrong(key, " or ".join(f'"{choice}"' for choice in kind))
        return kind(value)

    def numbers(self, key: str, count: int) -> tuple[float, ...]:
        value = self.value(key)
        if not isinstance(value, list) or len(value) != count or not all(_is_number(v) for v in value):
            raise self.wrong(key, f"{count} numbers")
        return tuple(float(v) for v in value)

    def wrong(self, key: str, expected: str, *, hint: str = "") -> ModelManifestError:
        got = self.content.get(key)
        return ModelManifestError(
            f"Manifest: {self._full(key)}: expected {expected}, got {str(got)[:60]}.", hint=hint
        )

    def _full(self, key: str) -> str:
        return f"{self._name}.{key}" if self._name else key
