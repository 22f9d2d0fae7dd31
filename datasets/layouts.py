"""The table of data sets: how each names its files, and what a name says about finger and person."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from matcher.datasets.samples import Sample
from matcher.errors import ArgumentError, DatasetLayoutError
from matcher.iris.types import EyePosition

IMAGE_SUFFIXES = frozenset({".tif", ".tiff", ".png", ".bmp", ".pgm", ".jpg", ".jpeg", ".jp2", ".j2k", ".wsq"})
"""Suffixes, in lower case, of files that are taken for images; others are passed over."""

ANY_MODALITY = "any"
"""Modality of a layout that fits each of them."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a data set names its files.

    Attributes
    ----------
    modality : str
    shape : str
        The layout in words, for errors and documentation.
    pattern : str
        Regular expression over the name below the set's folder, its suffix taken off; the groups named
        `identity...`, joined by "_", are the identity, a group `person` is also part of it and the person.
    eyes : dict of str to EyePosition
        What the group `identity` says about the eye; empty where it says nothing.
    """

    modality: str
    shape: str
    pattern: str
    eyes: dict[str, EyePosition] = field(default_factory=dict)

    def sample(self, name: str) -> Sample:
        """Return what `name` (below the set's folder) says.

        Raises
        ------
        DatasetLayoutError
            If the name has another form.
        """
        stem, _, suffix = name.rpartition(".")
        match = re.fullmatch(self.pattern, stem)
        if match is None or f".{suffix.lower()}" not in IMAGE_SUFFIXES:
            raise DatasetLayoutError(
                f"Data set: expected files named {self.shape}, got one of another form.",
                hint="Check --root and --dataset; keep other images elsewhere.",
            )
        groups = match.groupdict()
        person = groups.get("person")
        identity = "_".join(value for key, value in groups.items() if key == "person" or "identity" in key)
        eye = self.eyes.get(groups.get("identity", ""), EyePosition.UNKNOWN)
        return Sample(name=name, identity=identity, person=person, eye=eye)


LAYOUTS: dict[str, Layout] = {
    # FVC2000 to FVC2004: finger and impression; nothing says which fingers share a person.
    "fvc": Layout("fingerprint", "F_I.tif", r"(?P<identity>\d+)_\d+"),
    # Neurotechnology's sample sets: the first number is the person.
    "neurotechnology": Layout(
        "fingerprint", "person_finger_scan.tif", r"(?P<person>\d+)_(?P<identity>\d+)_\d+"
    ),
    "folders": Layout(ANY_MODALITY, "identity/sample.*", r"(?P<identity>[^/]+)/[^/]+"),
    # CASIA-IrisV1: eye, session and sample; which eye it is, and whose, nothing says.
    "casia1": Layout("iris", "eye/NNN_s_i.jpg", r"[^/]+/(?P<identity>\d{3})_\d+_\d+"),
    "mmu2": Layout(
        "iris",
        "person/PPEESS.*",
        r"[^/]+/(?P<person>\d{2})(?P<identity>0[12])\d{2}",
        eyes={"01": EyePosition.LEFT, "02": EyePosition.RIGHT},
    ),
    # CASIA-Iris-Interval (V3, V4) keeps NNN/L/S1NNNL01.jpg; some copies are flat.
    "casia-interval": Layout(
        "iris",
        "NNN/L/S1NNNLSS.jpg",
        r"(?:[^/]+/){0,2}S\d(?P<person>\d{3})(?P<identity>[LR])\d{2}",
        eyes={"L": EyePosition.LEFT, "R": EyePosition.RIGHT},
    ),
    "lfw": Layout("face", "Name/Name_NNNN.jpg", r"(?P<person>[^/]+)/(?P=person)_\d{4}"),
}
"""Data sets by name."""


def layout(name: str) -> Layout:
    """Return the layout of the data set `name`.

    Raises
    ------
    ArgumentError
        If the name is unknown.
    """
    found = LAYOUTS.get(name)
    if found is None:
        raise ArgumentError(f"Data set: expected one of {', '.join(LAYOUTS)}; got an unknown name.")
    return found
