"""Pairs files: their rows by hand, their bounds, and any bytes are typed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from matcher.datasets.lfw_pairs import (
    MAX_FILE_BYTES,
    FaceProtocol,
    NamedPair,
    load_pairs,
    pairs_of,
    parse_pairs,
)
from matcher.datasets.load import load
from matcher.datasets.samples import Dataset
from matcher.errors import DatasetError, DatasetLayoutError, DatasetMissingError

TWO_FOLDS = b"2\t1\nC\t1\t3\nA\t1\tC\t2\nA\t2\t1\nC\t3\tB_B\t1\n"
PEOPLE = {"A": 2, "B_B": 1, "C": 3}


def people(root: Path) -> Dataset:
    for name, count in PEOPLE.items():
        (root / name).mkdir(parents=True)
        for number in range(1, count + 1):
            (root / name / f"{name}_{number:04d}.jpg").touch()
    return load("lfw", root, modality="face")


def test_rows_of_both_forms_by_hand() -> None:
    assert parse_pairs(TWO_FOLDS) == (
        NamedPair("C/C_0001", "C/C_0003", True, 0),
        NamedPair("A/A_0001", "C/C_0002", False, 0),
        NamedPair("A/A_0002", "A/A_0001", True, 1),
        NamedPair("C/C_0003", "B_B/B_B_0001", False, 1),
    )
    assert parse_pairs(b"1\r\nA\t1\t2\r\nA\t1\tC\t2\r\n\r\n") == (
        NamedPair("A/A_0001", "A/A_0002", True, 0),
        NamedPair("A/A_0001", "C/C_0002", False, 0),
    )


def test_places_are_in_the_order_of_probes(tmp_path: Path) -> None:
    data = people(tmp_path)
    (tmp_path / "pairs.txt").write_bytes(TWO_FOLDS)
    found = load_pairs(data, FaceProtocol.VIEW2)
    # Samples: A1 A2 B1 C1 C2 C3.
    rows = zip(found.pairs.probe, found.pairs.reference, found.pairs.mated, found.fold, strict=True)
    assert [tuple(map(int, row)) for row in rows] == [(0, 1, 1, 1), (0, 4, 0, 0), (2, 5, 0, 1), (3, 5, 1, 0)]
    assert found.folds == 2
    assert (np.diff(found.pairs.probe) >= 0).all()


def test_missing_files_and_images(tmp_path: Path) -> None:
    data = people(tmp_path)
    with pytest.raises(DatasetMissingError, match=r"pairsDevTest\.txt"):
        load_pairs(data, FaceProtocol.VIEW1)
    with pytest.raises(DatasetMissingError, match="names 3 images, 2 of them"):
        pairs_of(data, parse_pairs(b"1\nA\t1\t9\nA\t1\tD\t1\n"))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"0\n",
        b"x\n",
        b"1\t1\t1\nA\t1\t2\nA\t1\tC\t2\n",
        b"-1\n",
        b"1 x\nA\t1\t2\nA\t1\tC\t2\n",
        b"1001\t1\n",
        b"999999999999\n",
        b"1000\t1000\n",
        b"1\nA\t1\t2\n",
        b"1\nA\t1\t2\nA\t1\tC\t2\nA\t1\tC\t2\n",
        b"1\nA\t1\tC\t2\nA\t1\t2\n",
        b"1\nA\t1\t1\nA\t1\tC\t2\n",
        b"1\nA\t1\t2\nA\t1\tA\t2\n",
        b"1\nA\t0\t2\nA\t1\tC\t2\n",
        b"1\nA\t1\t10000\nA\t1\tC\t2\n",
        b"1\nA\t1\t\xc2\xb2\nA\t1\tC\t2\n",
        b"1\n..\t1\t2\nA\t1\tC\t2\n",
        b"1\n/etc/x\t1\t2\nA\t1\tC\t2\n",
        b"1\n\t1\t2\nA\t1\tC\t2\n",
        b"1\nA\x00\t1\t2\nA\t1\tC\t2\n",
        b"1\n" + b"A" * 201 + b"\t1\t2\nA\t1\tC\t2\n",
        b"1\n\xff\t1\t2\nA\t1\tC\t2\n",
        b"1" * (MAX_FILE_BYTES + 1),
    ],
    ids=lambda data: repr(data[:24]),
)
def test_other_forms_are_typed(data: bytes) -> None:
    with pytest.raises(DatasetLayoutError, match="Pairs file"):
        parse_pairs(data)


def test_an_error_never_repeats_a_name() -> None:
    with pytest.raises(DatasetLayoutError, match="line 2") as caught:
        parse_pairs(b"1\nSomebody\t1\tx\nA\t1\tC\t2\n")
    assert "Somebody" not in str(caught.value)


def test_every_cut_is_typed() -> None:
    for length in range(len(TWO_FOLDS) - 2):
        with pytest.raises(DatasetLayoutError):
            parse_pairs(TWO_FOLDS[:length])


@given(st.one_of(st.binary(max_size=60), st.text("12AB\t\n ", max_size=60).map(str.encode)))
@example(b"1\nA\t1\t2\nA\t1\tB\t2")
def test_any_bytes_give_rows_or_a_typed_error(data: bytes) -> None:
    try:
        rows = parse_pairs(data)
    except DatasetError:
        return
    assert 2 * sum(row.mated for row in rows) == len(rows) > 0


def test_the_official_lists_fit_the_images_at_hand(real_data: Path) -> None:
    data = load("lfw", real_data / "face/lfw", modality="face")
    view1, view2 = (load_pairs(data, p) for p in (FaceProtocol.VIEW1, FaceProtocol.VIEW2))
    assert (view1.folds, len(view1.fold), int(view1.pairs.mated.sum())) == (1, 1000, 500)
    assert np.bincount(view2.fold).tolist() == [600] * view2.folds == [600] * 3
    assert int(view2.pairs.mated.sum()) == 900
    identity = np.array([s.identity for s in data.samples])
    for found in (view1.pairs, view2.pairs):
        assert np.array_equal(identity[found.probe] == identity[found.reference], found.mated)
