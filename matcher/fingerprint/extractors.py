"""The fingerprint extractors by the names that commands and settings use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from matcher.errors import ArgumentError
from matcher.fingerprint.trace import Trace
from matcher.types import FingerPosition, FingerprintTemplate, Image


class Extract(Protocol):
    """What an extractor does: see `matcher.fingerprint.extract.extract`."""

    def __call__(
        self, image: Image, *, position: FingerPosition = ..., trace: Trace | None = ...
    ) -> FingerprintTemplate:
        """Return the template of an image."""


@dataclass(frozen=True, slots=True)
class Extractor:
    """One extractor; building it imports nothing heavy.

    Attributes
    ----------
    name : str
        As `--extractor` takes it.
    id : str
        As its templates name it; chooses the calibration.
    """

    name: str
    id: str
    _load: Callable[[], Extract]

    def load(self) -> Extract:
        """Return the function that extracts, ready to be called: what it needs is found or refused now.

        Raises
        ------
        ModelMissingError, ModelCorruptError, ModelRuntimeError
            If the extractor is a model that is not at hand.
        """
        return self._load()


def _numba() -> Extract:
    from matcher.fingerprint.extract import extract

    return extract


def _leader() -> Extract:
    from matcher.fingerprint.leader import extract_leader
    from matcher.fingerprint.leader_network import network

    network()
    return extract_leader


EXTRACTORS = {
    "numba": Extractor("numba", "numba/1", _numba),
    "leader": Extractor("leader", "leader/1", _leader),
}

DEFAULT = "numba"
"""The extractor where nobody names one: it needs no model."""


def find_extractor(name: str) -> Extractor:
    """Return the extractor of that name.

    Raises
    ------
    ArgumentError
        If there is none.
    """
    if name not in EXTRACTORS:
        known = ", ".join(EXTRACTORS)
        raise ArgumentError(f'Extractor: "{name}" is unknown.', hint=f"Known are {known}.")
    return EXTRACTORS[name]
