"""Compiles the generator's kernels by using them once."""

from __future__ import annotations


def warm() -> None:
    """Compile everything that drawing prints needs."""
    from matcher.types import Modality

    from .population import Population

    Population(0, modalities=[Modality.FINGERPRINT]).prints(0, 1)
