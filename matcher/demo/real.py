"""People of a data set on disk: the first sample of each identity is enrolled, the others are probes."""

from __future__ import annotations

from pathlib import Path

from matcher.datasets.load import load
from matcher.datasets.samples import Dataset
from matcher.demo.people import Person, Population
from matcher.errors import ArgumentError, DatasetMissingError
from matcher.samples import Sample, SampleKind
from matcher.service.server import MAX_REQUEST_BYTES
from matcher.template.modality import Position, unknown_position
from matcher.types import Modality

STRANGER_SHARE = 0.2
"""Share of the persons that is not enrolled."""

MAX_STRANGERS = 100
"""Most identities that search without being enrolled."""

MIN_SUBJECTS = 2
"""Fewer leave nothing to compare across people."""

MAX_FILE_BYTES = MAX_REQUEST_BYTES - 4096
"""Largest image file: the message around it needs some room."""


def people_of(name: str, root: Path, subjects: int, modality: str = "fingerprint") -> Population:
    """Read a data set of fingerprints, eyes or faces.

    A subject is an identity (one finger, one eye, one face), as in `matcher evaluate`. The last persons by
    name, a fifth of them, are strangers; where the set does not say whose a finger or eye is, each counts as
    a person.

    Parameters
    ----------
    name : str
        Of the layout: fvc, casia1, lfw, folders ...
    root : Path
    subjects : int
        Most identities to enrol.
    modality : str
        fingerprint, iris or face.

    Raises
    ------
    ArgumentError, DatasetError
        If there is no such layout or set, or too few identities with two samples.
    """
    position = unknown_position(Modality[modality.upper()])
    dataset = load(name, root, modality=modality)
    files = _files_by_identity(dataset)
    known = [identity for identity, paths in files.items() if len(paths) > 1]
    whose = dict(zip((s.identity for s in dataset.samples), dataset.clusters, strict=True))
    persons = list(dict.fromkeys(whose[identity] for identity in known))
    kept = len(persons) - int(len(persons) * STRANGER_SHARE)
    enrolled = [i for i in known if whose[i] in set(persons[:kept])][:subjects]
    taken = {whose[i] for i in enrolled}
    others = [i for i in known if whose[i] not in taken][:MAX_STRANGERS]
    if len(enrolled) < MIN_SUBJECTS:
        raise DatasetMissingError(
            f"Demonstration: expected at least {MIN_SUBJECTS} identities with two samples each, "
            f"got {len(enrolled)}.",
            hint="Check --data and --dataset.",
        )
    return Population(
        f"{name}, {root.name}",
        False,
        tuple(_person(files[i][:1], files[i][1:], position) for i in enrolled),
        tuple(_person([], files[i][1:], position) for i in others),
    )


def _files_by_identity(dataset: Dataset) -> dict[str, list[Path]]:
    files: dict[str, list[Path]] = {}
    for sample in dataset.samples:
        files.setdefault(sample.identity, []).append(dataset.root / sample.name)
    return files


def _person(enrolment: list[Path], probes: list[Path], position: Position) -> Person:
    return Person(tuple(_read(p, position) for p in enrolment), tuple((_read(p, position),) for p in probes))


def _read(path: Path, position: Position) -> Sample:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ArgumentError(f"{path} cannot be read: {error.strerror}.") from error
    if len(data) > MAX_FILE_BYTES:
        raise ArgumentError(f"{path} is larger than {MAX_FILE_BYTES} bytes.")
    return Sample(data, SampleKind.IMAGE, position)
