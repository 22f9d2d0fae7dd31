"""Loaders and protocols: names to samples, samples to pairs."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from matcher.datasets.layouts import LAYOUTS
from matcher.datasets.load import load
from matcher.datasets.protocol import Impostors, first_samples, pairs
from matcher.errors import ArgumentError, DatasetLayoutError, DatasetMissingError


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_fvc_reads_finger_and_knows_no_person(tmp_path: Path) -> None:
    touch(tmp_path, "101_1.tif", "101_2.tif", "102_1.tif", "readme.txt", ".hidden.tif", "Thumbs.db")
    data = load("fvc", tmp_path)
    assert [s.name for s in data.samples] == ["101_1.tif", "101_2.tif", "102_1.tif"]
    assert data.identities == ["101", "102"]
    assert not data.persons_known
    assert data.clusters == ["101", "101", "102"]


def test_neurotechnology_clusters_by_person(tmp_path: Path) -> None:
    data = load(
        "neurotechnology", touch(tmp_path, "012_1_1.tif", "012_10_1.tif", "012_2_1.tif", "013_1_1.tif")
    )
    # Code points: "_" comes after "0", so finger 10 stands before finger 1.
    assert [s.identity for s in data.samples] == ["012_10", "012_1", "012_2", "013_1"]
    assert data.persons_known
    assert data.clusters == ["012", "012", "012", "013"]


def test_folders_takes_one_folder_per_identity(tmp_path: Path) -> None:
    data = load("folders", touch(tmp_path, "x/1.png", "x/2.wsq", "y y/1.JPG"), modality="fingerprint")
    assert [s.identity for s in data.samples] == ["x", "x", "y y"]
    assert data.modality == "fingerprint"


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("fvc", ["101_1.tif", "strange.tif"]),
        ("fvc", ["sub/101_1.tif"]),
        ("neurotechnology", ["101_1.tif"]),
        ("folders", ["1.png"]),
        ("folders", ["x/y/1.png"]),
        ("fvc", ["101_1.tif", "x/y/z/101_1.tif", "x/y/1.tif"]),
    ],
)
def test_another_layout_is_a_typed_error(tmp_path: Path, name: str, files: list[str]) -> None:
    with pytest.raises(DatasetLayoutError, match="expected files named"):
        load(name, touch(tmp_path, *files))


def test_missing_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(DatasetMissingError):
        load("fvc", tmp_path / "none")
    with pytest.raises(DatasetMissingError, match="no images"):
        load("fvc", touch(tmp_path, "notes.txt"))


def test_unknown_later_and_other_modality(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="unknown name"):
        load("fvc2099", tmp_path)
    for name in ("casia1", "mmu2", "casia-interval", "lfw"):
        with pytest.raises(ArgumentError, match="later version"):
            load(name, tmp_path)
    with pytest.raises(ArgumentError, match="holds fingerprint"):
        load("fvc", tmp_path, modality="iris")


@pytest.mark.parametrize(
    ("name", "file", "identity", "person"),
    [
        ("casia1", "1/001_1_2.jpg", "001", None),
        ("mmu2", "7/070103.png", "07_01", "07"),
        ("casia-interval", "S1001L01.jpg", "001_L", "001"),
        ("lfw", "Ann_Lee/Ann_Lee_0001.jpg", "Ann_Lee", "Ann_Lee"),
    ],
)
def test_later_layouts_are_written_down(name: str, file: str, identity: str, person: str | None) -> None:
    sample = LAYOUTS[name].sample(file)
    assert (sample.identity, sample.person) == (identity, person)


@pytest.mark.parametrize("impostors", list(Impostors))
def test_pairs_against_plain_loops(tmp_path: Path, impostors: Impostors) -> None:
    files = [f"{f}_{i}.tif" for f in (1, 2, 10, 11) for i in range(1, 4 + f % 2)]
    data = load("fvc", touch(tmp_path, *files))
    first = {s.identity: s.name for s in reversed(data.samples)}
    expected = []
    for probe, reference in combinations(data.samples, 2):
        mated = probe.identity == reference.identity
        firsts = first[probe.identity] == probe.name and first[reference.identity] == reference.name
        if mated or impostors is Impostors.ALL or firsts:
            expected.append((probe.name, reference.name, mated))
    made = pairs(data, impostors)
    names = [s.name for s in data.samples]
    rows = zip(made.probe, made.reference, made.mated, strict=True)
    assert [(names[p], names[r], bool(m)) for p, r, m in rows] == expected
    assert all(p < r for p, r, _ in expected)
    assert [n for n, f in zip(names, first_samples(data), strict=True) if f] == sorted(first.values())


def test_real_sets_have_the_counts_that_their_makers_state(real_data: Path) -> None:
    made = pairs(load("fvc", real_data / "fingerprint/fvc2002/DB1_B"))
    assert (int(made.mated.sum()), int((~made.mated).sum())) == (280, 2880)
    fvc = pairs(load("fvc", real_data / "fingerprint/fvc2004/DB3_B"), Impostors.FVC)
    assert (int(fvc.mated.sum()), int((~fvc.mated).sum())) == (280, 45)
    persons = load("neurotechnology", real_data / "fingerprint/uareu")
    assert (len(persons.identities), len(set(persons.clusters))) == (65, 7)
