"""The fingerprint scorer in plain NumPy, slow and straight from its description: the oracle.

Integers (similarities, votes, selection) must agree exactly; sums are in float64 here.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

F = np.float32
A = npt.NDArray[Any]


def cylinder_sets(x: A, y: A, direction: A) -> list[set[tuple[int, int]]]:
    """Return for each minutia the set of (section, cell) whose weight is over the threshold."""
    grid, sections, radius, threshold = 8, 5, 70.0, 0.3
    spread, turn_spread = 28 / 3, 2 * math.pi / 9
    line = (np.arange(grid) + 0.5) * 2 * radius / grid - radius
    cells = [(a, b) for a in line for b in line if a * a + b * b <= radius * radius]
    angle = direction * 2 * math.pi / 256
    found = []
    for i in range(len(x)):
        mine = set()
        for c, (along, across) in enumerate(cells):
            # The cell's place on the image, y up.
            px = x[i] + along * math.cos(angle[i]) - across * math.sin(angle[i])
            py = -y[i] + along * math.sin(angle[i]) + across * math.cos(angle[i])
            for s in range(sections):
                weight = 0.0
                middle = -math.pi + (s + 0.5) * 2 * math.pi / sections
                for j in range(len(x)):
                    reach = math.hypot(x[j] - x[i], y[j] - y[i])
                    distance = math.hypot(px - x[j], py + y[j])
                    if j == i or reach > radius + 3 * spread or distance > 3 * spread:
                        continue
                    off = math.remainder(middle - (angle[i] - angle[j]), 2 * math.pi)
                    weight += math.exp(-(distance**2) / (2 * spread**2)) * math.exp(
                        -(off**2) / (2 * turn_spread**2)
                    )
                if weight > threshold:
                    mine.add((s, c))
        found.append(mine)
    return found


class Unpacked(NamedTuple):
    """A resident form taken apart."""

    x: A
    y: A
    direction: A
    index: A
    cells: A  # bool (N, 5 * 52)


def unpack(words: A) -> Unpacked:
    """Take a resident form apart by its documented layout."""
    n = int(words[0]) >> 32 & 0xFF
    planes = [[int(w) for w in words[1 + k * n : 1 + (k + 1) * n]] for k in range(5)]
    high = [w >> 52 for w in planes[2]]
    return Unpacked(
        x=np.array([(w >> 52) | (h >> 8 & 3) << 12 for w, h in zip(planes[0], high, strict=True)], float),
        y=np.array([(w >> 52) | (h >> 10 & 3) << 12 for w, h in zip(planes[1], high, strict=True)], float),
        direction=np.array([h & 0xFF for h in high], int),
        index=np.array([w >> 52 & 0xFF for w in planes[3]], int),
        cells=np.array([[p[i] >> c & 1 for p in planes for c in range(52)] for i in range(n)], bool),
    )


def similarities(probe: Unpacked, candidate: Unpacked) -> A:
    """Cosine of the cylinders' bit sets in bytes: int (P, C)."""

    def inverse_norm(cells: A) -> A:
        count = cells.sum(1).astype(F)
        return np.where(count > 0, F(1) / np.sqrt(np.maximum(count, 1), dtype=F), F(0)).astype(F)

    common = (probe.cells.astype(int) @ candidate.cells.astype(int).T).astype(F)
    scaled = F(255) * inverse_norm(probe.cells)
    return np.asarray((common * scaled[:, None] * inverse_norm(candidate.cells)[None, :]).astype(int))


def choose(rows: A, most: int) -> list[tuple[int, int]]:
    """All pairs from the lowest similarity on that at most `most` pairs reach."""
    for level in range(1, 256):
        if (rows >= level).sum() <= most:
            return [(int(i), int(j)) for i, j in zip(*np.nonzero(rows >= level), strict=True)]
    return []


def vote(pairs: list[tuple[int, int]], turn: A, rows: A) -> int:
    """Centre of the four-unit bin that gathers most, smoothed; usual rotations count twice."""
    votes = np.zeros(64, np.int64)
    for i, j in pairs:
        votes[turn[i, j] // 4] += ((int(rows[i, j]) ** 2) >> 9) ** 2
    best, peak = 0, 0
    # The core's order of bins decides between equals.
    for first in range(64):
        middle = (first + 3) % 64
        total = sum(int(votes[(middle + d) % 64]) * (4 - abs(d)) for d in range(-3, 4))
        turned = middle * 4 + 2
        total *= 2 if min(turned, 256 - turned) <= 36 else 1
        if total > best:
            best, peak = total, turned
    return peak


def agreement(
    probe: Unpacked, candidate: Unpacked, turn: A, one: tuple[int, int], two: tuple[int, int]
) -> float:
    """How well two pairs fit one motion, 0 to 1."""
    if one == two:
        return 0.0
    a = complex(probe.x[two[0]] - probe.x[one[0]], -(probe.y[two[0]] - probe.y[one[0]]))
    b = complex(candidate.x[two[1]] - candidate.x[one[1]], -(candidate.y[two[1]] - candidate.y[one[1]]))
    unit = 2 * math.pi / 256
    apart = math.remainder((turn[two] - turn[one]) * unit, 2 * math.pi)
    mean = turn[one] * unit + apart / 2
    turned = b * complex(math.cos(mean), math.sin(mean))
    product = a * turned.conjugate()
    length2 = (abs(a) ** 2 + abs(b) ** 2) / 2
    if length2 == 0 or product.real <= 0:
        return 0.0
    across2 = product.imag**2 / length2
    along2 = 2 * (length2 - product.real) - across2
    along = 1 - along2 / (10.0**2 + 0.1**2 * length2)
    across = 1 - across2 / (10.0**2 + 0.4**2 * length2)
    floor = math.cos(0.3) ** 2
    rotation = (math.cos(apart / 2) ** 2 - floor) / (1 - floor)
    return along * across * rotation if min(along, across, rotation) > 0 else 0.0


class Motion(NamedTuple):
    """probe = matrix * candidate + shift, y down; turn in direction units."""

    matrix: A
    shift: A
    turn: int


def fit(p: A, q: A, turns: A, weight: A, stretch: bool) -> Motion:
    """Weighted least squares: a rotation that holds to the directions, then a stretch that holds to it."""
    if weight.sum() <= 0:
        return Motion(np.eye(2), np.zeros(2), 0)
    p0, q0 = np.average(p, 0, weight), np.average(q, 0, weight)
    cross = ((p - p0) * weight[:, None]).T @ (q - q0)
    angles = turns * 2 * math.pi / 256
    real = cross[0, 0] + cross[1, 1] + 1000 * (weight * np.cos(angles)).sum()
    imaginary = cross[0, 1] - cross[1, 0] + 1000 * (weight * np.sin(angles)).sum()
    norm = math.hypot(real, imaginary)
    c, s = real / norm, imaginary / norm
    matrix = np.array([[c, s], [-s, c]])
    if stretch:
        spread = ((q - q0) * weight[:, None]).T @ (q - q0)
        matrix = (cross + 3000 * matrix) @ np.linalg.inv(spread + 3000 * np.eye(2))
    turn = round(math.atan2(s, c) * 128 / math.pi) & 255
    return Motion(matrix, p0 - matrix @ q0, turn)


def signed(turn: A) -> A:
    """Direction units brought to -128 .. 127."""
    return (turn + 128) % 256 - 128


def match(probe: Unpacked, candidate: Unpacked, motion: Motion, reach: float) -> list[tuple[int, int, float]]:
    """Each probe minutia claims its closest; of the claims on one candidate minutia the closest wins.

    Directions are whole units, so closeness often ties: the higher number wins.
    """
    p = np.stack([probe.x, probe.y], 1)
    q = np.stack([candidate.x, candidate.y], 1) @ motion.matrix.T + motion.shift
    far = ((p[:, None] - q[None]) ** 2).sum(2) / reach**2
    off = signed(probe.direction[:, None] - candidate.direction[None] - motion.turn)
    closeness = 1 - np.maximum(far, (off / 21.3333) ** 2)
    claims: dict[int, tuple[int, float]] = {}
    for i in range(len(p)):
        j = int(np.flatnonzero(closeness[i] >= closeness[i].max() - 1e-9)[-1])
        if closeness[i, j] > 0 and closeness[i, j] >= claims.get(j, (0, 0.0))[1] - 1e-9:
            claims[j] = (i, float(closeness[i, j]))
    return [(i, j, w) for j, (i, w) in sorted(claims.items())]


def compare(probe_words: A, candidate_words: A) -> dict[str, Any]:
    """Score two resident forms; the parts by their names, `pairs` as a set of template indices."""
    probe, candidate = unpack(probe_words), unpack(candidate_words)
    nothing = {"raw": 0.0, "local": 0.0, "relaxed": 0.0, "consensus": 0.0, "paired": 0, "pairs": set()}
    fewer = min(len(probe.x), len(candidate.x))
    if fewer < 2:
        return nothing
    turn = (probe.direction[:, None] - candidate.direction[None]) % 256
    rows = similarities(probe, candidate)
    peak = vote(choose(rows, min(4 * fewer, 512)), turn, rows)
    rows = np.where(np.abs(signed(turn - peak)) <= 40, rows, 0)
    ranked = sorted(choose(rows, min(8 * fewer, 512)), key=lambda pair: (-rows[pair], pair))
    pairs: list[tuple[int, int]] = []
    for i, j in ranked:
        if len(pairs) < min(fewer, 48) and all(i != a and j != b for a, b in pairs):
            pairs.append((i, j))
    if len(pairs) < 2:
        return nothing

    wanted = int(4 + 6 / (1 + math.exp(-0.4 * (fewer - 20))) + 0.5)
    similarity = np.array([rows[pair] / 255 for pair in pairs])
    rho = np.array([[agreement(probe, candidate, turn, one, two) for two in pairs] for one in pairs])
    support = similarity.copy()
    shared = len(pairs) - 1 if len(pairs) > 17 else math.sqrt(16 * (len(pairs) - 1))
    for _ in range(4):
        support = 0.5 * support + 0.5 * (rho @ support) / shared
    order = np.argsort(-support, kind="stable")
    relaxed = support[order[:wanted]].sum() / wanted
    if relaxed < 0.0275:
        return nothing | {
            "raw": 200 * relaxed,
            "local": similarity[:wanted].sum() / wanted,
            "relaxed": relaxed,
        }

    p = np.array([[probe.x[i], probe.y[i]] for i, _ in pairs])
    q = np.array([[candidate.x[j], candidate.y[j]] for _, j in pairs])
    turns = np.array([turn[pair] for pair in pairs])
    most, carried = -1.0, np.zeros(len(pairs))
    for o in order[:12]:
        angle = turns[o] * 2 * math.pi / 256
        matrix = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
        far = ((q @ matrix.T + p[o] - matrix @ q[o] - p) ** 2).sum(1) / 18.0**2
        misfit = np.maximum(far, (signed(turns - turns[o]) / 21.3333) ** 2)
        mine = np.where(misfit < 1, (1 - misfit) * support, 0)
        if mine.sum() > most:
            most, carried = mine.sum(), mine
    motion = fit(p, q, turns, carried, False)
    for _ in range(2):
        draft = match(probe, candidate, motion, 18.0)
        motion = fit(
            np.array([[probe.x[i], probe.y[i]] for i, _, _ in draft]).reshape(-1, 2),
            np.array([[candidate.x[j], candidate.y[j]] for _, j, _ in draft]).reshape(-1, 2),
            np.array([turn[i, j] for i, j, _ in draft]),
            np.array([w for _, _, w in draft]),
            len(draft) >= 4,
        )
    matches = match(probe, candidate, motion, 12.0)
    moved = np.stack([candidate.x, candidate.y], 1) @ motion.matrix.T + motion.shift
    mine = np.stack([probe.x, probe.y], 1)
    low = np.maximum(mine.min(0), moved.min(0)) - 0.5
    high = np.minimum(mine.max(0), moved.max(0)) + 0.5
    inside = [int(((s >= low) & (s <= high)).all(1).sum()) for s in (mine, moved)]
    total = sum(w for _, _, w in matches)
    consensus = total**2 / math.sqrt(max(inside[0], 1) * max(inside[1], 1))
    return {
        "raw": 200 * relaxed + 3.5 * consensus,
        "local": similarity[:wanted].sum() / wanted,
        "relaxed": relaxed,
        "consensus": consensus,
        "paired": len(matches),
        "pairs": {(int(probe.index[i]), int(candidate.index[j])) for i, j, _ in matches},
    }
