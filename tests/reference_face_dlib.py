"""dlib networks, slow and plain: written as dlib serialises them, and run layer by layer in NumPy.

The writer follows dlib's own code (serialize.h, dnn/core.h, dnn/layers.h), the layers its documentation
(dnn/layers_abstract.h, dnn/cuda: add, affine_transform, max and mean pooling). One sample, float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from matcher.models.dlib_network import Affine, Convolution, Full, Layer, Pool, Step, Window

Array = Any
MEAN = (120.0, 110.5, 100.25)


def integer(value: int) -> bytes:
    size = max((abs(value).bit_length() + 7) // 8, 1)
    return bytes([size | (0x80 if value < 0 else 0)]) + abs(value).to_bytes(size, "little")


def number(value: float) -> bytes:
    mantissa, exponent = math.frexp(value)
    return integer(int(mantissa * 2**24)) + integer(exponent - 24)


def name(text: str) -> bytes:
    return integer(len(text)) + text.encode()


def tensor(values: Array) -> bytes:
    sides = (*values.shape, *(1,) * (4 - values.ndim)) if values.size else (0, 0, 0, 0)
    return integer(2) + b"".join(integer(side) for side in sides) + np.asarray(values, "<f4").tobytes()


def alias(*sides: int) -> bytes:
    return integer(1) + b"".join(integer(side) for side in sides)


def window(value: Window) -> bytes:
    return b"".join(integer(v) for v in (*value.side, *value.stride, *value.padding))


RATES = number(1.0) * 3 + number(0.0)


def layer_bytes(layer: Layer) -> bytes:
    """Return what a layer says of itself."""
    if isinstance(layer, Convolution):
        count = len(layer.bias)
        values = np.concatenate([layer.kernel.reshape(-1), layer.bias])
        shapes = alias(*layer.kernel.shape) + alias(1, count, 1, 1)
        return name("con_4") + tensor(values) + integer(count) + window(layer.window) + shapes + RATES
    if isinstance(layer, Affine):
        count = len(layer.scale)
        values = np.concatenate([layer.scale, layer.shift])
        return name("affine_") + tensor(values) + alias(1, count, 1, 1) * 2 + integer(0)
    if isinstance(layer, Pool):
        return name("max_pool_2" if layer.maximum else "avg_pool_2") + window(layer.window)
    if isinstance(layer, Full):
        inputs, outputs = layer.matrix.shape
        shapes = alias(inputs, outputs, 1, 1) + alias(0, 0, 0, 0)
        sizes = integer(outputs) + integer(inputs)
        return name("fc_2") + sizes + tensor(layer.matrix) + shapes + integer(1) + RATES
    return name({Step.RELU: "relu_", Step.ADD_INPUT: "add_prev_", Step.ADD_RESULT: "add_prev_"}[layer])


def network_bytes(
    layers: Sequence[Layer], height: int, width: int, *, change: Callable[[bytes], bytes] = bytes
) -> bytes:
    """Return a network as dlib writes it; `change` may spoil the layers' part."""
    computing = [layer for layer in layers if layer not in (Step.REMEMBER, Step.BRANCH)]
    versions: list[int] = []
    for layer in layers:
        if layer is Step.REMEMBER:
            versions.append(1)
        elif layer is Step.BRANCH:
            versions += [1, 1]
        else:
            versions.append(2 if versions else 3)
    head = integer(1) + name("loss_metric_2") + number(0.04) + number(0.6)
    head += b"".join(integer(version) for version in reversed(versions))
    head += name("input_rgb_image_sized") + b"".join(number(v) for v in MEAN)
    head += integer(height) + integer(width)
    empty = tensor(np.empty(0, np.float32))
    body = b""
    for place, layer in enumerate(computing):
        body += layer_bytes(layer) + b"110" + empty * 3 + (integer(1) if place == 0 else b"")
    return change(head + body)


def run(layers: Sequence[Layer], picture: Array) -> Array:
    """Return what the layers make of a picture, float64 (channels, rows, columns)."""
    value = np.asarray(picture, np.float64)
    block_input = block_result = value
    for layer in layers:
        if isinstance(layer, Convolution):
            value = slide(value, layer.window, lambda part, at=layer: _product(part, at), padded=True)
        elif isinstance(layer, Affine):
            value = value * layer.scale[:, None, None] + layer.shift[:, None, None]
        elif isinstance(layer, Pool):
            pick = np.max if layer.maximum else np.mean
            value = slide(value, layer.window, lambda part, at=pick: at(part, axis=(1, 2)), padded=False)
        elif isinstance(layer, Full):
            value = value.reshape(-1) @ layer.matrix.astype(np.float64)
        elif layer is Step.RELU:
            value = np.maximum(value, 0)
        elif layer is Step.REMEMBER:
            block_input = value
        elif layer is Step.BRANCH:
            block_result, value = value, block_input
        else:
            value = added(value, block_input if layer is Step.ADD_INPUT else block_result)
    return value


def _product(part: Array, layer: Convolution) -> Array:
    return (layer.kernel.astype(np.float64) * part[None]).sum(axis=(1, 2, 3)) + layer.bias


def slide(value: Array, at: Window, use: Callable[[Array], Array], *, padded: bool) -> Array:
    """Apply `use` to each whole window. Convolutions see zeros beyond the edge, pools only what is there."""
    channels, height, width = value.shape
    if at.side == (0, 0):
        return use(value)[:, None, None]
    rows = 1 + (height + 2 * at.padding[0] - at.side[0]) // at.stride[0]
    columns = 1 + (width + 2 * at.padding[1] - at.side[1]) // at.stride[1]
    out = []
    for row in range(rows):
        for column in range(columns):
            top, left = row * at.stride[0] - at.padding[0], column * at.stride[1] - at.padding[1]
            if padded:
                part = np.zeros((channels, *at.side))
                for v in range(at.side[0]):
                    for u in range(at.side[1]):
                        if 0 <= top + v < height and 0 <= left + u < width:
                            part[:, v, u] = value[:, top + v, left + u]
            else:
                part = value[:, max(top, 0) : top + at.side[0], max(left, 0) : left + at.side[1]]
            out.append(use(part))
    return np.stack(out, axis=1).reshape(-1, rows, columns)


def added(first: Array, second: Array) -> Array:
    """Return the sum; of each side the larger counts, and zero where one has nothing."""
    out = np.zeros([max(pair) for pair in zip(first.shape, second.shape, strict=True)])
    for value in (first, second):
        out[: value.shape[0], : value.shape[1], : value.shape[2]] += value
    return out


def tiny_layers(seed: int = 3, dimensions: int = 12) -> list[Layer]:
    """Return random layers of every kind that dlib's face network has, in its arrangement, for 23 x 21 px."""
    rng = np.random.default_rng(seed)

    def convolution(inputs: int, outputs: int, side: int, stride: int, padding: int) -> list[Layer]:
        spread = 1 / math.sqrt(inputs * side * side)
        kernel = rng.normal(0, spread, (outputs, inputs, side, side)).astype(np.float32)
        bias = rng.normal(0, 0.1, outputs).astype(np.float32)
        scale = rng.uniform(0.5, 1.5, outputs).astype(np.float32)
        shift = rng.normal(0, 0.2, outputs).astype(np.float32)
        at = Window((side, side), (stride, stride), (padding, padding))
        return [Convolution(at, kernel, bias), Affine(scale, shift)]

    pool = Window((2, 2), (2, 2), (0, 0))
    plain = [Step.REMEMBER, *convolution(4, 4, 3, 1, 1), Step.RELU, *convolution(4, 4, 3, 1, 1)]
    down = [Step.REMEMBER, *convolution(4, 7, 3, 2, 0), Step.RELU, *convolution(7, 7, 3, 1, 1)]
    matrix = rng.normal(0, 1, (7, dimensions)).astype(np.float32)
    return [
        *convolution(3, 4, 5, 2, 0),
        Step.RELU,
        Pool(Window((3, 3), (2, 2), (0, 0)), True),
        *plain,
        Step.ADD_INPUT,
        Step.RELU,
        *down,
        Step.BRANCH,
        Pool(pool, False),
        Step.ADD_RESULT,
        Step.RELU,
        Pool(Window((0, 0), (1, 1), (0, 0)), False),
        Full(matrix),
    ]
