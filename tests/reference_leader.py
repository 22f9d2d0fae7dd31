"""LEADER as its authors wrote it (pyfing, MIT), slow and plain in NumPy, with weights drawn at random.

Channels first, one sample. Every step in the published order: nothing folded, nothing left out.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

SEPARABLE = {f"enc0_{i}": (c, o) for i, (c, o) in enumerate([(16, 16), (16, 32), (32, 64), (64, 128)])} | {
    f"dec0_{i}": (c, o) for i, (c, o) in enumerate([(64, 16), (128, 32), (256, 64), (128, 128)])
}
BOTTLENECK = {f"enc1_{i}": (c, o) for i, (c, o) in enumerate([(64, 32), (32, 64), (64, 128), (128, 32)])} | {
    f"dec1_{i}": (c, o) for i, (c, o) in enumerate([(106, 20), (219, 42), (59, 91), (32, 27)])
}
BOTTLENECK |= {f"head_{k}_ibc": (52, 6) for k in range(3)}
ENDS = {"Conv__3172": 1, "head_conv_dir_1/BiasAdd": 2, "Conv__3000": 1}


class RandomWeights:
    """Stands in for `LeaderWeights`: the same layers and shapes, seeded values."""

    def __init__(self, seed: int = 5) -> None:
        self._rng = np.random.default_rng(seed)
        self._kept: dict[tuple[str, ...], list[Array]] = {}

    def _draw(self, key: tuple[str, ...], *shapes: tuple[int, ...]) -> list[Array]:
        if key not in self._kept:
            drawn = []
            for shape in shapes:
                spread = 1 / np.sqrt(np.prod(shape[1:])) if len(shape) > 1 else 0.3
                drawn.append(self._rng.normal(0, spread, shape).astype(np.float32))
            self._kept[key] = drawn
        return self._kept[key]

    def convolution(self, layer: str) -> tuple[Array, Array]:
        if layer.startswith("stem"):
            out, channels, side = 8 if layer.startswith("stem0") else 16, 1, 5
        else:
            assert re.fullmatch(r"attention_conv_d[136]", layer)
            out, channels, side = 16, 32, 3
        kernel, bias = self._draw(("conv", layer), (out, channels, side, side), (out,))
        return (kernel / 50 if channels == 1 else kernel), bias  # the picture has grey levels to 255

    def pointwise(self, layer: str) -> tuple[Array, Array]:
        name, _, part = layer.rpartition("_conv")
        if layer == "attention_s":
            shape = (48, 32)
        elif name in SEPARABLE:
            shape = SEPARABLE[name]
        elif name in BOTTLENECK:
            c, o = BOTTLENECK[name]
            shape = {"_exp": (c, 4 * c), "_red": (4 * c, c), "_adj": (c, o)}[part]
        else:
            shape = {"1": (6, 4), "2": (4, 4)}[part]
        matrix, bias = self._draw(("pointwise", layer), shape[::-1], (shape[1],))
        return np.ascontiguousarray(matrix.T), bias

    def depthwise(self, layer: str) -> Array:
        name = re.split(r"_conv_1/|_depthwise", layer)[0]
        channels, side = (SEPARABLE[name][0], 5) if name in SEPARABLE else (BOTTLENECK[name][0], 7)
        return self._draw(("depthwise", layer), (channels, 1, side, side))[0]

    def normalisation(self, layer: str) -> tuple[Array, Array]:
        name = layer.removesuffix("_ln")
        if name in SEPARABLE:
            channels = SEPARABLE[name][1]
        elif name in BOTTLENECK:
            channels = BOTTLENECK[name][0]
        else:
            channels = {"stem0": 16, "stem1": 32}.get(name, 4)
        scale, shift = self._draw(("ln", layer), (channels,), (channels,))
        return 1 + scale, shift

    def constants(self, node: str) -> list[Array]:
        if node.startswith("nms"):
            bell = np.exp(-(np.arange(-2, 3) ** 2) / 2)
            return [(np.outer(bell, bell) / bell.sum() ** 2)[None, None].astype(np.float32)]
        return self._draw(("end", node), (ENDS[node], 4, 5, 5), (ENDS[node],))


def convolve(x: Array, kernel: Array, bias: Array | None = None, dilation: int = 1) -> Array:
    """Zero-padded to the same size; (C, H, W). Depthwise where the kernel's second side is 1 and C is not."""
    out, channels, side, _ = kernel.shape
    reach = dilation * (side // 2)
    height, width = x.shape[1:]
    padded = np.pad(x, ((0, 0), (reach, reach), (reach, reach)))
    total = np.zeros((out, height, width))
    for row in range(side):
        for column in range(side):
            part = padded[:, row * dilation :, column * dilation :][:, :height, :width]
            tap = kernel[:, :, row, column].astype(np.float64)
            total += _tap(tap, part, channels)
    return total if bias is None else total + bias[:, None, None]


def _tap(tap: Array, part: Array, channels: int) -> Array:
    if channels == 1 and len(part) > 1:
        return tap[:, 0, None, None] * part
    return np.einsum("oc,chw->ohw", tap, part)


def product(x: Array, weights: tuple[Array, Array]) -> Array:
    matrix, bias = weights
    return np.einsum("co,chw->ohw", matrix.astype(np.float64), x) + bias[:, None, None]


def normalise(x: Array, weights: tuple[Array, Array]) -> Array:
    scale, shift = (w[:, None, None] for w in weights)
    return (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-3) * scale + shift


def gelu(x: Array) -> Array:
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def pooled(x: Array, largest: bool) -> Array:
    channels, height, width = x.shape
    cells = x.reshape(channels, height // 2, 2, width // 2, 2)
    return cells.max((2, 4)) if largest else cells.mean((2, 4))


def enlarged(x: Array) -> Array:
    return x.repeat(2, 1).repeat(2, 2)


def down(x: Array) -> Array:
    half = len(x) // 2
    return np.concatenate([pooled(x[:half], True), pooled(x[half:], False)])


def stem(picture: Array, w: Any, name: str, largest: bool) -> Array:
    near = convolve(picture, *w.convolution(f"{name}_conv"))
    far = convolve(picture, *w.convolution(f"{name}_dilated_conv"), dilation=2)
    return pooled(gelu(normalise(np.concatenate([near, far]), w.normalisation(f"{name}_ln"))), largest)


def separable(x: Array, w: Any, name: str) -> Array:
    x = convolve(x, w.depthwise(f"{name}_conv_1/separable_conv2d"))
    return gelu(normalise(product(x, w.pointwise(f"{name}_conv")), w.normalisation(f"{name}_ln")))


def bottleneck(x: Array, w: Any, name: str) -> Array:
    y = normalise(convolve(x, w.depthwise(f"{name}_depthwise_conv_1")), w.normalisation(f"{name}_ln"))
    y = gelu(product(y, w.pointwise(f"{name}_conv_exp")))
    return product(x + product(y, w.pointwise(f"{name}_conv_red")), w.pointwise(f"{name}_conv_adj"))


def head(features: Array, w: Any, number: int) -> Array:
    x = enlarged(bottleneck(features, w, f"head_{number}_ibc"))
    x = normalise(product(x, w.pointwise(f"head_{number}_conv1")), w.normalisation(f"head_{number}_ln"))
    return gelu(product(x, w.pointwise(f"head_{number}_conv2")))


def leader(pixels: Array, w: Any) -> dict[str, Array]:
    """Return score (H, W), features (C, H/2, W/2), direction (2, H, W) and kind (H, W) of a picture."""
    picture = pixels.astype(np.float64)[None]
    x, fine = stem(picture, w, "stem0", True), stem(picture, w, "stem1", False)
    skipped = []
    for level in range(4):
        skipped.append(separable(x, w, f"enc0_{level}"))
        x = down(skipped[-1])
    for level in (3, 2, 1, 0):
        x = np.concatenate([enlarged(separable(x, w, f"dec0_{level}")), skipped[level]])
    views = [gelu(convolve(x, *w.convolution(f"attention_conv_d{d}"), dilation=d)) for d in (1, 3, 6)]
    x = x * sigmoid(product(np.concatenate(views), w.pointwise("attention_s")))
    x = np.concatenate([x, fine])
    skipped = []
    for level in range(4):
        skipped.append(bottleneck(x, w, f"enc1_{level}"))
        x = down(skipped[-1])
    for level in (3, 2, 1, 0):
        x = np.concatenate([enlarged(bottleneck(x, w, f"dec1_{level}")), skipped[level]])
    position = sigmoid(convolve(head(x, w, 0), *w.constants("Conv__3172")))
    return {
        "score": convolve(position, w.constants("nms_Gaussian_blur_1/convolution")[0])[0],
        "features": x,
        "direction": convolve(head(x, w, 1), *w.constants("head_conv_dir_1/BiasAdd")),
        "kind": sigmoid(convolve(head(x, w, 2), *w.constants("Conv__3000")))[0],
    }


def peaks(score: Array, threshold: float, radius: int) -> list[tuple[int, int]]:
    """Return (x, y) of the peaks in raster order: the first of the largest in each square."""
    found = []
    for y, x in np.argwhere(score >= threshold):
        top, left = max(y - radius, 0), max(x - radius, 0)
        square = score[top : y + radius + 1, left : x + radius + 1]
        first = np.argwhere(square == square.max())[0]
        if (top + first[0], left + first[1]) == (y, x):
            found.append((int(x), int(y)))
    return found
