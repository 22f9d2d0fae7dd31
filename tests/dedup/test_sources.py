"""Registers as users have them: folders, manifests, files of templates; what is refused and what is told."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matcher.datasets.fingerprint_synthesis.slaps import generate_slap
from matcher.dedup.names import mirrored, position_of_columns, position_of_name
from matcher.dedup.open import known_ids, open_source
from matcher.dedup.parquet_rows import ParquetRows
from matcher.dedup.records import MAX_SAMPLES, NamedSample, Source
from matcher.dedup.settings import Settings
from matcher.dedup.source_files import _bounded
from matcher.dedup.source_templates import parsed_line
from matcher.errors import ArgumentError, MatcherError, RecordUnsupportedError
from matcher.face.types import FacePosition
from matcher.fingerprint.slap_types import POSITIONS, SlapKind
from matcher.formats.iso19794_4 import write_finger_image_record
from matcher.formats.iso19794_4_record import FingerImage, FingerImageRecord, ImageFormat, ScaleUnit
from matcher.formats.stored_image import Compression
from matcher.iris.types import EyePosition
from matcher.samples import Sample, SampleKind
from matcher.template.modality import encode
from matcher.types import FingerPosition, Modality

SETTINGS = Settings()

THUMBS = {FingerPosition.LEFT_THUMB, FingerPosition.RIGHT_THUMB}


def opened(path: Path, **settings: Any) -> Source:
    """Return the source of a path."""
    return open_source(str(path), Settings(**settings))


def positions(source: Source) -> list[list[object]]:
    """Return the positions of every sample."""
    records = source.read(0, len(source.ids))
    return [[named.sample.position if named.sample else named.error for named in own] for own in records]


@pytest.mark.parametrize(
    ("stem", "position"),
    [
        ("right-index", FingerPosition.RIGHT_INDEX),
        ("left_thumb_2", FingerPosition.LEFT_THUMB),
        ("Iris Left", EyePosition.LEFT),
        ("eye_right_03", EyePosition.RIGHT),
        ("iris", EyePosition.UNKNOWN),
        ("face_1", FacePosition.FACE),
        ("portrait", FacePosition.FACE),
        ("scan0001", FingerPosition.UNKNOWN),
        ("right", FingerPosition.UNKNOWN),
        ("right-index left-index", FingerPosition.UNKNOWN),
    ],
)
def test_names_say_what_a_file_shows(stem: str, position: object) -> None:
    """Fingers, eyes and faces by the words of a name; where it says nothing, the default."""
    assert position_of_name(stem, "fingerprint") is position


def test_mirrors_are_their_own_inverse() -> None:
    """The other hand's finger of the other hand is the finger itself."""
    for modality, kind in ((Modality.FINGERPRINT, FingerPosition), (Modality.IRIS, EyePosition)):
        for where in kind:
            other = kind(mirrored(modality, int(where)))
            assert mirrored(modality, int(other)) == where
            assert other.name == where.name.replace("LEFT", "-").replace("RIGHT", "LEFT").replace(
                "-", "RIGHT"
            )
    assert mirrored(Modality.FACE, 1) == 1


def test_a_folder_of_folders_is_a_register(tmp_path: Path) -> None:
    """A record is a folder; other kinds of files are passed over."""
    for name in ("bob/right-index.png", "bob/face.jpg", "bob/notes.txt", "alice/iris-left.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"not looked at yet")
    source = opened(tmp_path)
    assert source.ids == ("alice", "bob")
    assert positions(source) == [[EyePosition.LEFT], [FacePosition.FACE, FingerPosition.RIGHT_INDEX]]
    before = source.digest(0, 2)
    (tmp_path / "bob" / "face.jpg").write_bytes(b"changed")
    assert opened(tmp_path).digest(0, 2) != before
    assert opened(tmp_path).digest(0, 1) == source.digest(0, 1)
    (tmp_path / "stray.png").write_bytes(b"")
    with pytest.raises(ArgumentError, match="beside folders"):
        opened(tmp_path)


def test_records_without_a_sample_and_with_too_many_are_told(tmp_path: Path, run: Any) -> None:
    """A folder of which nothing can be read is a record all the same, and nothing is dropped in silence."""
    for name in ("alice/notes.txt", "bob/iris-left.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"not looked at yet")
    source = opened(tmp_path)
    assert source.ids == ("alice", "bob")
    assert [len(own) for own in source.read(0, 2)] == [0, 1]
    found = run(tmp_path, tmp_path.parent / "out")
    told = [(failure["record"], failure["reason"]) for failure in found.samples.failures]
    assert told == [(0, "NO_SAMPLES"), (1, "IMAGE_FORMAT_UNKNOWN")]
    many = [NamedSample(str(number), None) for number in range(MAX_SAMPLES + 3)]
    *kept, last = _bounded(many)
    assert kept == many[:MAX_SAMPLES]
    assert last.sample is None
    assert last.error is not None
    assert "3 are left out" in last.error.message
    assert _bounded(kept) == kept


def test_a_flat_folder_has_a_record_for_each_file(tmp_path: Path) -> None:
    """Ids are names without suffixes, where those differ."""
    (tmp_path / "1.png").write_bytes(b"")
    (tmp_path / "2.png").write_bytes(b"")
    assert opened(tmp_path, modality="iris").ids == ("1", "2")
    (tmp_path / "2.jpg").write_bytes(b"")
    source = opened(tmp_path, modality="iris")
    assert source.ids == ("1.png", "2.jpg", "2.png")
    assert positions(source) == [[EyePosition.UNKNOWN]] * 3


def test_manifests_name_records_positions_and_attributes(tmp_path: Path) -> None:
    """CSV and Parquet; what is no known column describes the record."""
    (tmp_path / "a.png").write_bytes(b"x")
    rows = [
        {"record_id": "p1", "modality": "finger", "position": "right thumb", "path": "a.png", "ppi": "1000"},
        {"record_id": "p1", "modality": "iris", "position": "2", "path": "missing.png", "ppi": ""},
        {"record_id": "p2", "modality": "face", "position": "", "path": "a.png", "ppi": ""},
    ]
    for row, site in zip(rows, ("north", "north", ""), strict=True):
        row["site"] = site
    header = ",".join(rows[0])
    (tmp_path / "m.csv").write_text("\n".join([header, *(",".join(row.values()) for row in rows)]))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "m.parquet")
    for name in ("m.csv", "m.parquet"):
        source = opened(tmp_path / name)
        assert source.ids == ("p1", "p2")
        assert source.attributes == {"site": ("north", "")}
        (one, two), (three,) = source.read(0, 2)
        assert one.sample is not None
        assert (one.sample.position, one.sample.ppi) == (FingerPosition.RIGHT_THUMB, 1000.0)
        assert two.sample is None
        assert isinstance(two.error, ArgumentError)
        assert three.sample is not None
        assert three.sample.position is FacePosition.FACE


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("record_id,path\n,a.png\n", "record_id and path"),
        ("record_id,path\np,../a.png\n", "below the manifest"),
        ("record_id,path,modality\np,a.png,voice\n", "none of"),
        ("record_id,path,modality,position\np,a.png,finger,sixth\n", "none of"),
        ("record_id,path,sex\np,a.png,f\np,b.png,m\n", "otherwise than before"),
        ("record_id,path\np,a.png,more\n", "more values"),
        ("record_id,path\n", "1 to"),
    ],
)
def test_manifests_that_contradict_themselves_are_refused(rows: str, words: str, tmp_path: Path) -> None:
    """Each with what is wrong."""
    (tmp_path / "m.csv").write_text(rows)
    with pytest.raises(ArgumentError, match=words):
        opened(tmp_path / "m.csv")


def test_templates_in_parquet_and_ndjson_are_one_register(people: Any, tmp_path: Path) -> None:
    """Rows of a record need not stand together; both files give the same samples, in whichever slices."""
    register = {f"r{i}": people.person(i) for i in range(4)}
    rows = [
        {"record_id": name, "template": encode(template), "site": name[-1]}
        for number in range(5)
        for name, own in register.items()
        for template in own[number : number + 1]
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "r.parquet", row_group_size=3)
    attributes = {name: {"site": name[-1]} for name in register}
    lines = people.write_ndjson(tmp_path / "r.ndjson", register, attributes)
    one, two = opened(tmp_path / "r.parquet"), opened(lines)
    assert one.ids == two.ids == tuple(register)
    assert one.attributes == two.attributes == {"site": ("0", "1", "2", "3")}
    for begin, end in ((0, 4), (1, 3), (3, 4)):
        of_one, of_two = one.read(begin, end), two.read(begin, end)
        assert [[named.sample for named in own] for own in of_one] == [
            [named.sample for named in own] for own in of_two
        ]
        assert [len(own) for own in of_one] == [5] * (end - begin)
    assert one.read(2, 3)[0][0].sample.data == encode(register["r2"][0])


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    groups=st.integers(1, 40),
    asked=st.lists(st.sets(st.integers(0, 36), min_size=1).map(sorted), min_size=1, max_size=6),
)
def test_rows_of_a_file_in_whichever_order_they_are_asked(
    groups: int, asked: list[list[int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Further on, back, over many groups or inside of one: always those that were meant."""
    monkeypatch.setattr("matcher.dedup.parquet_rows.BATCH_ROWS", 5)
    table = pa.table({"template": [bytes([i]) for i in range(37)], "position": list(range(37))})
    pq.write_table(table, tmp_path / "rows.parquet", row_group_size=groups)
    rows = ParquetRows(tmp_path / "rows.parquet", ("template", "modality", "position"))
    for numbers in asked:
        expected = [{"template": bytes([i]), "position": i} for i in numbers]
        assert rows.take(np.array(numbers, np.int64)) == expected


def test_a_register_that_changes_while_it_is_read_is_told(tmp_path: Path) -> None:
    """Its pages are overwritten: a typed error, and again when it is asked again."""
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"template": [bytes([i]) * 500 for i in range(64)]}), path, compression="zstd")
    rows = ParquetRows(path, ("template",))
    with path.open("r+b") as file:
        file.seek(4)
        file.write(b"\xff" * (path.stat().st_size // 2))
    for _ in range(2):
        with pytest.raises(ArgumentError, match="changed"):
            rows.take(np.array([1], np.int64))


@given(st.binary(max_size=200))
def test_lines_of_anything_are_refused_with_typed_errors(line: bytes) -> None:
    """Never another error than ours."""
    with suppress(ArgumentError):
        assert isinstance(parsed_line(line, 0)["template"], bytes)


@given(st.text(max_size=20), st.text(max_size=20))
def test_columns_of_anything_are_refused_with_typed_errors(modality: str, position: str) -> None:
    """Never another error than ours."""
    with suppress(ArgumentError):
        assert position_of_columns(modality, position) is not None


def test_what_is_no_register_is_told(tmp_path: Path) -> None:
    """Nothing there, an empty folder, a file of another kind, a broken Parquet file."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.xyz").write_bytes(b"")
    (tmp_path / "b.parquet").write_bytes(b"PAR1 no")
    (tmp_path / "c.ndjson").write_text(json.dumps({"record_id": "x"}))
    for name in ("nowhere", "empty", "a.xyz", "b.parquet", "c.ndjson"):
        with pytest.raises(ArgumentError):
            opened(tmp_path / name)


def test_known_ids_come_from_an_earlier_run_or_a_list(tmp_path: Path) -> None:
    """Parquet with record_id, or lines."""
    (tmp_path / "ids.txt").write_text("a\nb\n\n")
    pq.write_table(pa.table({"record_id": ["a", "b"], "cluster": [-1, 0]}), tmp_path / "records.parquet")
    assert known_ids(tmp_path / "ids.txt") == known_ids(tmp_path / "records.parquet") == {"a", "b"}
    with pytest.raises(ArgumentError):
        known_ids(tmp_path / "none.txt")


def test_settings_state_what_is_expected() -> None:
    """FPIR 1e-3 of 100,000 records: 80 dB; 50 false pairs."""
    assert SETTINGS.threshold(100_000) == pytest.approx(80.0)
    assert SETTINGS.expected_false_pairs(100_000) == 50.0
    for wrong in ({"fpir": 0.0}, {"workers": 0}, {"memory": 1}, {"modality": "voice"}):
        with pytest.raises(ArgumentError):
            Settings(**wrong)  # type: ignore[arg-type]


def test_a_cbeff_file_is_a_record_of_many_samples(people: Any, tmp_path: Path) -> None:
    """Templates and images inside; a capture whose labels contradict its block fails for itself."""
    from matcher.formats.cbeff import NAMESPACE

    def bir(kind: str, subtype: str, block: bytes) -> str:
        coded = base64.b64encode(block).decode()
        return (
            f"<BIR><BDBInfo><Type>{kind}</Type><Subtype>{subtype}</Subtype></BDBInfo><BDB>{coded}</BDB></BIR>"
        )

    eye = encode(people.eye(1, 0, EyePosition.LEFT))
    parts = [
        bir("Iris", "Left", eye),
        bir("Face", "", eye),
        bir("Voice", "", b"x"),
        bir("Finger", "Left Thumb", b"png"),
    ]
    (tmp_path / "p1.xml").write_text(f'<BIR xmlns="{NAMESPACE}">{"".join(parts)}</BIR>')
    (tmp_path / "p2.xml").write_text("<BIR")
    one, two = opened(tmp_path).read(0, 2)
    assert [named.name for named in one] == ["p1.xml#1", "p1.xml#2", "p1.xml#3", "p1.xml#4"]
    assert one[0].sample == Sample(eye, SampleKind.TEMPLATE, EyePosition.LEFT)
    assert [named.sample is None for named in one] == [False, True, True, False]
    assert one[3].sample is not None
    assert one[3].sample.position is FingerPosition.LEFT_THUMB
    # Not the XML of a record at all: left to extraction, which says that it is no image.
    assert two[0].sample is not None


def test_an_ansi_nist_card_is_a_record_of_many_samples(real_data: Path, tmp_path: Path) -> None:
    """A real transaction with minutiae and images: every entry is a sample or says why it is none."""
    folder = real_data / "formats" / "libbiomeval-samples"
    for name in ("type9-13.an2k", "type4-slaps.an2k"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    slaps, minutiae = opened(tmp_path).read(0, 2)
    assert len(slaps) >= 2
    assert len(minutiae) >= 2
    assert any(named.sample is not None for named in minutiae)
    assert all(named.sample is not None or named.error is not None for named in slaps + minutiae)
    fingers = [named.sample.position for named in slaps if named.sample is not None]
    assert {position for position in fingers if position} >= set(FingerPosition) - THUMBS - {0}


def test_a_slap_in_a_record_becomes_its_fingers(tmp_path: Path) -> None:
    """Three fingers in ISO/IEC 19794-4, whose code says that the fourth is missing; two hands are told."""
    three = generate_slap(
        6, SlapKind.RIGHT_FOUR, rotation=5.0, difficulty=0.2, missing=[FingerPosition.RIGHT_LITTLE]
    )
    both_indexes, right_three = 46, 47
    pixels = three.image.pixels
    for name, code in (("three", right_three), ("odd", both_indexes)):
        view = FingerImage(
            data=pixels.tobytes(),
            compression=Compression.NONE,
            width=pixels.shape[1],
            height=pixels.shape[0],
            x_resolution=500,
            y_resolution=500,
            scale_unit=ScaleUnit.PIXELS_PER_INCH,
            position=code,
            number=0,
            view_count=None,
            capture_resolution=(500, 500),
        )
        record = FingerImageRecord(ImageFormat.ISO_2011, (view,), finger_count=1)
        (tmp_path / f"{name}.fir").write_bytes(write_finger_image_record(record))
    found = dict(zip(("odd", "three"), positions(opened(tmp_path)), strict=True))
    assert found["three"] == list(POSITIONS[SlapKind.RIGHT_FOUR][:3])
    assert isinstance(found["odd"][0], RecordUnsupportedError)


def test_a_store_is_read_beside_its_server(
    people: Any, duplicated: Any, planted: Any, tmp_path: Path
) -> None:
    """While an engine owns the store; who is deleted meanwhile is told as gone."""
    from matcher.dedup.manifest import Run, read_run
    from matcher.dedup.run import deduplicate
    from matcher.engine import Engine

    url = f"sqlite:///{tmp_path / 'gallery.db'}"
    chosen = {name for pair in planted for name in pair}
    with Engine(url, threads=1) as engine:
        for name in sorted(chosen):
            samples = [Sample(encode(template), SampleKind.TEMPLATE) for template in duplicated[name]]
            engine.enroll(name, samples)
        source = open_source(url, SETTINGS)
        assert set(source.ids) == chosen
        gone = source.ids[0]
        engine.delete(gone)
        found = deduplicate(source, tmp_path / "out", SETTINGS)
        assert source.digest(0, 2) != open_source(url, SETTINGS).digest(0, 2)
    ids = found.source.ids
    pairs = {tuple(sorted((ids[p.probe], ids[p.candidate]))) for p in found.pairs if p.verdict == "DUPLICATE"}
    assert pairs == {tuple(sorted(pair)) for pair in planted if gone not in pair}
    assert {(ids[f["record"]], f["reason"]) for f in found.samples.failures} == {(gone, "SUBJECT_NOT_FOUND")}
    with pytest.raises(MatcherError):
        open_source(f"sqlite:///{tmp_path / 'none.db'}", SETTINGS)
    Run("postgresql+psycopg://me:secret@host/db", SETTINGS).write(tmp_path / "out")
    assert "secret" not in (tmp_path / "out" / "run.json").read_text()
    assert read_run(tmp_path / "out").source == "postgresql+psycopg://me@host/db"
