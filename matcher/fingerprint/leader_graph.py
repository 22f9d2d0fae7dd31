"""The LEADER network as ONNX Runtime runs it best: the same arithmetic in another order, in two parts.

The published file (Keras, by way of tf2onnx) leaves GELU and layer normalisation as a dozen elementwise steps
each, over channels first. Here

1. both are one operator each, over channels last; 1x1 convolutions are matrix products, depthwise ones
   stay channels first, where the runtime has its blocked kernels,
2. scale and shift of a normalisation are folded into the product after it; the two 1x1 convolutions that
   follow GELU with only a sum between them (`conv_red`, `add`, `conv_adj`) become one for each summand,
3. a 5x5 convolution of a twice enlarged picture is four 3x3 ones of the small picture, one for each phase,
4. the widest products go in strips of rows, so that they stay in the cache,
5. direction and type are computed only around the minutiae that the position map shows: the second part.

Each step is exact but for rounding (1e-5 on outputs of order 1, see tests).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from matcher.fingerprint.leader_weights import LeaderWeights, folded
from matcher.models.onnx_format import GraphWriter

F32 = npt.NDArray[np.float32]

EPSILON = 1e-3
"""Added to variances in every layer normalisation (Keras' default, as in the file)."""

RUNTIME = "com.microsoft"
"""Domain of ONNX Runtime's own operators; FastGelu is GELU by tanh, as in the file."""

OPSETS = {"": 18, RUNTIME: 1}

ENCODER_0 = (16, 32, 64, 128)
ENCODER_1 = (32, 64, 128, 32)
"""Channels after each level of the two encoders."""

ATTENTION = (1, 3, 6)
"""Dilations of the attention gate's convolutions."""

STRIPS = {"enc1_0": 16, "head_0_ibc": 16, "dec1_0": 8}
"""Into how many strips of rows the widest blocks are cut; 32 divides the picture's height. By measurement."""

KERNEL = 7
"""Side of the depthwise kernel in the heads."""

PATCH = KERNEL + 2
"""Side of the patch of features around a minutia that gives its direction and type: 3x3 of the head's."""

DIRECTION_HEAD, TYPE_HEAD = 1, 2
HEAD_NODES = {0: "Conv__3172", DIRECTION_HEAD: "head_conv_dir_1/BiasAdd", TYPE_HEAD: "Conv__3000"}
"""Nodes of the 5x5 convolutions that end the heads (two lost their names in the conversion)."""


def position_graph(weights: LeaderWeights) -> bytes:
    """Return the first part as an ONNX file.

    Input "input" (1, H, W, 1), grey levels 0 to 255, H and W multiples of 32. Outputs "score" (1, 1, H, W),
    the smoothed probability of a minutia, and "features" (1, C, H / 2, W / 2) for `detail_graph`.
    """
    net = _Network(GraphWriter("leader_position", {"input": (1, "h", "w", 1)}), weights)
    picture = net.channels_first("input")
    coarse = net.context(net.stem(picture, "stem0", "MaxPool"))
    gated = net.attention(coarse)
    features = net.refinement(
        net.graph.node("Concat", gated, net.stem(picture, "stem1", "AveragePool"), axis=1)
    )
    position = net.graph.node("Sigmoid", net.ending(net.head(features, 0), 0, padding=1))
    position = net.graph.node("DepthToSpace", position, blocksize=2, mode="CRD")
    [blur] = weights.constants("nms_Gaussian_blur_1/convolution")
    net.graph.output("score", net.convolution(position, blur, padding=2))
    net.graph.output("features", features)
    return net.graph.model(OPSETS)


def detail_graph(weights: LeaderWeights) -> bytes:
    """Return the second part as an ONNX file.

    Inputs "patches" (n, C, 9, 9), features around n minutiae, zero outside the picture, and "inside"
    (n, 1, 3, 3), 1 where the inner cells lie in the picture and 0 elsewhere. Outputs "direction" (n, 8),
    cosine and sine, each for the four phases (y % 2, x % 2), and "kind" (n, 4), the probability of an ending
    for each phase.
    """
    shapes: dict[str, tuple[int | str, ...]] = {
        "patches": ("n", "c", PATCH, PATCH),
        "inside": ("n", 1, 3, 3),
    }
    net = _Network(GraphWriter("leader_detail", shapes), weights)
    for head, name in ((DIRECTION_HEAD, "direction"), (TYPE_HEAD, "kind")):
        around = net.graph.node("Mul", net.head("patches", head, padding=0), "inside")
        found = net.graph.node("Flatten", net.ending(around, head, padding=0))
        net.graph.output(name, net.graph.node("Sigmoid", found) if head == TYPE_HEAD else found)
    return net.graph.model(OPSETS)


class _Network:
    """Blocks of the network, named as in its authors' code. Values are channels first unless named `last`."""

    def __init__(self, graph: GraphWriter, weights: LeaderWeights) -> None:
        self.graph = graph
        self._weights = weights

    def channels_first(self, value: str) -> str:
        return self.graph.node("Transpose", value, perm=(0, 3, 1, 2))

    def channels_last(self, value: str) -> str:
        return self.graph.node("Transpose", value, perm=(0, 2, 3, 1))

    def convolution(
        self,
        value: str,
        kernel: F32,
        bias: F32 | None = None,
        *,
        padding: int = 0,
        dilation: int = 1,
        groups: int = 1,
    ) -> str:
        constants = [self.graph.constant(kernel)] + ([] if bias is None else [self.graph.constant(bias)])
        return self.graph.node(
            "Conv",
            value,
            *constants,
            kernel_shape=kernel.shape[2:],
            pads=(padding,) * 4,
            dilations=(dilation,) * 2,
            group=groups,
        )

    def _normalise(self, last: str, scale: F32, shift: F32) -> str:
        constants = self.graph.constant(scale), self.graph.constant(shift)
        return self.graph.node("LayerNormalization", last, *constants, axis=-1, epsilon=EPSILON)

    def _gelu(self, value: str, bias: F32 | None = None) -> str:
        constants = [] if bias is None else [self.graph.constant(bias)]
        return self.graph.node("FastGelu", value, *constants, domain=RUNTIME)

    def _product(self, last: str, matrix: F32, bias: F32) -> str:
        return self.graph.node(
            "Add",
            self.graph.node("MatMul", last, self.graph.constant(matrix)),
            self.graph.constant(bias),
        )

    def _halved(self, value: str, operator: str) -> str:
        return self.graph.node(operator, value, kernel_shape=(2, 2), strides=(2, 2))

    def _down(self, value: str, channels: int) -> str:
        """Half the channels by their maximum, half by their mean."""
        sizes = self.graph.constant(np.array([channels // 2, channels - channels // 2]))
        sharp, soft = self.graph.nodes("Split", 2, value, sizes, axis=1)
        return self.graph.node(
            "Concat", self._halved(sharp, "MaxPool"), self._halved(soft, "AveragePool"), axis=1
        )

    def _up(self, value: str, skipped: str) -> str:
        larger = self.graph.node(
            "Resize",
            value,
            "",
            self.graph.constant(np.array([1, 1, 2, 2], np.float32)),
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
        return self.graph.node("Concat", larger, skipped, axis=1)

    def stem(self, picture: str, name: str, pool: str) -> str:
        kernel, bias = self._weights.convolution(f"{name}_conv")
        near = self.convolution(picture, kernel, bias, padding=2)
        kernel, bias = self._weights.convolution(f"{name}_dilated_conv")
        far = self.convolution(picture, kernel, bias, padding=4, dilation=2)
        last = self.channels_last(self.graph.node("Concat", near, far, axis=1))
        last = self._gelu(self._normalise(last, *self._weights.normalisation(f"{name}_ln")))
        return self._halved(self.channels_first(last), pool)

    def _separable(self, value: str, name: str) -> str:
        kernel = self._weights.depthwise(f"{name}_conv_1/separable_conv2d")
        last = self.channels_last(self.convolution(value, kernel, padding=2, groups=len(kernel)))
        last = self._product(last, *self._weights.pointwise(f"{name}_conv"))
        return self.channels_first(
            self._gelu(self._normalise(last, *self._weights.normalisation(f"{name}_ln")))
        )

    def context(self, value: str) -> str:
        skipped = []
        for level, channels in enumerate(ENCODER_0):
            skipped.append(self._separable(value, f"enc0_{level}"))
            value = self._down(skipped[-1], channels)
        for level in reversed(range(len(ENCODER_0))):
            value = self._up(self._separable(value, f"dec0_{level}"), skipped[level])
        return value

    def attention(self, value: str) -> str:
        views = []
        for dilation in ATTENTION:
            kernel, bias = self._weights.convolution(f"attention_conv_d{dilation}")
            seen = self.convolution(value, kernel, bias, padding=dilation, dilation=dilation)
            views.append(self._gelu(self.channels_last(seen)))
        gate = self._product(
            self.graph.node("Concat", *views, axis=3), *self._weights.pointwise("attention_s")
        )
        return self.graph.node("Mul", value, self.channels_first(self.graph.node("Sigmoid", gate)))

    def _bottleneck(self, value: str, name: str, padding: int = KERNEL // 2) -> str:
        """Return the inverse bottleneck block, channels last."""
        kernel = self._weights.depthwise(f"{name}_depthwise_conv_1")
        channels = len(kernel)
        last = self.channels_last(self.convolution(value, kernel, padding=padding, groups=channels))
        last = self._normalise(last, np.ones(channels, np.float32), np.zeros(channels, np.float32))
        scale, shift = self._weights.normalisation(f"{name}_ln")
        expand, expand_bias = self._weights.pointwise(f"{name}_conv_exp")
        reduce, reduce_bias = self._weights.pointwise(f"{name}_conv_red")
        adjust, adjust_bias = self._weights.pointwise(f"{name}_conv_adj")
        wide = self.graph.constant(scale[:, None] * expand)
        wide_bias = self.graph.constant(expand_bias + folded(shift, expand))
        narrow = self.graph.constant(folded(reduce, adjust))
        strips = STRIPS.get(name, 1)
        parts = [last] if strips == 1 else self.graph.nodes("Split", strips, last, axis=1, num_outputs=strips)
        made = [
            self.graph.node(
                "MatMul",
                self.graph.node("FastGelu", self.graph.node("MatMul", part, wide), wide_bias, domain=RUNTIME),
                narrow,
            )
            for part in parts
        ]
        whole = made[0] if strips == 1 else self.graph.node("Concat", *made, axis=1)
        kept = self.channels_last(value if padding else self._core(value))
        kept = self._product(kept, adjust, folded(reduce_bias, adjust) + adjust_bias)
        return self.graph.node("Add", whole, kept)

    def _core(self, patches: str) -> str:
        """Cut off the margin that the depthwise kernel of a patch needs."""
        margin = KERNEL // 2
        bounds = [np.array([start] * 2) for start in (margin, PATCH - margin)] + [np.array([2, 3])]
        return self.graph.node("Slice", patches, *(self.graph.constant(bound) for bound in bounds))

    def refinement(self, value: str) -> str:
        skipped = []
        for level, channels in enumerate(ENCODER_1):
            skipped.append(self.channels_first(self._bottleneck(value, f"enc1_{level}")))
            value = self._down(skipped[-1], channels)
        for level in reversed(range(len(ENCODER_1))):
            value = self._up(self.channels_first(self._bottleneck(value, f"dec1_{level}")), skipped[level])
        return value

    def head(self, features: str, number: int, padding: int = KERNEL // 2) -> str:
        """Return a head's last picture before it is enlarged, (n, 4, h, w)."""
        last = self._bottleneck(features, f"head_{number}_ibc", padding)
        last = self._product(last, *self._weights.pointwise(f"head_{number}_conv1"))
        last = self._normalise(last, *self._weights.normalisation(f"head_{number}_ln"))
        matrix, bias = self._weights.pointwise(f"head_{number}_conv2")
        last = self._gelu(self.graph.node("MatMul", last, self.graph.constant(matrix)), bias)
        return self.channels_first(last)

    def ending(self, value: str, number: int, *, padding: int) -> str:
        """Return the head's 5x5 convolution of the twice enlarged picture, four phases a channel."""
        kernel, bias = self._weights.constants(HEAD_NODES[number])
        return self.convolution(value, phases(kernel), np.repeat(bias.reshape(-1), 4), padding=padding)


def phases(kernel: F32) -> F32:
    """Return the kernels (4 * out, in, 3, 3) that do on a picture what `kernel` does on it twice enlarged.

    Row 2i + a of the enlarged picture is row i; the kernel's row k reaches row 2i + a + k - 2, that is row
    i + (a + k - 2) // 2 of the small one. Columns alike. Output channel 4c + 2a + b is phase (a, b) of c.
    """
    out, channels, side, _ = kernel.shape
    small = np.zeros((out, 2, 2, channels, 3, 3))
    for a in range(2):
        for b in range(2):
            for row in range(side):
                for column in range(side):
                    to = (a + row - side // 2) // 2 + 1, (b + column - side // 2) // 2 + 1
                    small[:, a, b, :, to[0], to[1]] += kernel[:, :, row, column]
    return small.reshape(4 * out, channels, 3, 3).astype(np.float32)
