"""The nouns of a data set: a sample on disk, and the samples of one set in their order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from matcher.errors import ArgumentError
from matcher.iris.types import EyePosition


@dataclass(frozen=True, slots=True)
class Sample:
    """One captured image.

    Attributes
    ----------
    name : str
        Path below the set's folder with forward slashes, suffix included; unique in the set, and its order.
    identity : str
        The finger, eye or face; samples of one identity are mated.
    person : str or None
        Whose it is, None where the set does not say.
    eye : EyePosition
        Of an iris sample, UNKNOWN where the set does not say; of others always UNKNOWN.
    """

    name: str
    identity: str
    person: str | None = None
    eye: EyePosition = EyePosition.UNKNOWN


@dataclass(frozen=True, slots=True)
class Dataset:
    """Samples of one set, ordered by name, character by character (code points).

    Attributes
    ----------
    name : str
        As in the table of layouts.
    modality : str
        "fingerprint" ...; "any" where the layout does not say.
    root : Path
        Folder that the names are below.
    samples : tuple of Sample
    """

    name: str
    modality: str
    root: Path
    samples: tuple[Sample, ...]

    def __post_init__(self) -> None:
        names = [sample.name for sample in self.samples]
        if names != sorted(set(names)):
            raise ArgumentError("Dataset: expected samples of different names, ordered by name.")

    @property
    def identities(self) -> list[str]:
        """Identities, in the order of their first samples."""
        return list(dict.fromkeys(sample.identity for sample in self.samples))

    @property
    def persons_known(self) -> bool:
        """Whether every sample says whose it is."""
        return all(sample.person is not None for sample in self.samples)

    @property
    def clusters(self) -> list[str]:
        """The independent unit of each sample: its person where known, else its identity."""
        if self.persons_known:
            return [str(sample.person) for sample in self.samples]
        return [sample.identity for sample in self.samples]
