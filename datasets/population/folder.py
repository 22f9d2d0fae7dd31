"""A population on disk: `population.json` and shards of 4,096 people, written by several processes.

    OUT/population.json          format, seed, options, labels, and the name of each shard
    OUT/subjects-000000.npz      enrolments of subjects 0 to 4,095; the columns of `columns.py`
    OUT/probes-000000-000000.npz probes, sample 0, of the same; the second number is the shard's

Shards are NumPy's npz without compression: a zip archive of arrays, each with a checksum. The same options
write the same bytes.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from matcher.errors import ArgumentError, DatasetLayoutError, DatasetMissingError
from matcher.fingerprint.parameters import EXTRACTOR_ID as PRINT_EXTRACTOR
from matcher.iris.parameters import EXTRACTOR_ID as IRIS_EXTRACTOR
from matcher.types import FingerPosition, Modality

from .columns import FORMS, Columns, from_columns, to_columns
from .modalities import default_face_model
from .population import Population, SyntheticPerson

FORMAT = 1
"""Version of the layout that is written and read."""

MANIFEST = "population.json"

SHARD = 4096
"""People in a shard: whole blocks of the iris and face generators."""

MAX_SHARD_BYTES = 1 << 30
"""Largest array that is read; a shard of ten fingers, two irises and a face has 60 MB in all."""

MAX_MANIFEST_BYTES = 64 << 20

MAX_SUBJECTS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be written. Pickles: it travels to worker processes.

    Attributes
    ----------
    seed, subjects, fingers, duplicates, modalities
        As in `Population`; numbers 0 to `subjects - 1` are written.
    probes : int
        Samples of each subject beside the enrolment.
    """

    seed: int
    subjects: int
    fingers: int = 2
    probes: int = 0
    duplicates: float = 0.0
    modalities: tuple[Modality, ...] = tuple(Modality)

    def population(self) -> Population:
        """Return the population that is written."""
        return Population(
            self.seed, fingers=self.fingers, modalities=self.modalities, duplicates=self.duplicates
        )

    def shards(self) -> list[tuple[int, int | None]]:
        """Return the number of each shard, and its sample, None for enrolments."""
        numbers = range(-(-self.subjects // SHARD))
        return [(n, sample) for sample in (None, *range(self.probes)) for n in numbers]


def shard_name(number: int, sample: int | None) -> str:
    """Return the name of a shard's file."""
    return f"subjects-{number:06d}.npz" if sample is None else f"probes-{sample:06d}-{number:06d}.npz"


def write_population(
    out: Path, order: Order, *, jobs: int = 1, progress: Callable[[int, int], None] | None = None
) -> None:
    """Write a population into an empty or new folder; the manifest comes last, so half a folder has none.

    Parameters
    ----------
    out : Path
    order : Order
    jobs : int
        Processes; spawned, never forked.
    progress : callable, optional
        Called with (shards done, all).

    Raises
    ------
    ArgumentError
        If an option is out of range or the folder is not empty.
    """
    if not 1 <= order.subjects <= MAX_SUBJECTS or order.probes < 0 or jobs < 1:
        raise ArgumentError(
            f"Population: expected 1 to {MAX_SUBJECTS} subjects, probes from 0 and jobs from 1."
        )
    population = order.population()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ArgumentError("--out: expected a new or an empty folder.")
    out.mkdir(parents=True, exist_ok=True)
    shards = order.shards()
    done = 0

    def tell() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, len(shards))

    if jobs == 1 or len(shards) == 1:
        for shard in shards:
            _write_shard(out, order, shard)
            tell()
    else:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(max_workers=min(jobs, len(shards)), mp_context=context) as pool:
            for future in [pool.submit(_write_shard, out, order, shard) for shard in shards]:
                future.result()
                tell()
    manifest = {
        "format": FORMAT,
        "seed": order.seed,
        "subjects": order.subjects,
        "fingers": [int(position) for position in population.positions],
        "modalities": sorted(int(modality) for modality in order.modalities),
        "duplicates": order.duplicates,
        "probes": order.probes,
        "labels": [PRINT_EXTRACTOR, IRIS_EXTRACTOR, default_face_model()],
        "shards": [shard_name(*shard) for shard in shards],
    }
    (out / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _write_shard(out: Path, order: Order, shard: tuple[int, int | None]) -> None:
    number, sample = shard
    population = order.population()
    begin, end = number * SHARD, min((number + 1) * SHARD, order.subjects)
    drawn = (
        population.subjects(begin, end) if sample is None else population.probes(begin, end, sample=sample)
    )
    columns: dict[str, Any] = dict(to_columns(drawn))
    np.savez(out / shard_name(number, sample), **columns)


@dataclass(frozen=True, slots=True)
class PopulationFolder:
    """A population that was written.

    Attributes
    ----------
    root : Path
    seed, subjects, probes : int
    duplicates : float
    fingers : tuple of FingerPosition
    modalities : frozenset of Modality
    labels : three str
        Extractors of prints and irises, and the face model's id.
    """

    root: Path
    seed: int
    subjects: int
    probes: int
    duplicates: float
    fingers: tuple[FingerPosition, ...]
    modalities: frozenset[Modality]
    labels: tuple[str, str, str]

    @classmethod
    def open(cls, root: Path) -> PopulationFolder:
        """Read the manifest.

        Raises
        ------
        DatasetMissingError
            If there is none.
        DatasetLayoutError
            If it is of another format, or damaged.
        """
        path = root / MANIFEST
        if not path.is_file():
            raise DatasetMissingError(
                f"Population: expected {MANIFEST} in the folder, found none.",
                hint="`matcher synth population` writes one; it comes last.",
            )
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            raise DatasetLayoutError("Population: the manifest is too large.")
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
            if value["format"] != FORMAT:
                raise DatasetLayoutError(f"Population: expected format {FORMAT}, got another.")
            first, second, third = (str(label) for label in value["labels"])
            return cls(
                root,
                int(value["seed"]),
                int(value["subjects"]),
                int(value["probes"]),
                float(value["duplicates"]),
                tuple(FingerPosition(code) for code in value["fingers"]),
                frozenset(Modality(code) for code in value["modalities"]),
                (first, second, third),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DatasetLayoutError("Population: the manifest is damaged.") from error

    def enrolments(self) -> Iterator[SyntheticPerson]:
        """Yield the enrolments in their order; one shard is in memory at a time."""
        yield from self._people(None)

    def probe_samples(self, sample: int = 0) -> Iterator[SyntheticPerson]:
        """Yield the probes of one sample.

        Raises
        ------
        ArgumentError
            If that sample was not written.
        """
        if not 0 <= sample < self.probes:
            raise ArgumentError(f"sample: expected one of the {self.probes} written, got {sample}.")
        yield from self._people(sample)

    def _people(self, sample: int | None) -> Iterator[SyntheticPerson]:
        for number in range(-(-self.subjects // SHARD)):
            yield from from_columns(read_columns(self.root / shard_name(number, sample)), self.labels)


def read_columns(path: Path) -> Columns:
    """Return the columns of a shard. No array is allocated that is larger than its part of the file.

    Raises
    ------
    DatasetMissingError
        If there is no such file.
    DatasetLayoutError
        If it is no shard, or damaged.
    """
    if not path.is_file():
        raise DatasetMissingError("Population: a shard is missing.", hint="Write the population again.")
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename: info for info in archive.infolist()}
            if set(members) != {f"{name}.npy" for name in FORMS} or len(archive.infolist()) != len(FORMS):
                raise DatasetLayoutError("Population: a shard has other parts than expected.")
            return {name: _read_array(archive, members[f"{name}.npy"]) for name in FORMS}
    except (zipfile.BadZipFile, ValueError, EOFError, OSError, NotImplementedError) as error:
        raise DatasetLayoutError("Population: a shard is damaged.") from error


def _read_array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Any:
    if info.compress_type != zipfile.ZIP_STORED or not 0 <= info.file_size <= MAX_SHARD_BYTES:
        raise DatasetLayoutError("Population: a part of a shard is compressed or too large.")
    data = archive.read(info)  # as long as it says, or a BadZipFile; the checksum is looked at
    stream = io.BytesIO(data)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise DatasetLayoutError("Population: a part of a shard is no array.")
    shape, fortran, kind = np.lib.format.read_array_header_1_0(stream)
    size = int(np.prod(shape, dtype=object)) if shape else 1
    if (
        fortran
        or kind.hasobject
        or min(shape, default=0) < 0
        or size * kind.itemsize != len(data) - stream.tell()
    ):
        raise DatasetLayoutError("Population: a part of a shard has another size than it says.")
    return np.frombuffer(data, kind, size, stream.tell()).reshape(shape)
