"""Populations on disk: what is written is read, byte by byte alike; what is damaged is refused."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.datasets.population import Order, Population, PopulationFolder, write_population
from matcher.datasets.population.columns import FORMS, from_columns, to_columns
from matcher.datasets.population.folder import MANIFEST, read_columns, shard_name
from matcher.errors import ArgumentError, DatasetLayoutError, DatasetMissingError
from matcher.types import Modality

SMALL = Order(seed=5, subjects=24, probes=1, duplicates=0.1)
LABELS = ("numba/1", "iris-numba/1", "0" * 64)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small population on disk."""
    out = tmp_path_factory.mktemp("population") / "small"
    write_population(out, SMALL)
    return out


def test_what_is_written_is_read(written: Path) -> None:
    """Enrolments and probes, as the population gives them."""
    folder = PopulationFolder.open(written)
    people = SMALL.population()
    assert list(folder.enrolments()) == people.subjects(0, 24)
    assert list(folder.probe_samples(0)) == people.probes(0, 24)
    assert (folder.seed, folder.subjects, folder.probes, folder.duplicates) == (5, 24, 1, 0.1)
    assert folder.fingers == people.positions
    assert folder.modalities == set(Modality)
    with pytest.raises(ArgumentError):
        next(folder.probe_samples(1))


def test_the_same_options_write_the_same_bytes(written: Path, tmp_path: Path) -> None:
    """And another seed others."""
    for seed, same in ((5, True), (6, False)):
        out = tmp_path / str(seed)
        write_population(out, Order(seed=seed, subjects=24, probes=1, duplicates=0.1))
        names = sorted(path.name for path in written.iterdir())
        assert sorted(path.name for path in out.iterdir()) == names
        assert [(out / n).read_bytes() == (written / n).read_bytes() for n in names] == [same] * len(names)


def test_people_without_some_modalities(tmp_path: Path) -> None:
    """Empty columns are read too."""
    for kinds in ((Modality.FACE,), (Modality.IRIS,), (Modality.FINGERPRINT,)):
        out = tmp_path / str(int(kinds[0]))
        order = Order(seed=1, subjects=2, modalities=kinds)
        write_population(out, order)
        assert list(PopulationFolder.open(out).enrolments()) == order.population().subjects(0, 2)


def test_missing_positions_survive() -> None:
    """In columns and back."""
    people = Population(21, fingers=10, modalities=[Modality.FINGERPRINT]).subjects(0, 40)
    assert any(person.missing for person in people)
    assert from_columns(to_columns(people), LABELS) == people


def test_a_folder_in_use_is_refused(written: Path, tmp_path: Path) -> None:
    """Nothing is overwritten; half a population has no manifest."""
    with pytest.raises(ArgumentError):
        write_population(written, SMALL)
    for wrong in (Order(1, 0), Order(1, 5, probes=-1), Order(1, 5, fingers=3)):
        with pytest.raises(ArgumentError):
            write_population(tmp_path / "new", wrong)
    with pytest.raises(DatasetMissingError):
        PopulationFolder.open(tmp_path)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "null", '{"format": 1}', '{"format": 2, "seed": 1}', "{" * 2000],
)
def test_damaged_manifests_are_refused(text: str, tmp_path: Path) -> None:
    """With a typed error, whatever is in them."""
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(DatasetLayoutError):
        PopulationFolder.open(tmp_path)


def test_a_manifest_of_another_type_is_refused(written: Path, tmp_path: Path) -> None:
    """One field at a time."""
    sound = json.loads((written / MANIFEST).read_text())
    for name in ("seed", "fingers", "modalities", "labels"):
        (tmp_path / MANIFEST).write_text(json.dumps({**sound, name: {"a": 1}}))
        with pytest.raises(DatasetLayoutError):
            PopulationFolder.open(tmp_path)


def test_a_missing_shard_is_named(written: Path, tmp_path: Path) -> None:
    """As missing."""
    (tmp_path / MANIFEST).write_bytes((written / MANIFEST).read_bytes())
    with pytest.raises(DatasetMissingError):
        next(PopulationFolder.open(tmp_path).enrolments())


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damaged_shards_are_refused(written: Path, data: st.DataObject, tmp_path_factory) -> None:
    """Cut off, or with bytes changed: a typed error, or what was written where the bytes do not matter."""
    sound = (written / shard_name(0, None)).read_bytes()
    path = tmp_path_factory.mktemp("damaged") / "shard.npz"
    if data.draw(st.booleans()):
        damaged = sound[: data.draw(st.integers(0, len(sound) - 1))]
    else:
        edited = bytearray(sound)
        for _ in range(data.draw(st.integers(1, 3))):
            at = data.draw(st.integers(0, len(sound) - 1) | st.integers(len(sound) - 3000, len(sound) - 1))
            edited[at] ^= data.draw(st.integers(1, 255))
        damaged = bytes(edited)
    path.write_bytes(damaged)
    expected = PopulationFolder.open(written)
    try:
        found = from_columns(read_columns(path), expected.labels)
    except DatasetLayoutError:
        return
    assert found == list(expected.enrolments())


def test_an_array_that_claims_too_much_is_refused(written: Path, tmp_path: Path) -> None:
    """A header may say any shape: no memory is taken for it."""
    columns = read_columns(written / shard_name(0, None))
    path = tmp_path / "claims.npz"
    np.savez(path, **columns)
    with zipfile.ZipFile(path) as archive:
        parts = {info.filename: archive.read(info) for info in archive.infolist()}
    count = len(columns["x"])
    header = parts["x.npy"]
    claimed = header.replace(f"({count},)".encode(), f"({count}00000000,)".encode()[: len(f"({count},)") + 8])
    parts["x.npy"] = claimed.replace(b"        \n", b"\n", 1)
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    with pytest.raises(DatasetLayoutError):
        read_columns(path)


def test_compressed_and_foreign_archives_are_refused(written: Path, tmp_path: Path) -> None:
    """No decompression, no unknown parts, no objects."""
    columns = dict(read_columns(written / shard_name(0, None)))
    path = tmp_path / "other.npz"
    np.savez_compressed(path, **columns)
    with pytest.raises(DatasetLayoutError):
        read_columns(path)
    np.savez(path, **columns, more=np.zeros(1))
    with pytest.raises(DatasetLayoutError):
        read_columns(path)
    np.savez(path, **{**columns, "x": np.array([object()], object)})
    with pytest.raises(DatasetLayoutError):
        read_columns(path)


@pytest.mark.parametrize("name", sorted(FORMS))
def test_columns_of_another_type_or_length_are_refused(written: Path, name: str) -> None:
    """Each of them."""
    columns = dict(read_columns(written / shard_name(0, None)))
    for wrong in (columns[name].astype(np.float64), np.repeat(columns[name], 2, axis=0)):
        if len(wrong):
            with pytest.raises(DatasetLayoutError):
                from_columns({**columns, name: wrong}, LABELS)
    with pytest.raises(DatasetLayoutError):
        from_columns({k: v for k, v in columns.items() if k != name}, LABELS)


@pytest.mark.parametrize(
    ("name", "value"),
    [("print_row", 99), ("iris_row", -1), ("direction", 0), ("kind", 9), ("print_position", 11), ("sex", 7)],
)
def test_values_out_of_range_are_refused(written: Path, name: str, value: int) -> None:
    """Rows, codes; a direction has no value that is wrong."""
    columns = dict(read_columns(written / shard_name(0, None)))
    edited = columns[name].copy()
    edited[-1] = value
    if name == "direction":
        assert len(from_columns({**columns, name: edited}, LABELS)) == 24
        return
    with pytest.raises(DatasetLayoutError):
        from_columns({**columns, name: edited}, LABELS)
