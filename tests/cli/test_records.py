"""`matcher records`: what is listed, what is written, and that no text of a person is printed."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from matcher.cli.main import app
from matcher.errors import RecordFormatError, RecordTruncatedError
from matcher.formats.ansi_nist import write_ansi_nist
from matcher.formats.ansi_nist_record import Field, Transaction
from matcher.formats.iso19794_4 import write_finger_image_record
from matcher.formats.iso19794_4_record import ImageFormat
from matcher.image.read import read_image
from matcher.template.codec import decode_template

SCRIPT = Path(__file__).resolve().parent.parent / "golden" / "write_image_records_v1.py"
RUNNER = CliRunner()


@pytest.fixture(scope="module")
def golden() -> ModuleType:
    """Makers of synthetic records."""
    spec = importlib.util.spec_from_file_location("golden_for_cli", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_transaction_is_listed_without_its_texts(golden: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "card.an2"
    path.write_bytes(write_ansi_nist(golden.golden_transaction()))
    result = RUNNER.invoke(app, ["records", str(path)])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "ansi-nist 0502"
    assert len(lines) == 18
    assert "right-four (right-index right-middle right-ring right-little)" in result.stdout
    assert "3 outlines" in result.stdout
    assert "wsq" in lines[4]
    assert "250 ppi" in lines[3]
    assert "nobody" not in result.stdout
    assert "SYNTHETIC" not in result.stdout


def test_images_and_minutiae_are_written_out(golden: ModuleType, tmp_path: Path) -> None:
    path, out = tmp_path / "card.an2", tmp_path / "new" / "folder"
    path.write_bytes(write_ansi_nist(golden.golden_transaction()))
    result = RUNNER.invoke(app, ["records", str(path), "--out", str(out), "--json"])
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert (answer["format"], answer["version"]) == ("ansi-nist", "0502")
    names = [row["file"] for row in answer["records"] if row["file"]]
    assert sorted(names) == sorted(file.name for file in out.iterdir())
    assert len(names) == 12
    assert "card-13-finger-right-four.png" in names
    assert np.array_equal(read_image(out / "card-13-finger-right-four.png").pixels, golden.ridges())
    first, second = (name for name in names if name.endswith(".template"))
    assert (first, second) == (
        "card-09-minutiae-right-index.template",
        "card-10-minutiae-right-index.template",
    )
    assert len(decode_template((out / first).read_bytes()).minutiae) == 3


def test_a_finger_image_record(golden: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "two.iso"
    path.write_bytes(write_finger_image_record(golden.golden_image_record(ImageFormat.ISO_2011)))
    result = RUNNER.invoke(app, ["records", str(path), "--out", str(tmp_path / "out")])
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == "iso19794-4 2011"
    written = sorted(file.name for file in (tmp_path / "out").iterdir())
    assert written == ["two-01-finger-right-index.png", "two-02-finger-left-index.png"]


def test_what_cannot_be_decoded_is_said_and_the_rest_written(golden: ModuleType, tmp_path: Path) -> None:
    path, out = tmp_path / "x.an2", tmp_path / "out"
    good = golden.tagged(14, 2, golden.save(golden.ridges(), "PNG"), "PNG", Field.of(14, 13, 2))
    path.write_bytes(
        write_ansi_nist(Transaction((golden.header(), golden.tagged(14, 1, b"junk", "WSQ20"), good)))
    )
    result = RUNNER.invoke(app, ["records", str(path), "--out", str(out)])
    assert result.exit_code == 2
    assert "IMAGE_FORMAT_UNKNOWN: record 2" in result.stderr
    assert [file.name for file in out.iterdir()] == ["x-03-finger-right-index.png"]


def test_a_kind_of_any_text_makes_no_path(golden: ModuleType, tmp_path: Path) -> None:
    path, out = tmp_path / "x.an2", tmp_path / "out"
    face = golden.tagged(10, 1, golden.save(golden.ridges(), "PNG"), "PNG")
    path.write_bytes(
        write_ansi_nist(
            Transaction((golden.header(), face.with_field(Field.of(10, 3, "../../\x07\x1b[31mX"))))
        )
    )
    result = RUNNER.invoke(app, ["records", str(path), "--out", str(out)])
    assert result.exit_code == 0
    assert [file.name for file in out.iterdir()] == ["x-02-31mx.png"]
    assert "\x1b" not in result.stdout


def test_unusable_files_are_typed_errors(golden: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "x"
    whole = write_ansi_nist(golden.golden_transaction())
    for data, error in ((whole[:-1], RecordTruncatedError), (b"what", RecordFormatError)):
        path.write_bytes(data)
        result = RUNNER.invoke(app, ["records", str(path)])
        assert isinstance(result.exception, error)
    result = RUNNER.invoke(app, ["records", str(tmp_path / "missing")])
    assert "Cannot read" in str(result.exception)
    path.write_bytes(whole)
    result = RUNNER.invoke(app, ["records", str(path), "--out", str(path)])
    assert result.exit_code == 2
    assert "ARGUMENT_INVALID" in result.stderr


def test_faces_are_listed_and_written_in_colour(tmp_path: Path) -> None:
    record = SCRIPT.with_name("face_record_v1_iso19794-5-2011.bin")
    result = RUNNER.invoke(app, ["records", str(record), "--out", str(tmp_path), "--json"])
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert (answer["format"], answer["version"]) == ("iso19794-5", "2011")
    assert [row["kind"] for row in answer["records"]] == ["face", "face"]
    # What a record says of a person's looks is not told.
    assert set(answer["records"][0]) == {
        *("record", "kind", "bytes", "width", "height", "compression", "ppi", "note", "file")
    }
    for row in answer["records"]:
        with Image.open(tmp_path / row["file"]) as picture:
            assert (picture.mode, picture.size) == ("RGB", (72, 96))


def test_an_iris_image_record(tmp_path: Path) -> None:
    path, out = tmp_path / "eyes.iso", tmp_path / "out"
    path.write_bytes((SCRIPT.parent / "iris_record_v1_iso19794-6-2011.bin").read_bytes())
    result = RUNNER.invoke(app, ["records", str(path), "--out", str(out), "--json"])
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert (answer["format"], answer["version"]) == ("iso19794-6", "2011")
    assert [row.get("eye") for row in answer["records"]] == ["right", "left", None, None]
    assert [row["compression"] for row in answer["records"]] == ["none", "png", "jpeg2000", "jpeg"]
    names = ["eyes-01-iris-right", "eyes-02-iris-left", "eyes-03-iris", "eyes-04-iris"]
    assert sorted(file.name for file in out.iterdir()) == [f"{name}.png" for name in names]
    # The second is stored mirrored; both show the same drawn eye.
    first, second = (np.asarray(Image.open(out / f"{name}.png")) for name in names[:2])
    assert np.array_equal(first, second)
    listed = RUNNER.invoke(app, ["records", str(path)]).stdout.splitlines()
    assert listed[1].endswith("right quality 80")
