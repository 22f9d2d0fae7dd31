"""Loaders and protocols: names to samples, samples to pairs."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from matcher.datasets.layouts import LAYOUTS
from matcher.datasets.load import load
from matcher.datasets.protocol import Impostors, first_samples, pairs
from matcher.errors import ArgumentError, DatasetLayoutError, DatasetMissingError
from matcher.iris.types import EyePosition


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


def test_unknown_and_other_modality(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="unknown name"):
        load("fvc2099", tmp_path)
    with pytest.raises(ArgumentError, match="holds fingerprint"):
        load("fvc", tmp_path, modality="iris")


UNKNOWN, RIGHT, LEFT = EyePosition


@pytest.mark.parametrize(
    ("name", "file", "identity", "person", "eye"),
    [
        ("casia1", "1/001_1_2.jpg", "001", None, UNKNOWN),
        ("casia1", "108/108_2_4.JPG", "108", None, UNKNOWN),
        ("mmu2", "7/070103.png", "07_01", "07", LEFT),
        ("mmu2", "50/500205.bmp", "50_02", "50", RIGHT),
        ("casia-interval", "S1001L01.jpg", "001_L", "001", LEFT),
        ("casia-interval", "249/R/S1249R07.jpg", "249_R", "249", RIGHT),
        ("folders", "anyone/0102.png", "anyone", None, UNKNOWN),
        ("lfw", "Ann_Lee/Ann_Lee_0001.jpg", "Ann_Lee", "Ann_Lee", UNKNOWN),
    ],
)
def test_a_name_says_whose_and_which_eye(
    name: str, file: str, identity: str, person: str | None, eye: EyePosition
) -> None:
    sample = LAYOUTS[name].sample(file)
    assert (sample.identity, sample.person, sample.eye) == (identity, person, eye)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("casia1", "001_1_2.jpg"),
        ("casia1", "1/1_1_2.jpg"),
        ("casia1", "1/001_1.jpg"),
        ("mmu2", "7/070303.png"),
        ("mmu2", "070103.png"),
        ("casia-interval", "S1001M01.jpg"),
        ("casia-interval", "001/L/x/S1001L01.jpg"),
    ],
)
def test_another_name_is_not_taken_for_an_eye(name: str, file: str) -> None:
    with pytest.raises(DatasetLayoutError, match="expected files named"):
        LAYOUTS[name].sample(file)


def test_iris_sets_pass_over_what_is_no_image_and_know_their_modality(tmp_path: Path) -> None:
    data = load("mmu2", touch(tmp_path, "1/010101.png", "1/010201.png", "1/Thumbs.db", "read me.txt"))
    assert (data.modality, data.identities, data.clusters) == ("iris", ["01_01", "01_02"], ["01", "01"])
    with pytest.raises(ArgumentError, match="holds iris samples, not fingerprint"):
        load("mmu2", tmp_path, modality="fingerprint")
    eyes = load("folders", touch(tmp_path / "more", "x/1.png", "y/1.png"), modality="iris")
    assert (eyes.modality, eyes.persons_known) == ("iris", False)


def test_real_iris_sets_have_the_eyes_that_their_makers_state(real_data: Path) -> None:
    eyes = load("casia1", real_data / "iris/casia1")
    assert (len(eyes.samples), len(eyes.identities), eyes.persons_known) == (756, 108, False)
    made = pairs(eyes)
    assert (int(made.mated.sum()), int((~made.mated).sum())) == (108 * 21, 108 * 107 // 2 * 49)
    persons = load("mmu2", real_data / "iris/mmu2")
    # One of the fifty persons has one eye.
    assert (len(persons.samples), len(persons.identities), len(set(persons.clusters))) == (495, 99, 50)
    assert int(pairs(persons).mated.sum()) == 99 * 10


def test_lfw_knows_its_persons(tmp_path: Path) -> None:
    data = load("lfw", touch(tmp_path, "A_B/A_B_0001.jpg", "A_B/A_B_0002.jpg", "C/C_0001.png", "pairs.txt"))
    assert (data.modality, data.identities, data.persons_known) == ("face", ["A_B", "C"], True)
    with pytest.raises(DatasetLayoutError, match="expected files named"):
        load("lfw", touch(tmp_path, "A_B/C_0001.jpg"))


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
