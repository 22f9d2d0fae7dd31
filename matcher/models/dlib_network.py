"""The layers in a serialised dlib network, in the order in which a picture passes them.

dlib nests its layers as templates: the file holds first the versions of all layers from the last to the
first, then the layers from the first to the last. A version 2 (3 for the one on the input) is a layer that
computes, 1 one that names a place (tag) or goes back to one (skip). Two of those in a row are the pair
`skip1<tag2<...>>` of a residual block that halves the picture: what comes after it starts again from the
block's input, and the addition that ends the block adds what tag2 named. A single one is the `tag1` before a
block.

LIMITATIONS: the layers of dlib's face recognition network (dnn_face_recognition_ex.cpp): convolution, affine
(batch normalisation made constant), relu, max and mean pooling, addition, fully connected without bias.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from matcher.models.dlib_cursor import DlibCursor, damaged
from matcher.types import F32

MAX_LAYERS = 1000
"""Most layers; the face network has 132."""

MAX_WINDOW = 31
"""Longest side of a kernel or a pooling window, px."""

MAX_PICTURE = 4096
"""Longest side of the input, px."""

LOSS_VERSION, NAME_VERSION, LAYER_VERSION, FIRST_LAYER_VERSION = 1, 1, 2, 3

LOSS, INPUT = "loss_metric_2", "input_rgb_image_sized"
CONVOLUTION, AFFINE, RELU, ADD, FULL = "con_4", "affine_", "relu_", "add_prev_", "fc_2"
MAXIMUM, MEAN = "max_pool_2", "avg_pool_2"

NO_BIAS = 1
"""Bias mode of a fully connected layer without one."""


@dataclass(frozen=True, slots=True)
class Window:
    """A window that slides: sides, strides and padding, each (rows, columns), px; side 0 is everything."""

    side: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Convolution:
    """Cross-correlation; kernel float32 (out, in, rows, columns), bias float32 (out,)."""

    window: Window
    kernel: F32
    bias: F32


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """Each channel scaled and shifted; float32 (channels,) both."""

    scale: F32
    shift: F32


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Maximum or mean of a window; only whole windows count."""

    window: Window
    maximum: bool


@dataclass(frozen=True, slots=True, eq=False)
class Full:
    """Product with a matrix, float32 (in, out)."""

    matrix: F32


class Step(Enum):
    """Layers without values."""

    RELU = "relu"
    REMEMBER = "keep the value as the block's input (tag1)"
    BRANCH = "keep the value as the block's result, go on from the block's input (skip1<tag2>)"
    ADD_INPUT = "add the block's input, the smaller of both grown by zeros (add_prev1)"
    ADD_RESULT = "add the block's result (add_prev2)"


Layer = Convolution | Affine | Pool | Full | Step


@dataclass(frozen=True, slots=True, eq=False)
class DlibNetwork:
    """A network as its file states it.

    Attributes
    ----------
    mean : tuple of float
        Of red, green and blue, subtracted before the division by 256.
    height, width : int
        Of the input, px.
    layers : tuple of Layer
        First to last.
    """

    mean: tuple[float, float, float]
    height: int
    width: int
    layers: tuple[Layer, ...]


def read_network(data: bytes) -> DlibNetwork:
    """Read a network.

    Raises
    ------
    ModelCorruptError
        If the bytes are not such a network, or not all of them are used.
    """
    cursor = DlibCursor(data)
    _read_loss(cursor)
    versions = _read_versions(cursor)
    mean, height, width = _read_input(cursor)
    layers: list[Layer] = []
    branched = False
    place = len(versions)
    while place > 0:
        place -= 1
        if versions[place] != NAME_VERSION:
            layer = _read_layer(cursor, branched)
            _read_working_memory(cursor, first=place == len(versions) - 1)
            layers.append(layer)
            continue
        branched = place > 0 and versions[place - 1] == NAME_VERSION
        layers.append(Step.BRANCH if branched else Step.REMEMBER)
        place -= branched
    if not cursor.finished:
        raise damaged("bytes are left over")
    return DlibNetwork(mean, height, width, tuple(layers))


def _read_loss(cursor: DlibCursor) -> None:
    cursor.expect(LOSS_VERSION, "the loss layer")
    if (name := cursor.name()) != LOSS:
        raise damaged(f'it starts with "{name[:20]}", expected "{LOSS}"')
    cursor.number()  # margin and distance threshold of its training
    cursor.number()


def _read_versions(cursor: DlibCursor) -> list[int]:
    """Return the versions of the layers, last layer first."""
    versions: list[int] = []
    while not versions or versions[-1] != FIRST_LAYER_VERSION:
        version = cursor.integer()
        if version not in (NAME_VERSION, LAYER_VERSION, FIRST_LAYER_VERSION):
            raise damaged(f"a layer has version {version}")
        versions.append(version)
        if len(versions) > MAX_LAYERS:
            raise damaged(f"more than {MAX_LAYERS} layers")
    return versions


def _read_input(cursor: DlibCursor) -> tuple[tuple[float, float, float], int, int]:
    if cursor.name() != INPUT:
        raise damaged(f'expected the input "{INPUT}"')
    mean = (cursor.number(), cursor.number(), cursor.number())
    height, width = cursor.integer(), cursor.integer()
    if not (1 <= height <= MAX_PICTURE and 1 <= width <= MAX_PICTURE):
        raise damaged("the input's size is out of bounds")
    return mean, height, width


def _read_layer(cursor: DlibCursor, branched: bool) -> Layer:
    name = cursor.name()
    if name == CONVOLUTION:
        return _read_convolution(cursor)
    if name == AFFINE:
        return _read_affine(cursor)
    if name in (MAXIMUM, MEAN):
        return Pool(_read_window(cursor, cursor.integer()), name == MAXIMUM)
    if name == FULL:
        return _read_full(cursor)
    if name == RELU:
        return Step.RELU
    if name == ADD:
        return Step.ADD_RESULT if branched else Step.ADD_INPUT
    raise damaged(f'the layer "{name[:20]}" is not known')


def _read_convolution(cursor: DlibCursor) -> Convolution:
    values = cursor.tensor().reshape(-1)
    count = cursor.integer()
    window = _read_window(cursor, cursor.integer())
    filters, biases = cursor.alias(), cursor.alias()
    _skip_rates(cursor)
    size = filters[0] * filters[1] * filters[2] * filters[3]
    if (
        filters[0] != count
        or filters[2:] != window.side
        or biases != (1, count, 1, 1)
        or not 0 < size == len(values) - count
    ):
        raise damaged("a convolution's shapes disagree")
    return Convolution(window, values[:size].reshape(filters), values[size:])


def _read_affine(cursor: DlibCursor) -> Affine:
    values = cursor.tensor().reshape(-1)
    scale, shift = cursor.alias(), cursor.alias()
    cursor.expect(0, "an affine layer's mode")  # one value a channel
    count = scale[1]
    if scale != (1, count, 1, 1) or shift != scale or not 0 < 2 * count == len(values):
        raise damaged("an affine layer's shapes disagree")
    return Affine(values[:count], values[count:])


def _read_full(cursor: DlibCursor) -> Full:
    outputs, inputs = cursor.integer(), cursor.integer()
    values = cursor.tensor()
    matrix, bias = cursor.alias(), cursor.alias()
    cursor.expect(NO_BIAS, "a fully connected layer's bias")
    _skip_rates(cursor)
    if values.shape != (inputs, outputs, 1, 1) or matrix != values.shape or any(bias) or not values.size:
        raise damaged("a fully connected layer's shapes disagree")
    return Full(values[:, :, 0, 0])


def _read_window(cursor: DlibCursor, rows: int) -> Window:
    columns = cursor.integer()
    stride = (cursor.integer(), cursor.integer())
    padding = (cursor.integer(), cursor.integer())
    if (
        not 0 <= min(rows, columns) <= max(rows, columns) <= MAX_WINDOW
        or not 1 <= min(stride) <= max(stride) <= MAX_WINDOW
        or not 0 <= min(padding) <= max(padding) <= MAX_WINDOW
        or (rows == 0) != (columns == 0)
    ):
        raise damaged("a window's size is out of bounds")
    return Window((rows, columns), stride, padding)


def _skip_rates(cursor: DlibCursor) -> None:
    """Pass over the multipliers of learning rate and weight decay, of weights and of biases."""
    for _ in range(4):
        cursor.number()


def _read_working_memory(cursor: DlibCursor, *, first: bool) -> None:
    """Pass over what training keeps beside a layer: three flags and three tensors, empty in a clean file."""
    for _ in range(3):
        cursor.flag()
    for _ in range(3):
        cursor.tensor()
    if first:
        cursor.integer()  # copies that the input makes of a sample
