"""The slow dlib networks."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

REFERENCE = Path(__file__).resolve().parent.parent / "reference_face_dlib.py"


@pytest.fixture(scope="session")
def dlib() -> ModuleType:
    """The module tests/reference_face_dlib.py."""
    spec = importlib.util.spec_from_file_location("matcher_reference_face_dlib", REFERENCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
