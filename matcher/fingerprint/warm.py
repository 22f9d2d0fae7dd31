"""Compiles the fingerprint kernels by using them once."""

from __future__ import annotations


def warm() -> None:
    """Compile everything that extraction and preparation for the scorer need."""
