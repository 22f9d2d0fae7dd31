"""`matcher convert`: every pair of formats, what is left out, and the errors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from matcher.cli.convert import convert_bytes
from matcher.errors import ArgumentError, MatcherError, RecordFormatError, TemplateCorruptError
from matcher.face.extract import template_of as face_template
from matcher.formats.detect import read_minutiae_record
from matcher.formats.record import Format
from matcher.formats.templates import templates_to_record
from matcher.formats.write import write_minutiae_record
from matcher.template.codec import decode_template, encode_template
from matcher.template.face_codec import encode_face
from matcher.types import FingerprintTemplate, Minutiae


def template_of(seed: int) -> FingerprintTemplate:
    rng = np.random.default_rng(seed)
    return FingerprintTemplate(
        minutiae=Minutiae(
            x=rng.integers(0, 300, 17).astype(np.int16),
            y=rng.integers(0, 300, 17).astype(np.int16),
            direction=rng.integers(0, 256, 17).astype(np.uint8),
            kind=rng.integers(0, 3, 17).astype(np.uint8),
            quality=rng.integers(0, 101, 17).astype(np.uint8),
        ),
        width=300,
        height=300,
        extractor="numba/1",
        quality=40,
    )


@pytest.mark.parametrize("target", Format)
def test_template_to_every_format_and_back(target: Format) -> None:
    stored = encode_template(template_of(1))
    record, notes = convert_bytes(stored, to=target)
    assert any("extractor" in note for note in notes)
    back, _ = convert_bytes(record, to="template", source_format=target)
    assert len(decode_template(back).minutiae) == 17
    if target is Format.ISO_2005:
        after = decode_template(back)
        assert after.minutiae == template_of(1).minutiae
        assert (after.width, after.height, after.quality, after.extractor) == (300, 300, 40, "iso")


def test_template_to_template_is_the_identity() -> None:
    stored = encode_template(template_of(2))
    assert convert_bytes(stored, to="template") == (stored, [])


def test_several_views_need_a_choice() -> None:
    data = write_minutiae_record(templates_to_record([template_of(3), template_of(4)], Format.ISO_2011))
    with pytest.raises(ArgumentError, match="--view"):
        convert_bytes(data, to="template")
    chosen = decode_template(convert_bytes(data, to="template", view=2)[0])
    assert chosen.minutiae == template_of(4).minutiae
    both = read_minutiae_record(convert_bytes(data, to="ansi-2009")[0])
    assert [view.number for view in both.views] == [0, 1]
    with pytest.raises(ArgumentError, match="2 views"):
        convert_bytes(data, to="template", view=3)


@pytest.mark.parametrize(
    ("data", "to", "source", "error"),
    [
        (b"", "template", None, MatcherError),
        (b"something else", "iso-2005", None, RecordFormatError),
        (b"something else", "iso-2005", "template", TemplateCorruptError),
        (b"something else", "iso-9999", None, ArgumentError),
        (b"something else", "iso-2005", "iso-9999", ArgumentError),
    ],
)
def test_what_cannot_be_converted_is_a_typed_error(
    data: bytes, to: str, source: str | None, error: type[MatcherError]
) -> None:
    with pytest.raises(error):
        convert_bytes(data, to=to, source_format=source)


def test_command_reads_and_writes_files_and_streams(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(encode_template(template_of(5)))
    command = [sys.executable, "-m", "matcher.cli.main", "convert"]
    first = subprocess.run(
        [*command, str(tmp_path / "in"), "-", "--to", "ansi-2004"], capture_output=True, check=True
    )
    assert b"left out" in first.stderr
    subprocess.run([*command, "-", str(tmp_path / "out"), "--to", "template"], input=first.stdout, check=True)
    assert len(decode_template((tmp_path / "out").read_bytes()).minutiae) == 17
    failed = subprocess.run(
        [*command, str(tmp_path / "none"), "-", "--to", "template"], capture_output=True, check=False
    )
    assert failed.returncode == 2
    assert b"ARGUMENT_INVALID" in failed.stderr


def test_a_template_without_minutiae_is_refused_with_its_modality() -> None:
    """It is no damaged file, but the wrong one."""
    rng = np.random.default_rng(5)
    face = face_template(rng.normal(size=128).astype(np.float32), "0" * 64)
    with pytest.raises(ArgumentError, match="fingerprint, got one of modality face"):
        convert_bytes(encode_face(face), to="iso-2005")
