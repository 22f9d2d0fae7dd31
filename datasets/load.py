"""A folder on disk to a data set: names only, no image is opened."""

from __future__ import annotations

import os
from pathlib import Path

from matcher.datasets.layouts import ANY_MODALITY, IMAGE_SUFFIXES, layout
from matcher.datasets.samples import Dataset
from matcher.errors import ArgumentError, DatasetLayoutError, DatasetMissingError

MAX_SAMPLES = 1_000_000
"""More files than any public set of these kinds holds; a wrong --root is found before memory is."""

MAX_DEPTH = 2
"""Folders below the root that any layout uses, and one more, so that a wrong --root is reported."""


def _image_names(root: Path) -> list[str]:
    names: list[str] = []
    for folder, folders, files in os.walk(root):
        below = Path(folder).relative_to(root)
        folders[:] = [f for f in folders if not f.startswith(".")] if len(below.parts) < MAX_DEPTH else []
        for file in files:
            if not file.startswith(".") and Path(file).suffix.lower() in IMAGE_SUFFIXES:
                names.append((below / file).as_posix())
        if len(names) > MAX_SAMPLES:
            raise DatasetLayoutError(f"Data set: expected at most {MAX_SAMPLES} images below the folder.")
    return sorted(names)


def load(name: str, root: Path, *, modality: str | None = None) -> Dataset:
    """List the samples of a data set.

    Parameters
    ----------
    name : str
        A name in `matcher.datasets.layouts.LAYOUTS`.
    root : Path
        The set's folder.
    modality : str, optional
        What the caller wants to do with it.

    Returns
    -------
    Dataset
        Samples ordered by name. Hidden files and files that are no images are passed over.

    Raises
    ------
    ArgumentError
        If the name is unknown or belongs to another modality.
    DatasetMissingError
        If there is no such folder, or no image in it.
    DatasetLayoutError
        If an image is named otherwise than the layout says.
    """
    form = layout(name)
    if modality is not None and form.modality not in (modality, ANY_MODALITY):
        raise ArgumentError(f'Data set: "{name}" holds {form.modality} samples, not {modality}.')
    if not root.is_dir():
        raise DatasetMissingError("Data set: expected a folder, found none.", hint="Check --root.")
    names = _image_names(root)
    if not names:
        raise DatasetMissingError(
            "Data set: the folder holds no images.", hint=f"Expected files named {form.shape}."
        )
    return Dataset(name, modality or form.modality, root, tuple(form.sample(n) for n in names))
