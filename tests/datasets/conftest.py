"""Fingers that several tests of this folder look at."""

from __future__ import annotations

import pytest

from matcher.datasets.fingerprint_synthesis import Finger, FingerClass, generate_finger


@pytest.fixture(scope="session")
def fingers() -> dict[FingerClass, Finger]:
    """One finger of each class."""
    return {kind: generate_finger(40 + int(kind), finger_class=kind) for kind in FingerClass}
