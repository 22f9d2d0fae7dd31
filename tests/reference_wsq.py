"""A slow WSQ encoder (IAFIS-IC-0110) for tests: any size, filters, bit rate and block layout.

The transform is a matrix, so its inverse is `numpy.linalg.inv`: an oracle that shares nothing with a
synthesis filter bank.
"""

from __future__ import annotations

import heapq
import struct
from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

SOI, EOI, SOF, SOB, DTT, DQT, DHT, DRT, COM, RST0 = (*range(0xFFA0, 0xFFA9), 0xFFB0)

LOW_9 = (0.852698679009, 0.377402855613, -0.110624404418, -0.023849465020, 0.037828455507)
HIGH_7 = (0.788485616406, -0.418092273222, -0.040689417609, 0.064538882629)
"""Right halves of the 9/7 analysis filters (specification, part 3), centre first."""

HAAR_LOW = (2**-0.5,)
HAAR_HIGH = (-(2**-0.5),)
"""The shortest bank of even length."""

LOW_2, HIGH_6 = (2**-0.5,), (-(2**-0.5), 2**-0.5 / 8, 2**-0.5 / 8)
"""Right halves of the 2/6 biorthogonal bank of even lengths."""

CENTRE = 0.44
"""C of the specification: where in its bin a value is rebuilt."""


def mirror(index: int, length: int, odd: bool) -> int:
    """Whole-sample (odd) or half-sample (even filters) symmetric extension of 0..length-1."""
    if length == 1:
        return 0
    period = 2 * length - 2 if odd else 2 * length
    index %= period
    if index < length:
        return index
    return period - index if odd else period - 1 - index


def analysis_matrix(length: int, low: tuple[float, ...], high: tuple[float, ...], odd: bool) -> F64:
    """Rows: the low band's samples, then the high band's."""
    matrix = np.zeros((length, length))
    for band, (half, first) in enumerate(((low, 0), (high, (length + 1) // 2))):
        for k in range((length + 1 - band) // 2):
            for n, tap in enumerate(half):
                if odd:
                    centre = 2 * k + band
                    matrix[first + k, mirror(centre + n, length, odd)] += tap
                    if n:
                        matrix[first + k, mirror(centre - n, length, odd)] += tap
                else:
                    # A convolution: the right half of the response meets the samples on the left.
                    matrix[first + k, mirror(2 * k - n, length, odd)] += tap
                    matrix[first + k, mirror(2 * k + 1 + n, length, odd)] += -tap if band else tap
    return matrix


@dataclass
class Node:
    """A rectangle of the subband layout; a reversed axis is split high part first."""

    y: int
    x: int
    height: int
    width: int
    reversed_y: bool = False
    reversed_x: bool = False

    def window(self) -> tuple[slice, slice]:
        """Where it lies."""
        return slice(self.y, self.y + self.height), slice(self.x, self.x + self.width)

    def children(self) -> list[Node]:
        """Top left, top right, bottom left, bottom right."""
        top = self.height // 2 if self.reversed_y else (self.height + 1) // 2
        left = self.width // 2 if self.reversed_x else (self.width + 1) // 2
        rows = ((self.y, top, False), (self.y + top, self.height - top, True))
        columns = ((self.x, left, False), (self.x + left, self.width - left, True))
        return [Node(y, x, h, w, ry, rx) for y, h, ry in rows for x, w, rx in columns]


def layout(height: int, width: int) -> tuple[list[Node], list[Node]]:
    """Return the nodes to split, parents first, and the 60 coded subbands in order (part 1, figure 3)."""
    root = Node(0, 0, height, width)
    one = root.children()
    two = one[0].children()
    three = two[0].children()
    four = three[0].children()
    splits = [root, *one[:3], *two[:3], *three, four[0]]
    splits += [child for node in two[1:3] for child in node.children()]
    bands = four[0].children() + four[1:]
    bands += [band for node in three[1:] for band in node.children()]
    bands += [band for node in two[1:3] for child in node.children() for band in child.children()]
    bands += [two[3]] + [band for node in one[1:3] for band in node.children()]
    return splits, bands


@dataclass
class Encoder:
    """Parameters of an encoding.

    Attributes
    ----------
    low, high : tuple of float
        Right halves of the analysis filters.
    odd : bool
        Whether the filters have odd lengths.
    bin_width : float
        Of every coded subband, in units of the scaled image: the bit rate.
    blocks : tuple of int
        Subbands at which a new block starts.
    restart : int
        Symbols between restart markers; 0: none.
    comment : bytes
        Content of a comment segment before the frame header.
    """

    low: tuple[float, ...] = LOW_9
    high: tuple[float, ...] = HIGH_7
    odd: bool = True
    bin_width: float = 0.05
    blocks: tuple[int, ...] = (19, 52)
    restart: int = 0
    comment: bytes = b""

    def transform(self, values: F64, *, inverse: bool = False) -> F64:
        """Split an image into its subbands, or rebuild it."""
        values = values.copy()
        splits, _ = layout(*values.shape)
        for node in reversed(splits) if inverse else splits:
            if 0 in (node.height, node.width):
                continue
            across = self._matrix(node.width, node.reversed_x)
            down = self._matrix(node.height, node.reversed_y)
            if inverse:
                across, down = np.linalg.inv(across), np.linalg.inv(down)
            values[node.window()] = down @ values[node.window()] @ across.T
        return values

    def _matrix(self, length: int, reversed_axis: bool) -> F64:
        matrix = analysis_matrix(length, self.low, self.high, self.odd)
        low = (length + 1) // 2
        return np.concatenate((matrix[low:], matrix[:low])) if reversed_axis else matrix

    def encode(self, pixels: npt.NDArray[np.uint8]) -> tuple[bytes, npt.NDArray[np.uint8]]:
        """Return a WSQ file and the pixels that a decoder must give for it."""
        height, width = pixels.shape
        shift, scale = 128.0, 64.0
        coefficients = self.transform((pixels - shift) / scale)
        rebuilt = np.zeros_like(coefficients)
        zero_bin = 1.2 * self.bin_width
        groups: list[list[int]] = [[]]
        for index, band in enumerate(layout(height, width)[1]):
            if index in self.blocks:
                groups.append([])
            part = coefficients[band.window()]
            steps = np.floor((np.abs(part) - zero_bin / 2) / self.bin_width) + 1
            steps = (np.sign(part) * np.where(np.abs(part) > zero_bin / 2, steps, 0)).astype(int)
            away = np.sign(steps) * (zero_bin / 2 - CENTRE * self.bin_width)
            rebuilt[band.window()] = self.bin_width * steps + away
            groups[-1] += steps.ravel().tolist()
        expected = np.clip(np.floor(self.transform(rebuilt, inverse=True) * scale + shift + 0.5), 0, 255)
        return self._file(height, width, shift, scale, groups), expected.astype(np.uint8)

    def _file(self, height: int, width: int, shift: float, scale: float, groups: list[list[int]]) -> bytes:
        parts = [struct.pack(">H", SOI)]
        if self.comment:
            parts.append(segment(COM, self.comment))
        lengths = [2 * len(half) - (1 if self.odd else 0) for half in (self.low, self.high)]
        taps = b"".join(number32(tap) for tap in (*self.low, *self.high))
        parts.append(segment(DTT, bytes(lengths) + taps))
        bins = number16(self.bin_width) + number16(1.2 * self.bin_width)
        parts.append(segment(DQT, number16(CENTRE) + bins * 60 + bytes(6) * 4))
        frame = struct.pack(">BBHH", 0, 255, height, width) + number16(shift) + number16(scale)
        parts.append(segment(SOF, frame + struct.pack(">BH", 1, 0)))
        if self.restart:
            parts.append(segment(DRT, struct.pack(">H", self.restart)))
        for index, group in enumerate(groups):
            symbols = symbolise(group)
            table = huffman_table([symbol for symbol, _, _ in symbols])
            counts = [sum(len(code) == bits for code in table.values()) for bits in range(1, 17)]
            parts.append(segment(DHT, bytes([index % 8, *counts, *table])))
            parts.append(segment(SOB, bytes([index % 8])))
            parts.append(self._entropy_coded(symbols, table))
        parts.append(struct.pack(">H", EOI))
        return b"".join(parts)

    def _entropy_coded(self, symbols: list[tuple[int, int, int]], table: dict[int, str]) -> bytes:
        step = self.restart or max(len(symbols), 1)
        runs = [symbols[at : at + step] for at in range(0, len(symbols), step)]
        data = b""
        for index, run in enumerate(runs):
            text = "".join(
                table[symbol] + (format(extra, f"0{bits}b") if bits else "") for symbol, extra, bits in run
            )
            text += "1" * (-len(text) % 8)
            packed = int(text, 2).to_bytes(len(text) // 8, "big") if text else b""
            data += struct.pack(">H", RST0 + (index - 1) % 8) if index else b""
            data += packed.replace(b"\xff", b"\xff\x00")
        return data


def segment(marker: int, content: bytes) -> bytes:
    """A marker segment."""
    return struct.pack(">HH", marker, len(content) + 2) + content


def number16(value: float) -> bytes:
    """An unsigned number as decimals and digits; as exact as 16 bits allow."""
    decimals = 0
    while decimals < 9 and round(value * 10 ** (decimals + 1)) < 65536:
        decimals += 1
    return struct.pack(">BH", decimals, round(value * 10**decimals))


def number32(value: float) -> bytes:
    """A signed number as sign, decimals and digits."""
    return struct.pack(">BBI", value < 0, 9, round(abs(value) * 10**9))


def symbolise(coefficients: list[int]) -> list[tuple[int, int, int]]:
    """Return (symbol, extra value, extra bits) of each run and coefficient (part 1, table 1)."""
    symbols: list[tuple[int, int, int]] = []
    zeros = 0
    for value in [*coefficients, None]:
        if value == 0 and zeros < 65535:
            zeros += 1
            continue
        if zeros:
            wide = (zeros, 0, 0) if zeros <= 100 else (105, zeros, 8) if zeros < 256 else (106, zeros, 16)
            symbols.append(wide)
        zeros = 1 if value == 0 else 0
        if value is None or value == 0:
            continue
        if -73 <= value <= 74:
            symbols.append((value + 180, 0, 0))
        else:
            bits = 8 if abs(value) < 256 else 16
            symbols.append(((101 if value > 0 else 102) + (2 if bits == 16 else 0), abs(value), bits))
    return symbols


def huffman_table(symbols: list[int]) -> dict[int, str]:
    """Return a canonical code in order of length; the code of ones only stays free."""
    counts = Counter(symbols)
    heap = [(count, symbol, (symbol,)) for symbol, count in counts.items()] + [(0, -1, (-1,))]
    depth = dict.fromkeys((*counts, -1), 0)
    heapq.heapify(heap)
    while len(heap) > 1:
        first, second = heapq.heappop(heap), heapq.heappop(heap)
        for symbol in (*first[2], *second[2]):
            depth[symbol] += 1
        heapq.heappush(heap, (first[0] + second[0], min(first[1], second[1]), first[2] + second[2]))
    longest = max(depth.values())
    assert longest <= 16, "the test image needs codes that are too long"
    depth[-1] = longest  # the free code comes last among the longest, hence it is all ones
    order = sorted(depth, key=lambda symbol: (depth[symbol], symbol == -1, symbol))
    table: dict[int, str] = {}
    code = length = 0
    for symbol in order:
        code <<= depth[symbol] - length
        length = depth[symbol]
        if symbol != -1:
            table[symbol] = format(code, f"0{length}b")
        code += 1
    return table
