"""A dlib network as an ONNX graph: batch normalisation folded into the convolutions, all else as it is.

The graph takes "input", float32 (n, 3, height, width), red first, already (value - mean) / 256, and gives
"embedding", float32 (n, D).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from matcher.models.dlib_cursor import damaged
from matcher.models.dlib_network import Affine, Convolution, DlibNetwork, Full, Layer, Pool, Step, Window
from matcher.models.onnx_format import GraphWriter

CONVERTER = "dlib-onnx/1"
"""Version of this conversion, part of a model's id: a change that moves embeddings changes it."""

OPSETS = {"": 18}
"""Operator set that is written."""

INPUT, OUTPUT = "input", "embedding"

INPUT_SCALE = 1 / 256
"""What dlib's input layer multiplies grey levels by after the mean is subtracted."""

Shape = tuple[int, int, int]
"""Channels, rows, columns."""


def to_onnx(network: DlibNetwork) -> bytes:
    """Return the bytes of an ONNX file that does what `network` does.

    Raises
    ------
    ModelCorruptError
        If the layers do not fit each other.
    """
    shape = (len(network.mean), network.height, network.width)
    made = _Graph(shape)
    for layer in folded(network.layers):
        made.append(layer)
    return made.model()


def folded(layers: tuple[Layer, ...]) -> list[Layer]:
    """Return the layers with each affine one taken into the convolution before it.

    Raises
    ------
    ModelCorruptError
        If an affine layer follows no convolution of as many channels.
    """
    kept: list[Layer] = []
    for layer in layers:
        if not isinstance(layer, Affine):
            kept.append(layer)
            continue
        before = kept[-1] if kept else None
        if not isinstance(before, Convolution) or len(before.bias) != len(layer.scale):
            raise damaged("an affine layer follows no convolution of its width")
        scale = layer.scale.astype(np.float64)
        with np.errstate(over="ignore"):
            kernel = (before.kernel * scale[:, None, None, None]).astype(np.float32)
            bias = (before.bias * scale + layer.shift).astype(np.float32)
        if not (np.isfinite(kernel).all() and np.isfinite(bias).all()):
            raise damaged("a weight is not finite")
        kept[-1] = replace(before, kernel=kernel, bias=bias)
    return kept


class _Graph:
    """The graph so far: the value at its end, that value's shape, and the values that blocks remember."""

    def __init__(self, shape: Shape) -> None:
        self._writer = GraphWriter("dlib", {INPUT: ("n", *shape)})
        self._end: tuple[str, tuple[int, ...]] = (INPUT, shape)
        self._input: tuple[str, tuple[int, ...]] | None = None
        self._result: tuple[str, tuple[int, ...]] | None = None

    def model(self) -> bytes:
        value, shape = self._end
        if len(shape) != 1:
            raise damaged("it does not end in a vector")
        self._writer.output(OUTPUT, value)
        return self._writer.model(OPSETS)

    def append(self, layer: Layer) -> None:
        value, shape = self._end
        if isinstance(layer, Full):
            self._end = self._full(layer, value, shape)
            return
        if len(shape) != 3:
            raise damaged("a layer follows the last one")
        if isinstance(layer, Convolution):
            self._end = self._convolution(layer, value, shape)
        elif isinstance(layer, Pool):
            self._end = self._pool(layer, value, shape)
        elif layer is Step.RELU:
            self._end = self._writer.node("Relu", value), shape
        elif layer is Step.REMEMBER:
            self._input = self._end
        elif layer is Step.BRANCH and self._input is not None:
            self._result, self._end = self._end, self._input
        elif layer is Step.ADD_INPUT and self._input is not None:
            self._end = self._sum(self._end, self._input)
        elif layer is Step.ADD_RESULT and self._result is not None:
            self._end = self._sum(self._end, self._result)
        else:
            raise damaged("a block ends that did not begin")

    def _convolution(
        self, layer: Convolution, value: str, shape: tuple[int, ...]
    ) -> tuple[str, tuple[int, ...]]:
        if layer.kernel.shape[1] != shape[0]:
            raise damaged("a convolution has other channels than what it is given")
        constants = self._writer.constant(layer.kernel), self._writer.constant(layer.bias)
        attributes = _window(layer.window)
        return (
            self._writer.node("Conv", value, *constants, **attributes),
            (len(layer.kernel), *_sides(layer.window, shape)),
        )

    def _pool(self, layer: Pool, value: str, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        kind = "MaxPool" if layer.maximum else "AveragePool"
        if layer.window.side == (0, 0):
            return self._writer.node(f"Global{kind}", value), (shape[0], 1, 1)
        if layer.window.padding[0] >= layer.window.side[0] or layer.window.padding[1] >= layer.window.side[1]:
            raise damaged("a pooling window has more padding than it is long")
        made = self._writer.node(kind, value, **_window(layer.window))
        return made, (shape[0], *_sides(layer.window, shape))

    def _full(self, layer: Full, value: str, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        inputs, outputs = layer.matrix.shape
        if int(np.prod(shape)) != inputs:
            raise damaged("a fully connected layer has other inputs than what it is given")
        flat = self._writer.node("Flatten", value)
        return self._writer.node("MatMul", flat, self._writer.constant(layer.matrix)), (outputs,)

    def _sum(
        self, first: tuple[str, tuple[int, ...]], second: tuple[str, tuple[int, ...]]
    ) -> tuple[str, tuple[int, ...]]:
        """Add; dlib takes the larger of each side, and zero where one of the two has nothing."""
        shape = tuple(max(pair) for pair in zip(first[1], second[1], strict=True))
        return self._writer.node("Add", self._grown(*first, shape), self._grown(*second, shape)), shape

    def _grown(self, value: str, shape: tuple[int, ...], wanted: tuple[int, ...]) -> str:
        if shape == wanted:
            return value
        after = [to - side for to, side in zip(wanted, shape, strict=True)]
        return self._writer.node("Pad", value, self._writer.constant(np.array([0, 0, 0, 0, 0, *after])))


def _sides(window: Window, shape: tuple[int, ...]) -> tuple[int, int]:
    sides = [
        1 + (length + 2 * padding - side) // stride
        for length, side, stride, padding in zip(
            shape[1:], window.side, window.stride, window.padding, strict=True
        )
    ]
    if min(sides) < 1:
        raise damaged("a window is larger than the picture that it is given")
    return sides[0], sides[1]


def _window(window: Window) -> dict[str, Any]:
    return {"kernel_shape": window.side, "strides": window.stride, "pads": window.padding * 2}
