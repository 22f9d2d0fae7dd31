"""Compiles the generator's kernels by using them once."""

from __future__ import annotations


def warm() -> None:
    """Compile everything that making a picture of an eye needs."""
    from .draw import draw_eye
    from .settings import MIN_SIDE, EyeSettings

    draw_eye(0, 0, difficulty=EyeSettings(height=MIN_SIDE, width=MIN_SIDE, radius=40.0))
