"""Votes for the rows of a fingerprint index, slowly and by the definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

CODE_PARTS = 16
FARTHEST = 255
FEW, SCALE, SHIFT = 8, 8, 8


def row_votes(probe: Any, lists: npt.NDArray[np.uint16], codes: npt.NDArray[np.uint8]) -> int:
    """Return the votes of one row, whose minutiae have these lists and codes.

    Each minutia of the probe gives the greatest weight of the row's minutiae that stand in one of its lists;
    the sum is 8 / sqrt(minutiae) fold, in fixed point.
    """
    total = 0
    for voter in range(len(probe.bases)):
        best = 0
        for of_list, code in zip(lists.tolist(), codes, strict=True):
            if of_list not in probe.lists[voter].tolist():
                continue
            distance = int(probe.bases[voter])
            for part in range(CODE_PARTS):
                centre = int(code[part // 2]) >> (4 * (part % 2)) & 15
                distance += int(probe.tables[voter, part, centre])
            best = max(best, int(probe.weights[min(distance, FARTHEST)]))
        total += best
    factor = round((SCALE << SHIFT) / max(len(lists), FEW) ** 0.5)
    return min(65535, total * factor >> SHIFT)


def row_support(probe: Any, print_: Any) -> int:
    """Return the votes of one row that agree on one motion.

    Each vote that joins a minutia of the probe with one of the row, the six strongest of them, says how
    the row turns and shifts; votes whose minutiae then lie and face alike agree with it. Of them the best
    once a minutia of the probe are added up, and the best once a minutia of the row: the lesser counts.
    """
    pairs = []
    for voter in range(len(probe.bases)):
        for j, (of_list, code) in enumerate(zip(print_.lists.tolist(), print_.codes, strict=True)):
            if of_list not in probe.lists[voter].tolist():
                continue
            distance = int(probe.bases[voter])
            for part in range(CODE_PARTS):
                centre = int(code[part // 2]) >> (4 * (part % 2)) & 15
                distance += int(probe.tables[voter, part, centre])
            weight = int(probe.weights[min(distance, FARTHEST)])
            if weight > 0:
                pairs.append((weight, voter, *print_.places[j].tolist(), j))
    pairs.sort(key=lambda pair: pair[:-1], reverse=True)
    most = 0
    for _, i0, x0, y0, d0, _ in pairs[:6]:
        turn = (int(probe.places[i0, 2]) - d0) % 256
        cosine = round(np.cos(turn * np.pi / 128) * 16384)
        sine = round(np.sin(turn * np.pi / 128) * 16384)
        by_voter: dict[int, int] = {}
        by_row: dict[int, int] = {}
        for weight, i, x, y, d, j in pairs:
            if abs(_turned(int(probe.places[i, 2]) - d - turn)) > 16:
                continue
            dx, dy = _turned(x - x0), _turned(y - y0)
            ex = cosine * dx + sine * dy - 16384 * _turned(int(probe.places[i, 0]) - int(probe.places[i0, 0]))
            ey = cosine * dy - sine * dx - 16384 * _turned(int(probe.places[i, 1]) - int(probe.places[i0, 1]))
            if max(abs(ex), abs(ey)) <= 4 * 16384 + 983 * max(abs(dx), abs(dy)):
                by_voter[i] = max(by_voter.get(i, 0), weight)
                by_row[j] = max(by_row.get(j, 0), weight)
        most = max(most, min(sum(by_voter.values()), sum(by_row.values())))
    factor = round((SCALE << SHIFT) / max(len(print_.lists), FEW) ** 0.5)
    return min(65535, most * factor >> SHIFT)


def _turned(difference: int) -> int:
    """Return a difference of numbers modulo 256, from -128 to 127."""
    return (difference + 128) % 256 - 128


def cylinder_features(
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    direction: npt.NDArray[np.float64],
    kept: npt.NDArray[np.int64],
) -> npt.NDArray[np.float64]:
    """Return cylinder weights (M, sections * cells) by the paper's formulas, angles in rad, y down."""
    sections, radius, sigma_space, sigma_angle = 5, 70.0, 28 / 3, 2 * np.pi / 9
    reach = radius + 3 * sigma_space
    line = (np.arange(8) + 0.5) * 2 * radius / 8 - radius
    grid = [(a, b) for a in line for b in line if a * a + b * b <= radius * radius]
    cells = np.array(grid).T
    out = np.zeros((len(kept), sections, len(cells[0])))
    middles = -np.pi + (np.arange(sections) + 0.5) * 2 * np.pi / sections
    for number, i in enumerate(kept.tolist()):
        turn = np.exp(-1j * direction[i])
        for j in range(len(x)):
            offset = complex(x[j] - x[i], y[i] - y[j])
            if j == i or abs(offset) > reach:
                continue
            place = offset * turn
            apart = np.hypot(cells[0] - place.real, cells[1] - place.imag)
            space = np.where(apart <= 3 * sigma_space, np.exp(-(apart**2) / (2 * sigma_space**2)), 0.0)
            off = np.angle(np.exp(1j * (direction[i] - direction[j] - middles)))
            angle = np.exp(-(off**2) / (2 * sigma_angle**2))
            out[number] += angle[:, None] * space[None, :]
    return out.reshape(len(kept), sections * len(cells[0]))
