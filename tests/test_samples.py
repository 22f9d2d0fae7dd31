"""Samples: told apart by their bytes, settled in their position, digested as they came."""

from __future__ import annotations

import itertools
from types import ModuleType

import pytest

from matcher.errors import ArgumentError, DeadlineError, ImageEmptyError, RecordError, TemplateCorruptError
from matcher.face.types import FacePosition
from matcher.formats.record import Format
from matcher.formats.templates import templates_to_record
from matcher.formats.write import write_minutiae_record
from matcher.iris.types import EyePosition
from matcher.reader import read_sample
from matcher.samples import (
    MAX_SAMPLES,
    MAX_TEMPLATES,
    Sample,
    SampleKind,
    digest_of,
    sample_of,
    templates_of,
)
from matcher.template.codec import encode_template
from matcher.types import FingerPosition

THUMB, INDEX = FingerPosition.RIGHT_THUMB, FingerPosition.RIGHT_INDEX


def record_of(fakes: ModuleType, *positions: FingerPosition) -> bytes:
    templates = [fakes.template(n, 0, position) for n, position in enumerate(positions)]
    return write_minutiae_record(templates_to_record(templates, Format.ISO_2005))


def test_kinds_are_told_by_how_the_bytes_begin(fakes: ModuleType) -> None:
    assert sample_of(encode_template(fakes.template(1))).kind is SampleKind.TEMPLATE
    assert sample_of(record_of(fakes, INDEX)).kind is SampleKind.TEMPLATE
    for data in (b"", b"\x89PNG\r\n\x1a\n", b"anything"):
        assert sample_of(data).kind is SampleKind.IMAGE


def test_templates_are_read_in_our_own_form_and_in_the_exchange_formats(fakes: ModuleType) -> None:
    template = fakes.template(1)
    assert list(read_sample(sample_of(encode_template(template)))) == [template]
    views = read_sample(sample_of(record_of(fakes, THUMB, INDEX)))
    assert [v.position for v in views] == [THUMB, INDEX]
    assert views[0].extractor == "iso"


def test_unusable_bytes_are_typed_errors(fakes: ModuleType) -> None:
    ours = encode_template(fakes.template(1))
    for sample, expected in (
        (Sample(b""), ImageEmptyError),
        (Sample(b"", SampleKind.TEMPLATE), RecordError),
        (Sample(b"neither", SampleKind.TEMPLATE), RecordError),
        (Sample(ours[:-1], SampleKind.TEMPLATE), TemplateCorruptError),
        (Sample(record_of(fakes, INDEX)[:-1], SampleKind.TEMPLATE), RecordError),
    ):
        with pytest.raises(expected):
            read_sample(sample)


def test_a_position_is_settled_once(fakes: ModuleType) -> None:
    def settle(said: FingerPosition, own: FingerPosition) -> FingerPosition:
        sample = Sample(encode_template(fakes.template(1, 0, own)), SampleKind.TEMPLATE, said)
        return templates_of([sample], read_sample, lambda: None)[0].position

    unknown = FingerPosition.UNKNOWN
    assert settle(unknown, unknown) is unknown
    assert settle(INDEX, unknown) is INDEX
    assert settle(unknown, INDEX) is INDEX
    assert settle(INDEX, INDEX) is INDEX
    with pytest.raises(ArgumentError, match="THUMB"):
        settle(THUMB, INDEX)


def test_counts_are_bounded(fakes: ModuleType) -> None:
    def read(count: int, views: int) -> int:
        found = [fakes.template(1)] * views
        return len(templates_of([Sample(b"")] * count, lambda _: found, lambda: None))

    assert read(MAX_SAMPLES, 1) == MAX_SAMPLES
    assert read(1, MAX_TEMPLATES) == MAX_TEMPLATES
    for count, views in ((0, 1), (MAX_SAMPLES + 1, 1), (1, MAX_TEMPLATES + 1), (2, MAX_TEMPLATES)):
        with pytest.raises(ArgumentError):
            read(count, views)


def test_the_deadline_is_looked_at_before_each_sample(fakes: ModuleType) -> None:
    looks = iter([None, None, DeadlineError("enough")])

    def check() -> None:
        problem = next(looks)
        if problem is not None:
            raise problem

    read: list[Sample] = []
    with pytest.raises(DeadlineError):
        templates_of([Sample(b"")] * 5, lambda s: read.append(s) or [fakes.template(1)], check)
    assert len(read) == 2


def test_every_difference_of_a_request_changes_its_digest() -> None:
    requests = [
        (None, [Sample(b"ab")]),
        ("", [Sample(b"ab")]),
        ("x", [Sample(b"ab")]),
        (None, [Sample(b"a"), Sample(b"b")]),
        (None, [Sample(b"b"), Sample(b"a")]),
        (None, [Sample(b"ab"), Sample(b"")]),
        (None, [Sample(b"ab", SampleKind.TEMPLATE)]),
        (None, [Sample(b"ab", position=INDEX)]),
        (None, [Sample(b"ab", position=EyePosition.LEFT)]),
        (None, [Sample(b"ab", position=EyePosition.UNKNOWN)]),
        (None, [Sample(b"ab", position=FacePosition.FACE)]),
        (None, [Sample(b"ab", ppi=500.0)]),
        (None, []),
    ]
    digests = [digest_of(*request) for request in requests]
    assert all(left != right for left, right in itertools.combinations(digests, 2))
    assert digests == [digest_of(*request) for request in requests]
    assert {len(d) for d in digests} == {32}


def test_digests_of_fingerprint_requests_are_those_of_earlier_versions() -> None:
    """Stores hold them: a request repeated after an upgrade must still be known."""
    samples = [Sample(b"ab"), Sample(b"cd", SampleKind.TEMPLATE, FingerPosition.LEFT_RING, 500.0)]
    assert digest_of("alice", samples).hex() == (
        "a1469622325948424bc42e419e0415a4ad507e807c167ae3db5a09ce48361cce"
    )


def test_a_sample_never_shows_its_bytes_and_checks_its_values() -> None:
    assert repr(Sample(b"secret-minutiae", position=INDEX)) == "Sample(image, right_index, 15 bytes)"
    assert repr(Sample(b"secret", position=EyePosition.LEFT)) == "Sample(iris image, left, 6 bytes)"
    for wrong in ({"data": "text"}, {"data": b"", "position": 11}, {"data": b"", "kind": 9}):
        with pytest.raises(ArgumentError):
            Sample(**wrong)
