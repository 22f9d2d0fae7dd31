"""What the tests of three-party matching share: three parties in one process, and plain references."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from matcher.privacy.randomness import Shared
from matcher.privacy.rounds import Part, Traffic, run_together


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    """The module tests/reference_privacy.py."""
    path = Path(__file__).resolve().parent.parent / "reference_privacy.py"
    spec = importlib.util.spec_from_file_location("matcher_reference_privacy", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261123)


class Trio:
    """Three parties with pairwise keys, in this process."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def keys(self) -> list[bytes]:
        """Draw one key for each pair of parties."""
        return [self._rng.bytes(16) for _ in range(3)]

    def shared(self, kind: type[Shared] = Shared, keys: Sequence[bytes] | None = None) -> list[Shared]:
        """Return what the parties draw, under fresh keys."""
        drawn = self.keys() if keys is None else keys
        return [kind(i, drawn[i], drawn[i - 1]) for i in range(3)]

    def split(self, values: np.ndarray, dtype: Any) -> list[np.ndarray]:
        """Return additive shares of values."""
        wanted = values.astype(np.int64).astype(dtype)
        top = np.iinfo(dtype).max
        one, two = (self._rng.integers(0, top, len(values), dtype=dtype, endpoint=True) for _ in range(2))
        return [one, two, wanted - one - two]

    def run(
        self,
        part: Callable[..., Part[Any]],
        *arguments: Sequence[Any],
        traffic: Traffic | None = None,
        kind: type[Shared] = Shared,
    ) -> list[Any]:
        """Run part(shared, argument...) for each party; arguments are lists of three."""
        parts = [part(s, *(a[s.index] for a in arguments)) for s in self.shared(kind)]
        return run_together(parts, traffic)


@pytest.fixture
def trio() -> Trio:
    return Trio(1)
