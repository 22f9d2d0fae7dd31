"""The weights in the published LEADER file, by the names that its authors gave the layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.errors import ModelCorruptError
from matcher.models.onnx_format import array_of, read_model

F32 = npt.NDArray[np.float32]

PREFIX = "functional_1/"
"""Before every layer's name in the file, as its converter (tf2onnx) left it."""


class LeaderWeights:
    """Access to layers by name.

    Parameters
    ----------
    data : bytes
        Of the ONNX file.

    Raises
    ------
    ModelCorruptError
        If it is no ONNX file; each method, if a layer is not there.
    """

    def __init__(self, data: bytes) -> None:
        graph = read_model(data).graph
        self._values = {tensor.name: array_of(tensor) for tensor in graph.initializer}
        self._nodes = {node.name: node for node in graph.node}

    def constants(self, node: str) -> list[F32]:
        """Return the constant inputs of a node, in order."""
        try:
            names = self._nodes[node if node in self._nodes else PREFIX + node].input
        except KeyError as error:
            raise _missing(node) from error
        return [self._values[name] for name in names if name in self._values]

    def _first(self, node: str) -> F32:
        found = self.constants(node)
        if not found:
            raise _missing(node)
        return found[0]

    def convolution(self, layer: str) -> tuple[F32, F32]:
        """Return kernel (out, in, k, k) and bias (out,) of a convolution, dilated or not."""
        biased = self.constants(f"{layer}_1/BiasAdd")
        if len(biased) == 2:
            return biased[0], biased[1].reshape(-1)
        # A dilated one: the converter made convolution and bias two steps.
        return self._first(f"{layer}_1/convolution"), biased[0].reshape(-1)

    def pointwise(self, layer: str) -> tuple[F32, F32]:
        """Return matrix (in, out) and bias (out,) of a 1x1 convolution."""
        kernel, bias = self.convolution(layer)
        return np.ascontiguousarray(kernel[:, :, 0, 0].T), bias

    def depthwise(self, layer: str) -> F32:
        """Return the kernel (channels, 1, k, k) of a depthwise convolution without bias."""
        return self._first(f"{layer}/depthwise")

    def normalisation(self, layer: str) -> tuple[F32, F32]:
        """Return scale and shift, (channels,) each, of a layer normalisation."""
        return self._first(f"{layer}_1/mul").reshape(-1), self._first(f"{layer}_1/add_1").reshape(-1)


def _missing(node: str) -> ModelCorruptError:
    return ModelCorruptError(f"The LEADER file has no layer {node}.", hint="It is not the pinned file.")


def folded(first: F32, second: F32) -> F32:
    """Return the product of two matrices, multiplied in float64."""
    product: Any = first.astype(np.float64) @ second.astype(np.float64)
    return np.asarray(product, np.float32)
