"""The histogram of scores as a drawing in the page (SVG): counts on a logarithmic scale."""

from __future__ import annotations

import math
from collections.abc import Sequence

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 900, 300, 60, 40, 16, 30
"""Of the drawing, px; half of the last mark's number stands in the right margin."""

STEP = 2
"""dB of one bar."""

TICK = 20
"""dB between two marks of the axis."""


def histogram_chart(histogram: Sequence[int], threshold: float, compared: int) -> str:
    """Return the drawing.

    Parameters
    ----------
    histogram : sequence of int
        Pairs by score, 1 dB each; the last has what is above.
    threshold : float
    compared : int
        Pairs: of so many strangers, compared * 10^(-score / 10) score as much or more.
    """
    used = max((i for i, n in enumerate(histogram) if n), default=0)
    end = max(used + STEP, int(threshold) + TICK)
    end += -end % TICK
    padded = [*histogram, *[0] * max(end - len(histogram), 0)]
    bars = [sum(padded[at : at + STEP]) for at in range(0, min(end, len(padded)), STEP)]
    top = max(math.log10(max([*bars, compared, 10])), 1.0)

    def x(score: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * score / end

    def y(count: float) -> float:
        # From one tenth, so that a single pair is a bar.
        share = (math.log10(max(count, 0.1)) + 1.0) / (top + 1.0)
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * share

    base = HEIGHT - BOTTOM
    width = x(STEP) - x(0) - 1
    drawn = [
        f'<rect x="{x(i * STEP):.1f}" y="{y(n):.1f}" width="{width:.1f}" height="{base - y(n):.1f}" '
        f'fill="{"#1f5fa8" if i * STEP >= threshold else "#9db4cf"}"/>'
        for i, n in enumerate(bars)
        if n
    ]
    bar_share = 1.0 - 10.0 ** (-STEP / 10.0)
    model = [(s, compared * 10.0 ** (-s / 10.0) * bar_share) for s in range(0, end, STEP)]
    points = " ".join(f"{x(s + STEP / 2):.1f},{y(n):.1f}" for s, n in model if n >= 0.1)
    ticks = "".join(
        f'<text x="{x(s):.1f}" y="{base + 18}" text-anchor="middle">{s}</text>'
        for s in range(0, end + 1, TICK)
    )
    counts = "".join(
        f'<text x="{LEFT - 6}" y="{y(10.0**p) + 4:.1f}" text-anchor="end">{10**p:,}</text>'
        for p in range(0, int(top) + 1, 2)
    )
    words = (
        f"Histogram of the fused scores of {compared:,} pairs, on a logarithmic scale, with the model of "
        f"strangers and the threshold at {threshold:.1f} dB"
    )
    return (
        f'<div class="wide"><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{words}" '
        'font-size="12" font-family="system-ui, sans-serif" fill="#1b2430">\n'
        f'{"".join(drawn)}\n<polyline points="{points}" fill="none" stroke="#9a3412" stroke-width="2"/>\n'
        f'<line x1="{x(threshold):.1f}" x2="{x(threshold):.1f}" y1="{TOP}" y2="{base}" stroke="#1b2430" '
        f'stroke-dasharray="5 4"/>\n<text x="{x(threshold) + 5:.1f}" y="{TOP + 10}">threshold</text>\n'
        f'<line x1="{LEFT}" x2="{WIDTH}" y1="{base}" y2="{base}" stroke="#4d5763"/>\n{ticks}{counts}'
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 4}" text-anchor="middle">score, dB = -10 log10(FMR)</text>\n'
        "</svg></div>\n<p class='soft'>Bars: pairs that were scored. Line: what strangers alone would give. "
        "Bars above the line are people who are there more than once.</p>\n"
    )
