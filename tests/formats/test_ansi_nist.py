"""ANSI/NIST-ITL transactions: layout by hand, byte-exact round trips, every cut and any damage typed."""

from __future__ import annotations

import random
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.errors import (
    ArgumentError,
    InputError,
    RecordCorruptError,
    RecordError,
    RecordFormatError,
    RecordTruncatedError,
)
from matcher.formats.ansi_nist import is_ansi_nist, read_ansi_nist, write_ansi_nist
from matcher.formats.ansi_nist_images import images_of
from matcher.formats.ansi_nist_minutiae import template_of
from matcher.formats.ansi_nist_record import BinaryRecord, Field, Record, TaggedRecord, Transaction

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "transaction_v1.an2"

BY_HAND = (
    b"1.001:68\x1d1.002:0500\x1d1.003:1\x1f3\x1e2\x1f00\x1e4\x1f01\x1e14\x1f02\x1d1.004:TST\x1d1.011:19.69\x1c"
    b"2.001:30\x1d2.002:00\x1d2.003:a\x1fb\x1ec\x1c"
    b"\x00\x00\x00\x14\x01\x03\x02\xff\xff\xff\xff\xff\x00\x00\x02\x00\x01\x00\x07\x08"
    b"14.001:51\x1d14.002:02\x1d14.013:13\x1d14.999:\x1c\x1d\x1e\x1f anything\x1c"
)


def made(transaction: Transaction) -> tuple[Record, ...]:
    """Records without what the writer computes."""
    return tuple(
        record
        if isinstance(record, BinaryRecord)
        else replace(
            record,
            fields=tuple(
                f for f in record.fields if f.number != 1 and not (record.record_type == 1 and f.number == 3)
            ),
        )
        for record in transaction.records
    )


def test_layout_by_hand() -> None:
    transaction = read_ansi_nist(BY_HAND)
    assert [record.record_type for record in transaction.records] == [1, 2, 4, 14]
    assert [record.idc for record in transaction.records] == [0, 0, 1, 2]
    assert (transaction.version, transaction.kind) == ("0500", "TST")
    assert transaction.native_ppi == pytest.approx(500, abs=0.2)
    assert transaction.transmitting_ppi is None
    second, third, fourth = transaction.records[1:]
    assert isinstance(second, TaggedRecord)
    assert second.subfields(3) == ((b"a", b"b"), (b"c",))
    assert isinstance(third, BinaryRecord)
    assert third.body == bytes([3, 2, 255, 255, 255, 255, 255, 0, 0, 2, 0, 1, 0, 7, 8])
    assert isinstance(fourth, TaggedRecord)
    data = fourth.get(999)
    assert data is not None
    assert data.value == b"\x1c\x1d\x1e\x1f anything"
    assert fourth.number(13) == 13
    assert write_ansi_nist(transaction) == BY_HAND


def test_golden_file_reads_and_is_written_alike(golden: ModuleType) -> None:
    data = GOLDEN.read_bytes()
    transaction = read_ansi_nist(data)
    assert write_ansi_nist(transaction) == data
    expected = golden.golden_transaction()
    assert [r.record_type for r in transaction.records] == [r.record_type for r in expected.records]
    compressed = {4, 10, 11, 12, 13, 15}  # Encoders may change; the images' own tests look inside.
    for index, (got, want) in enumerate(zip(made(transaction), made(expected), strict=True)):
        assert index in compressed or got == want


def test_lengths_and_the_list_of_records_are_computed(golden: ModuleType) -> None:
    whole = read_ansi_nist(write_ansi_nist(golden.golden_transaction()))
    fewer = Transaction(whole.records[:4])
    back = read_ansi_nist(write_ansi_nist(fewer))
    assert back.header.subfields(3) == ((b"1", b"3"), (b"2", b"00"), (b"3", b"01"), (b"4", b"02"))
    assert made(back) == made(fewer)
    longer = whole.header.with_field(Field.of(1, 8, "x" * 1000))
    back = read_ansi_nist(write_ansi_nist(Transaction((longer, *whole.records[1:]))))
    assert back.header.text(8) == "x" * 1000
    assert back.header.number(1) > 1000


@pytest.mark.parametrize("length", range(60, 130))
def test_a_length_that_gains_a_digit_counts_it(length: int) -> None:
    header = TaggedRecord(1, (Field.of(1, 2, "0500"), Field.of(1, 4, "x" * length)))
    data = write_ansi_nist(Transaction((header,)))
    assert read_ansi_nist(data).header.number(1) == len(data)


def test_a_writers_own_style_is_kept() -> None:
    """Zeros before a length, short tags, one-digit IDCs, a foreign tag: as in files that exist."""
    head = b"1.01:%03d\x1d1.02:0300\x1d1.03:1\x1f1\x1e9\x1f0\x1d1.04:X\x1c"
    first = head % len(head % 0)
    body = b"9.001:00000043\x1d9.002:00\x1d13.005:FOREIGN TAG\x1c"
    assert len(body) == 43
    data = first + body
    transaction = read_ansi_nist(data)
    assert write_ansi_nist(transaction) == data
    assert transaction.records[1].idc == 0


tags = st.integers(2, 999).filter(lambda n: n != 3)
text = st.binary(max_size=30).map(lambda b: b.replace(b"\x1c", b"").replace(b"\x1d", b""))


@st.composite
def tagged_records(draw: st.DrawFn) -> TaggedRecord:
    kind = draw(st.sampled_from([2, 9, 10, 11, 13, 14, 15, 17, 21, 98, 99]))
    numbers = draw(st.lists(st.integers(3, 998), max_size=4))
    fields = [Field.of(kind, 2, f"{draw(st.integers(0, 99)):02d}")]
    fields += [Field(f"{kind}.{number:03d}", draw(text)) for number in numbers]
    if kind >= 10 and draw(st.booleans()):
        fields.append(Field(f"{kind}.999", draw(st.binary(max_size=50))))
    return TaggedRecord(kind, tuple(fields))


binary_records = st.builds(
    BinaryRecord, st.sampled_from([3, 4, 5, 6, 7, 8]), st.integers(0, 255), st.binary(max_size=40)
)


@settings(max_examples=150, deadline=None)
@given(records=st.lists(tagged_records() | binary_records, max_size=6), kind=text)
def test_any_transaction_survives(records: list[Record], kind: bytes) -> None:
    header = TaggedRecord(1, (Field("1.002", b"0502"), Field("1.004", kind)))
    transaction = Transaction((header, *records))
    data = write_ansi_nist(transaction)
    back = read_ansi_nist(data)
    assert made(back) == made(transaction)
    assert write_ansi_nist(back) == data


def test_every_cut_is_told_as_truncated() -> None:
    for data in (BY_HAND, GOLDEN.read_bytes()):
        for length in range(len(data)):
            with pytest.raises(RecordTruncatedError):
                read_ansi_nist(data[:length])


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        (b"1.001:68", b"1.001:67", RecordCorruptError),
        (b"1.001:68", b"1.001:5", RecordCorruptError),
        (b"1.001:68", b"1.001:x8", RecordCorruptError),
        (b"1.001:68", b"1.001:99999999999999", RecordCorruptError),
        (b"1.001:68", b"1.001:9999999999", RecordTruncatedError),
        (b"1\x1f3\x1e", b"1\x1f4\x1e", RecordCorruptError),
        (b"1\x1f3\x1e", b"2\x1f3\x1e", RecordCorruptError),
        (b"2\x1f00\x1e", b"x\x1f00\x1e", RecordCorruptError),
        (b"\x1e14\x1f02", b"\x1e99\x1f02", RecordCorruptError),
        (b"2.001:30", b"2.001:29", RecordCorruptError),
        (b"2.001:30", b"3.001:30", RecordCorruptError),
        (b"2.002:00", b"20002:00", RecordCorruptError),
        (b"a\x1fb", b"a\x1cb", RecordCorruptError),
        (b"\x00\x00\x00\x14", b"\x00\x00\x00\x04", RecordCorruptError),
        (b"\x00\x00\x00\x14", b"\xff\xff\xff\xff", RecordTruncatedError),
        (b"anything\x1c", b"anything\x1c\x1c", RecordCorruptError),
        (b"anything\x1c", b"anything ", RecordCorruptError),
        (b"1.001", b"2.001", RecordFormatError),
    ],
)
def test_contradictions_are_typed(old: bytes, new: bytes, error: type[RecordError]) -> None:
    assert BY_HAND.count(old) >= 1
    with pytest.raises(error):
        read_ansi_nist(BY_HAND.replace(old, new, 1))


def test_padding_behind_the_last_record_is_kept() -> None:
    for padding in (b"\n", b"\r\n\x1a", bytes(512)):
        transaction = read_ansi_nist(BY_HAND + padding)
        assert transaction.padding == padding
        assert write_ansi_nist(transaction) == BY_HAND + padding
    with pytest.raises(ArgumentError):
        Transaction((TaggedRecord(1, ()),), b"x")


def test_records_of_the_parties_own_may_be_tagged() -> None:
    own = TaggedRecord(7, (Field.of(7, 2, "01"), Field("7.999", b"\x1c\x1d data")))
    for record in (own, BinaryRecord(7, 1, b"7.001:"), BinaryRecord(7, 46, b"01:")):
        data = write_ansi_nist(Transaction((TaggedRecord(1, ()), record)))
        back = read_ansi_nist(data)
        assert made(back)[1] == record
        for length in range(len(data)):
            with pytest.raises(RecordTruncatedError):
                read_ansi_nist(data[:length])


def test_what_is_no_transaction_is_told() -> None:
    for data in (b"FMR\x00", b"\x89PNG\r\n", b"1.002:3", b"11.001:5\x1d"):
        assert not is_ansi_nist(data)
        with pytest.raises(RecordFormatError):
            read_ansi_nist(data)


def test_a_claimed_length_takes_no_memory() -> None:
    data = BY_HAND.replace(b"\x00\x00\x00\x14", b"\x7f\xff\xff\xff")
    tracemalloc.start()
    with pytest.raises(RecordTruncatedError):
        read_ansi_nist(data)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def look_into(data: bytes) -> None:
    """Read all that there is to read of a file."""
    transaction = read_ansi_nist(data)
    write_ansi_nist(transaction)
    for image in images_of(transaction):
        try:
            image.image.decode()
        except InputError:
            continue
    for index, record in enumerate(transaction.records):
        if record.record_type == 9:
            template_of(transaction, index)


def damaged(data: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Copies with bytes changed, taken out or put in; more of them in the fields than in the images."""
    rng = random.Random(seed)
    starts = [i for i in range(len(data)) if data[i] in b"\x1c\x1d\x1e\x1f:."]
    for _ in range(count):
        copy = bytearray(data)
        for _ in range(rng.randint(1, 4)):
            near = rng.random() < 0.7
            at = min(
                len(copy) - 1, rng.choice(starts) + rng.randint(-2, 6) if near else rng.randrange(len(copy))
            )
            at = max(at, 0)
            how = rng.randrange(3)
            if how == 0:
                copy[at] = rng.choice([rng.randrange(256), *b"\x1c\x1d\x1e\x1f:.0919"])
            elif how == 1:
                del copy[at : at + rng.randint(1, 3)]
            else:
                copy[at:at] = bytes(
                    rng.choice(b"\x1c\x1d\x1e\x1f:.0123456789") for _ in range(rng.randint(1, 3))
                )
        yield bytes(copy)


def test_any_damage_gives_records_or_a_typed_error(golden: ModuleType, full_size: bool) -> None:
    grey = golden.ridges()
    small = Transaction(
        (
            golden.header(),
            golden.binary(4, 2, grey.tobytes()),
            golden.standard_minutiae(2),
            golden.m1_minutiae(2),
            golden.tagged(14, 3, b"\xff\xa0", "WSQ20", Field.of(14, 21, (2, 1, 13, 2, 60))),
            golden.tagged(13, 4, grey.tobytes(), "NONE", Field.of(13, 13, 2)),
        )
    )
    outcomes = Counter[str]()
    for data in damaged(write_ansi_nist(small), 40_000 if full_size else 2_000, seed=11):
        try:
            look_into(data)
            outcomes["read"] += 1
        except InputError as error:
            outcomes[error.reason] += 1
    assert "" not in outcomes
    assert {"read", "RECORD_CORRUPT", "RECORD_TRUNCATED"} <= set(outcomes)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_give_records_or_a_typed_error(tail: bytes) -> None:
    for start in (b"", b"1.001:", b"1.001:25\x1d1.003:1\x1f1\x1e14\x1f00\x1c", BY_HAND[:-60]):
        try:
            look_into(start + tail)
        except RecordError:
            continue


def test_records_check_what_they_are_made_of() -> None:
    header = TaggedRecord(1, ())
    for wrong in (
        lambda: Transaction(()),
        lambda: Transaction((BinaryRecord(4, 0, b""),)),
        lambda: Transaction((header, header)),
        lambda: BinaryRecord(14, 0, b""),
        lambda: BinaryRecord(4, 256, b""),
        lambda: TaggedRecord(4, ()),
        lambda: TaggedRecord(14, (Field("14.999", b""), Field("14.003", b""))),
        lambda: Field("x", b""),
        lambda: Field("2.003", b"\x1d"),
    ):
        with pytest.raises(ArgumentError):
            wrong()
    with pytest.raises(RecordCorruptError):
        write_ansi_nist(Transaction((header, TaggedRecord(2, ()))))


def test_texts_follow_their_bytes() -> None:
    assert Field("2.003", "\u00e9".encode()).text == "\u00e9"
    assert Field("2.003", b"\xe9").text == "\u00e9"
    header = TaggedRecord(1, (Field.of(1, 15, ("003", "UTF-8", "4.0")),))
    assert Transaction((header,)).character_sets == (("003", "UTF-8", "4.0"),)


def test_nothing_of_a_person_is_in_a_representation() -> None:
    secret = b"NAME OF A PERSON"
    record = TaggedRecord(2, (Field("2.018", secret),))
    assert "NAME" not in repr(Transaction((TaggedRecord(1, ()), record)))
    assert "NAME" not in repr(BinaryRecord(4, 0, secret))


REAL = ("ansi-nist/ansi/references/*.an2", "ansi-nist/samples/nist/*", "libbiomeval-samples/*.an2k")


def real_files(root: Path) -> list[Path]:
    """Every ANSI/NIST file at hand."""
    found = [path for pattern in REAL for path in sorted((root / "formats").glob(pattern))]
    return [path for path in found if path.suffix in {".an2", ".an2k", ".nst"}]


def test_real_files_are_read_and_written_alike(real_data: Path) -> None:
    paths = real_files(real_data)
    assert len(paths) == 37
    types: Counter[int] = Counter()
    changed = 0
    for path in paths:
        data = path.read_bytes()
        transaction = read_ansi_nist(data)
        types.update(record.record_type for record in transaction.records)
        written = write_ansi_nist(transaction)
        # One file lists an IDC that its record does not have: the list is written right.
        changed += written != data
        assert len(written) == len(data)
        assert write_ansi_nist(read_ansi_nist(written)) == written
    assert changed == 1
    assert {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16, 17} == set(types)


def test_cut_real_files_are_told_as_truncated(real_data: Path) -> None:
    rng = random.Random(5)
    for path in real_files(real_data):
        data = path.read_bytes()
        for length in (len(data) - 1, len(data) // 2, *(rng.randrange(len(data)) for _ in range(5))):
            with pytest.raises(RecordTruncatedError):
                read_ansi_nist(data[:length])
