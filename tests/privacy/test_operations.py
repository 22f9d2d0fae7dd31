"""Operations of three parties on their stores: enrol, delete, search, refresh, catch up; in this process."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matcher.errors import (
    ArgumentError,
    OutOfStepError,
    ShareCorruptError,
    SubjectExistsError,
    SubjectNotFoundError,
)
from matcher.privacy import operations
from matcher.privacy.catch_up import caught_up
from matcher.privacy.encode import IrisForm
from matcher.privacy.journal import Entry, Kind, entries_of
from matcher.privacy.layout import Layout
from matcher.privacy.operations import Query
from matcher.privacy.randomness import Stream
from matcher.privacy.rule import rule_for
from matcher.privacy.search import Policy
from matcher.privacy.sharing import join, split
from matcher.privacy.store import ShareStore

LAYOUT = Layout(IrisForm(), rule_for(0.2285, 2048, 0.35), reach=1, face=4, least=60_000_000)


class Country:
    """Three stores and the people in them."""

    def __init__(self, folder: Path, trio: Any) -> None:
        self.folder, self.trio = folder, trio
        self.stores = [ShareStore(folder / str(i), LAYOUT) for i in range(3)]
        self.rng = np.random.default_rng(3)

    def reopen(self, *which: int) -> None:
        for i in which or range(3):
            self.stores[i] = ShareStore(self.folder / str(i), LAYOUT)

    def person(self) -> dict[str, np.ndarray]:
        """Return a record in the clear."""
        record = LAYOUT.blank()
        for eye in LAYOUT.eyes:
            mask = (self.rng.random(2048) < 0.6).astype(np.uint8)
            encoded = LAYOUT.eye_from_bits(self.rng.integers(0, 2, 2048, dtype=np.uint8), mask)
            record[f"{eye}.code"], record[f"{eye}.mask"] = encoded.code, encoded.mask
        vector = self.rng.normal(size=4)
        record["face"] = np.rint(vector / np.linalg.norm(vector) * 8192).astype(np.int32).view(np.uint32)
        return record

    def shares(self, *people: dict[str, np.ndarray]) -> list[bytes]:
        """Return each party's shares of records."""
        parts = {name: split(np.stack([p[name] for p in people]), Stream.fresh()) for name in LAYOUT.arrays}
        return [LAYOUT.packed({name: part[i] for name, part in parts.items()}) for i in range(3)]

    def run(self, operation: Callable[..., Any], *arguments: Any) -> list[Any]:
        """Run an operation; a list of three is one argument for each party."""
        spread = [a if isinstance(a, list) and len(a) == 3 else [a] * 3 for a in arguments]
        return self.trio.run(operation, self.stores, *spread)

    def query(
        self, *people: Any, parts: tuple[str, ...] = ("right",), policy: Policy = Policy.ANY
    ) -> list[Query]:
        return [Query(share, parts, policy) for share in self.shares(*people)]

    def enrol(self, name: str) -> dict[str, np.ndarray]:
        person = self.person()
        assert self.run(operations.enrolled, self.shares(person), (name,), None) == [[]] * 3
        return person

    def states(self) -> list[tuple[int, int, bytes]]:
        return [(s.sequence, s.generation, s.digest) for s in self.stores]

    def plain(self, row: int) -> dict[str, np.ndarray]:
        """Return a row as parties 0 and 1 together could read it, and check party 2's share of it."""
        found = {}
        for name in LAYOUT.arrays:
            shares = [np.array(s.array(name)[row]) for s in self.stores]
            found[name] = join(shares[0], shares[1])
            np.testing.assert_array_equal(join(shares[0], shares[1]), found[name])
        return found


@pytest.fixture
def country(tmp_path: Path, trio: Any) -> Country:
    return Country(tmp_path, trio)


def test_enrol_search_verify_delete(country: Country) -> None:
    ann, bob = country.enrol("ann"), country.enrol("bob")
    stranger = country.person()
    # Party 0 alone learns who matches: it answers whoever asked.
    assert country.run(operations.identify, country.query(ann, bob, stranger))[0] == [["ann"], ["bob"], []]
    assert country.run(operations.verify, country.query(bob), "bob") == [[True], [False], [False]]
    assert country.run(operations.verify, country.query(bob), "ann") == [[False]] * 3
    assert country.run(operations.known, country.query(stranger, ann))[2] == [False, True]
    country.run(operations.deleted, "ann")
    assert country.run(operations.identify, country.query(ann, bob))[0] == [[], ["bob"]]
    with pytest.raises(SubjectNotFoundError):
        country.run(operations.verify, country.query(ann), "ann")
    for store in country.stores:
        assert not store.array("right.code")[0].any()


def test_both_eyes_or_the_face(country: Country) -> None:
    ann, bob = country.enrol("ann"), country.enrol("bob")
    mixed = {**ann, "left.code": bob["left.code"], "left.mask": bob["left.mask"]}
    eyes = ("right", "left")
    assert country.run(operations.identify, country.query(mixed, parts=eyes))[0] == [["ann", "bob"]]
    assert country.run(operations.identify, country.query(mixed, ann, parts=eyes, policy=Policy.ALL))[0] == [
        [],
        ["ann"],
    ]
    only_face = {**country.person(), "face": bob["face"]}
    assert country.run(operations.identify, country.query(only_face, parts=("left", "face")))[0] == [["bob"]]
    with pytest.raises(ArgumentError):
        country.run(operations.identify, country.query(ann, parts=("nose",)))


def test_a_second_enrolment_of_one_person_is_refused_if_asked(country: Country) -> None:
    ann = country.enrol("ann")
    shares = country.shares(ann)
    unique = [Query(share, ("right",)) for share in shares]
    assert country.run(operations.enrolled, shares, ("ann again",), unique) == [["ann again"]] * 3
    assert country.stores[0].count == 1
    with pytest.raises(SubjectExistsError):
        country.run(operations.enrolled, country.shares(ann), ("ann",), None)
    assert country.states()[0] == country.states()[1] == country.states()[2]


def test_shares_survive_a_restart(country: Country) -> None:
    people = [country.enrol(f"s{k}") for k in range(3)]
    country.run(operations.deleted, "s1")
    before = country.states()
    country.reopen()
    assert country.states() == before
    assert country.run(operations.identify, country.query(*people))[0] == [["s0"], [], ["s2"]]


def test_a_refresh_changes_every_share_and_no_answer(country: Country) -> None:
    ann = country.enrol("ann")
    before = [np.array(store.array("right.code")) for store in country.stores]
    assert country.run(operations.refreshed) == [1] * 3
    country.reopen()
    after = [np.array(store.array("right.code")) for store in country.stores]
    for old, new in zip(before, after, strict=True):
        # 2^-16 of the numbers stay as they were by chance.
        assert (old != new).mean() > 0.99
    np.testing.assert_array_equal(join(after[0], after[1])[0], ann["right.code"])
    # A share from before and one from after say nothing together.
    assert (join(before[0], after[1])[0] != ann["right.code"]).mean() > 0.99
    assert country.run(operations.identify, country.query(ann))[0] == [["ann"]]
    assert [store.generations() for store in country.stores] == [[1]] * 3


@pytest.mark.parametrize("lost", range(3))
def test_a_party_that_lost_its_store_gets_its_very_shares_again(country: Country, lost: int) -> None:
    people = [country.enrol(f"s{k}") for k in range(4)]
    country.run(operations.deleted, "s2")
    country.run(operations.refreshed)
    before = {name: np.array(country.stores[lost].array(name)) for name in LAYOUT.arrays}
    shutil.rmtree(country.folder / str(lost))
    country.reopen(lost)
    with pytest.raises(OutOfStepError):
        country.run(operations.identify, country.query(people[0]))
    assert country.run(caught_up) == [5] * 3
    for name, rows in before.items():
        np.testing.assert_array_equal(country.stores[lost].array(name), rows)
    country.reopen(lost)
    assert country.run(operations.identify, country.query(*people))[0] == [["s0"], ["s1"], [], ["s3"]]


@pytest.mark.parametrize("missed", range(3))
def test_an_enrolment_that_two_parties_have_counts_and_one_that_one_has_does_not(
    country: Country, missed: int
) -> None:
    country.enrol("ann")
    bob, carol = country.person(), country.person()
    for i, share in enumerate(country.shares(bob)):
        if i != missed:
            country.stores[i].append(["bob"], share)
    country.stores[(missed + 1) % 3].append(["carol"], country.shares(carol)[(missed + 1) % 3])
    with pytest.raises(OutOfStepError):
        country.run(operations.known, country.query(bob))
    assert country.run(caught_up) == [2] * 3
    assert country.run(operations.identify, country.query(bob, carol))[0] == [["bob"], []]
    assert country.run(caught_up) == [2] * 3


@pytest.mark.parametrize("crashed", range(3))
def test_a_refresh_that_was_cut_off_leaves_one_generation(country: Country, crashed: int) -> None:
    ann = country.enrol("ann")
    country.run(operations.refreshed)
    store = country.stores[crashed]
    # This party wrote the next generation, and the others did not.
    changed = {name: np.array(store.array(name)) + 1 for name in LAYOUT.arrays}
    store.write_generation(2, changed)
    country.reopen(crashed)
    assert country.stores[crashed].generation == 2
    with pytest.raises(OutOfStepError):
        country.run(operations.identify, country.query(ann))
    country.run(caught_up)
    assert [s.generations() for s in country.stores] == [[1]] * 3
    assert country.run(operations.identify, country.query(ann))[0] == [["ann"]]


def test_two_empty_stores_do_not_make_the_third_forget(country: Country) -> None:
    country.enrol("ann")
    for lost in (0, 1):
        shutil.rmtree(country.folder / str(lost))
    country.reopen()
    with pytest.raises(ShareCorruptError, match="Two parties"):
        country.run(caught_up)
    assert country.stores[2].has("ann")


def test_journals_that_contradict_each_other_are_found(country: Country) -> None:
    for i, name in enumerate(("ann", "bob", "carol")):
        country.stores[i].append([name], country.shares(country.person())[i])
    with pytest.raises(ShareCorruptError):
        country.run(caught_up)


def test_a_torn_journal_and_rows_without_an_entry_are_cut_off(country: Country) -> None:
    country.enrol("ann")
    path = country.stores[0].path
    with (path / "journal").open("ab") as file:
        file.write(b"\x01\x03torn")
    with (path / "right.code").open("ab") as file:
        file.write(bytes(4096))
    country.reopen(0)
    assert country.stores[0].count == 1
    assert (path / "right.code").stat().st_size == 4096


def test_damaged_shares_are_found_when_opened(country: Country) -> None:
    country.enrol("ann")
    path = country.stores[1].path / "left.mask"
    data = bytearray(path.read_bytes())
    data[17] ^= 1
    path.write_bytes(data)
    with pytest.raises(ShareCorruptError, match="Row 0"):
        country.reopen(1)
    path.write_bytes(data[:-2])
    with pytest.raises(ShareCorruptError, match="shorter"):
        country.reopen(1)


def test_another_layout_is_refused(country: Country) -> None:
    with pytest.raises(ShareCorruptError):
        ShareStore(country.folder / "0", Layout(IrisForm(), LAYOUT.rule, reach=2))
    for value in (None, {}, {**LAYOUT.to_json(), "format": 2}, {**LAYOUT.to_json(), "rule": [1]}):
        with pytest.raises(ShareCorruptError):
            Layout.from_json(value)
    assert Layout.from_json(LAYOUT.to_json()) == LAYOUT


def test_ids_are_bounded(country: Country) -> None:
    for name in ("", "x" * 65):
        with pytest.raises(ArgumentError):
            country.run(operations.enrolled, country.shares(country.person()), (name,), None)
    with pytest.raises(ShareCorruptError):
        country.stores[0].append(["a", "b"], country.shares(country.person())[0])


def test_entries_come_back_and_damage_ends_the_journal() -> None:
    entries = [Entry(Kind.ENROLLED, "ann", 0, 7), Entry(Kind.DELETED, "ann", 0, 0)]
    data = b"".join(entry.packed() for entry in entries)
    assert entries_of(data) == entries
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 0x40
        assert entries_of(bytes(damaged)) == entries[: place // (len(data) // 2)]


def test_no_plain_numbers_in_a_partys_files(country: Country) -> None:
    person = country.enrol("ann")
    for i in range(3):
        held = b"".join(p.read_bytes() for p in (country.folder / str(i)).rglob("*") if p.is_file())
        for name in LAYOUT.arrays:
            plain = person[name].tobytes()
            for begin in range(0, len(plain) - 16, 16):
                piece = plain[begin : begin + 16]
                assert not any(piece) or piece not in held
