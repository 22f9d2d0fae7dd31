"""Compiles the generator's kernels by using them once."""

from __future__ import annotations


def warm() -> None:
    """Compile everything that making a finger and an impression needs."""
    from .finger import generate_finger
    from .impression import generate_impression
    from .settings import ImpressionSettings

    generate_impression(generate_finger(0), 0, difficulty=ImpressionSettings(scratches=1))
