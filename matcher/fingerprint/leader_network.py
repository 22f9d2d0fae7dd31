"""The LEADER network in ONNX Runtime: a picture in, scored minutiae out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.errors import ModelRuntimeError
from matcher.fingerprint import leader_graph
from matcher.fingerprint.kernels import leader_peaks
from matcher.fingerprint.leader_weights import LeaderWeights
from matcher.models.cache import load_model
from matcher.models.registry import LEADER
from matcher.types import F32, MAX_MINUTIAE, U8

I32 = npt.NDArray[np.int32]

MULTIPLE = 32
"""Sides that the network takes are multiples of this, px: it halves them five times."""

PEAK_RADIUS = 3
"""Peaks are the largest within this of them, px (the published network's 7x7 window)."""

QUIET = 3
"""ONNX Runtime's log level "error"."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Minutiae of a picture, raster order.

    Attributes
    ----------
    x, y : int32 array (n,)
        px in the picture.
    angle : float32 array (n,)
        Direction, rad, counter-clockwise with y up, as in `Minutiae`.
    ending : float32 array (n,)
        Probability of a ridge ending; the rest is a bifurcation's.
    score : float32 array (n,)
        Smoothed probability of a minutia, 0 to 1.
    """

    x: I32
    y: I32
    angle: F32
    ending: F32
    score: F32


class LeaderNetwork:
    """Both parts of the network, ready to run; safe to use from several threads.

    Parameters
    ----------
    data : bytes
        Of the published ONNX file.

    Raises
    ------
    ModelRuntimeError
        If ONNX Runtime is not installed.
    ModelCorruptError
        If the file is not LEADER's.
    """

    def __init__(self, data: bytes) -> None:
        weights = LeaderWeights(data)
        self._position = _session(leader_graph.position_graph(weights))
        self._detail = _session(leader_graph.detail_graph(weights))

    def find(self, pixels: U8, threshold: float) -> Found:
        """Return the minutiae of a picture that score at least `threshold`; at most MAX_MINUTIAE, the best.

        Parameters
        ----------
        pixels : uint8 (H, W)
        threshold : float
            0 to 1.
        """
        height, width = pixels.shape
        grown, left, top = padded(pixels)
        score, features = self._position.run(["score", "features"], {"input": grown})
        # Where rows and columns were added there is no finger.
        xs, ys, values = peaks(score[0, 0, top : top + height, left : left + width], threshold)
        if len(xs) > MAX_MINUTIAE:
            kept = np.sort(np.argsort(-values, kind="stable")[:MAX_MINUTIAE])
            xs, ys, values = xs[kept], ys[kept], values[kept]
        columns, rows = xs + left, ys + top
        patches, inside = around(features[0], columns // 2, rows // 2)
        direction, ending = self._detail.run(["direction", "kind"], {"patches": patches, "inside": inside})
        row, phase = np.arange(len(xs)), (rows % 2) * 2 + columns % 2
        cosine, sine = direction[row, phase], direction[row, 4 + phase]
        return Found(xs, ys, np.arctan2(sine, cosine), ending[row, phase], values)


@lru_cache(maxsize=1)
def network() -> LeaderNetwork:
    """Return the network of this process, made from the fetched file at the first call.

    Raises
    ------
    ModelMissingError, ModelCorruptError
        If the file is not at hand; nothing is fetched here.
    ModelRuntimeError
        If ONNX Runtime is not installed.
    """
    return LeaderNetwork(load_model(LEADER))


def peaks(score: F32, threshold: float) -> tuple[I32, I32, F32]:
    """Return columns, rows and values of the peaks of a map, raster order."""
    # Two peaks lie more than PEAK_RADIUS apart, so no square of that side holds two.
    side = PEAK_RADIUS + 1
    most = -(-score.shape[0] // side) * -(-score.shape[1] // side)
    xs, ys, values = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most, np.float32)
    score = np.ascontiguousarray(score)
    count = leader_peaks.find_peaks(score, np.float32(threshold), PEAK_RADIUS, xs, ys, values)
    return xs[:count], ys[:count], values[:count]


def around(features: F32, columns: I32, rows: I32) -> tuple[F32, F32]:
    """Return the patches of features around cells, zero outside the map, and which inner cells lie in it.

    Parameters
    ----------
    features : float32 (C, H, W)
    columns, rows : int32 (n,)

    Returns
    -------
    patches : float32 (n, C, PATCH, PATCH)
    inside : float32 (n, 1, 3, 3)
    """
    _, height, width = features.shape
    half = leader_graph.PATCH // 2
    reach = np.arange(-half, half + 1)
    at_row, at_column = rows[:, None] + reach, columns[:, None] + reach
    known = ((at_row >= 0) & (at_row < height))[:, :, None] & ((at_column >= 0) & (at_column < width))[
        :, None, :
    ]
    taken = features[:, at_row.clip(0, height - 1)[:, :, None], at_column.clip(0, width - 1)[:, None, :]]
    patches = np.ascontiguousarray((taken * known).transpose(1, 0, 2, 3), dtype=np.float32)
    inner = known[:, None, half - 1 : half + 2, half - 1 : half + 2]
    return patches, np.ascontiguousarray(inner, dtype=np.float32)


def padded(pixels: U8) -> tuple[F32, int, int]:
    """Return the picture, grown to multiples of MULTIPLE by the median grey of its frame, and where it is.

    On all sides alike and in a plain colour, as its authors have it: a repeated edge makes ridges out of cut
    ones, and with it, or with all padding on one side, the EER of FVC2002 DB3_B doubled. They take the first
    pixel's grey; in a cut-out that may be a ridge's.

    Returns
    -------
    grown : float32 (1, H, W, 1)
    left, top : int
        Columns and rows before the picture's first.
    """
    height, width = pixels.shape
    frame = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    rows, columns = -height % MULTIPLE, -width % MULTIPLE
    top, left = rows // 2, columns // 2
    grown = np.pad(
        pixels.astype(np.float32),
        ((top, rows - top), (left, columns - left)),
        constant_values=np.median(frame),
    )
    return grown[None, :, :, None], left, top


def _session(model: bytes) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelRuntimeError(
            "Deep models run in ONNX Runtime, which is not installed.",
            hint='Install this package with its extra "leader", or onnxruntime itself.',
        ) from error
    options = onnxruntime.SessionOptions()
    # One thread each: callers bring their own, and two pools on one core ruin each other.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = QUIET
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
