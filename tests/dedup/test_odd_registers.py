"""Registers as the field has them: old encodings, holes in columns, one file in everybody's record."""

from __future__ import annotations

import base64
import json
import os
import tracemalloc
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from matcher.cli.main import app
from matcher.dedup.modes import REFERENCE, against
from matcher.dedup.open import known_ids, open_source
from matcher.dedup.report import write_report
from matcher.dedup.run import Samples
from matcher.dedup.settings import Settings
from matcher.dedup.source_files import FileSource
from matcher.dedup.tables import pair_rows
from matcher.errors import ArgumentError
from matcher.template.modality import encode

SHARED = 20_000
"""Records that hold one file, a picture that stands for "no picture", say."""

SHARED_BYTES = 64 << 20
"""Memory in which that is told; all pairs of these records would take a hundred times as much."""


def opened(path: Path) -> Any:
    """Return the source of a path."""
    return open_source(str(path), Settings())


def test_one_file_in_everybodys_record_does_not_fill_the_memory() -> None:
    """Only pairs that are listed anyway are looked at."""
    same = [[(record, "none.png") for record in range(SHARED)]]
    found: Any = SimpleNamespace(
        source=SimpleNamespace(ids=()),
        pairs=[],
        samples=Samples([], [], same, SHARED),
        clusters=SimpleNamespace(found=(), weak_links=()),
    )
    tracemalloc.start()
    assert pair_rows(found) == []
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < SHARED_BYTES


def test_files_named_in_an_old_encoding_are_told(run: Any, tmp_path: Path) -> None:
    """A name that is no UTF-8 ends no run; two such names stay two."""
    for name in (b"caf\xe9.png", b"caf\xe8.png"):
        folder = tmp_path / "register" / f"r{name[-5]}"
        folder.mkdir(parents=True)
        (folder / os.fsdecode(name)).write_bytes(b"no image")
    found = run(tmp_path / "register", tmp_path / "out")
    write_report(found, tmp_path / "out", "register", images=False)
    rows = pq.read_table(tmp_path / "out" / "records.parquet").to_pylist()
    assert sorted(row["failures"][0]["name"] for row in rows) == [r"r232/caf\xe8.png", r"r233/caf\xe9.png"]


@pytest.mark.parametrize("ppi", ["five hundred", "nan", "inf", "-1", "0"])
def test_a_resolution_that_is_none_is_refused(ppi: str, tmp_path: Path) -> None:
    """With the row in which it stands."""
    (tmp_path / "m.csv").write_text(f"record_id,path,ppi\np,a.png,{ppi}\n")
    with pytest.raises(ArgumentError, match=r"row 1.*ppi"):
        opened(tmp_path / "m.csv")


@pytest.mark.parametrize("path", ["a\0.png", "../a.png", "/a.png"])
def test_a_path_that_is_none_is_refused(path: str, tmp_path: Path) -> None:
    """With the row in which it stands."""
    pq.write_table(pa.table({"record_id": ["p"], "path": [path]}), tmp_path / "m.parquet")
    with pytest.raises(ArgumentError, match="row 1"):
        opened(tmp_path / "m.parquet")


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    """A pipe would be waited for; so would what became a device after the register was opened."""
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.png").write_bytes(b"x")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "m.csv").write_text("record_id,path\np,pipe.png\np,zero.png\np,folder.png\n")
    source = opened(tmp_path / "m.csv")
    (tmp_path / "zero.png").unlink()
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    (read,) = source.read(0, 1)
    assert [isinstance(one.error, ArgumentError) for one in read] == [True] * 3


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    """Which of both counts nobody can know."""
    (tmp_path / "m.csv").write_text("record_id,path,path\np,a.png,b.png\n")
    with pytest.raises(ArgumentError, match="twice"):
        opened(tmp_path / "m.csv")
    rows = pa.table(
        [pa.array(["p"]), pa.array([b"x"]), pa.array([b"y"])], ["record_id", "template", "template"]
    )
    pq.write_table(rows, tmp_path / "t.parquet")
    with pytest.raises(ArgumentError, match="twice"):
        opened(tmp_path / "t.parquet")


@pytest.mark.parametrize(
    "ids", [["p", None], [1.0, None], [float("nan"), 1.5], [b"p", b"q"], [True, False], [["p"], ["q"]]]
)
def test_templates_without_an_id_are_no_person_together(ids: list[Any], people: Any, tmp_path: Path) -> None:
    """Rows whose id is missing would be one record, of as many people as there are; so of other types."""
    template = encode(people.finger(1))
    pq.write_table(pa.table({"record_id": ids, "template": [template] * 2}), tmp_path / "t.parquet")
    with pytest.raises(ArgumentError, match=r"row [12]: .*record_id"):
        opened(tmp_path / "t.parquet")
    if not isinstance(ids[0], bytes):
        coded = base64.b64encode(template).decode()
        lines = [json.dumps({"record_id": one, "template": coded}) for one in ids]
        (tmp_path / "t.ndjson").write_text("\n".join(lines))
        with pytest.raises(ArgumentError, match=r"line [12]: .*record_id"):
            opened(tmp_path / "t.ndjson")


def test_numbers_are_ids(people: Any, tmp_path: Path) -> None:
    """Whole ones."""
    template = encode(people.finger(1))
    pq.write_table(pa.table({"record_id": [7, 8], "template": [template] * 2}), tmp_path / "t.parquet")
    assert opened(tmp_path / "t.parquet").ids == ("7", "8")


def test_manifests_of_other_types_are_refused(tmp_path: Path) -> None:
    """Bytes are no text: what Python prints of them is nobody's id."""
    pq.write_table(pa.table({"record_id": [b"p"], "path": ["a.png"]}), tmp_path / "m.parquet")
    with pytest.raises(ArgumentError, match="record_id"):
        opened(tmp_path / "m.parquet")


def test_texts_that_no_file_can_hold_are_refused_before_the_run(people: Any, tmp_path: Path) -> None:
    """Half a surrogate in an attribute: JSON can say it, no table can."""
    coded = base64.b64encode(encode(people.finger(1))).decode()
    for column in ('"site": "\\ud800"', '"\\ud800": "north"'):
        (tmp_path / "t.ndjson").write_text(f'{{"record_id": "p", "template": "{coded}", {column}}}\n')
        with pytest.raises(ArgumentError, match="line 1"):
            opened(tmp_path / "t.ndjson")


def test_lines_with_ever_new_columns_are_refused(people: Any, tmp_path: Path) -> None:
    """Each column costs a text for each row: a small file would fill the memory."""
    coded = base64.b64encode(encode(people.finger(1))).decode()
    lines = [json.dumps({"record_id": "p", "template": coded, f"column {i}": ""}) for i in range(1100)]
    (tmp_path / "t.ndjson").write_text("\n".join(lines))
    with pytest.raises(ArgumentError, match="columns"):
        opened(tmp_path / "t.ndjson")


def test_manifests_do_not_lead_out_of_their_folder_by_links(tmp_path: Path) -> None:
    """Neither a file nor a folder above it may be a link that leads out; one that stays may."""
    (tmp_path / "register" / "own").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.png").write_bytes(b"x")
    (tmp_path / "register" / "own" / "a.png").write_bytes(b"x")
    (tmp_path / "register" / "file.png").symlink_to(tmp_path / "other" / "a.png")
    (tmp_path / "register" / "folder").symlink_to(tmp_path / "other")
    (tmp_path / "register" / "stays").symlink_to(tmp_path / "register" / "own")
    manifest = tmp_path / "register" / "m.csv"
    for name in ("file.png", "folder/a.png"):
        manifest.write_text(f"record_id,path\np,{name}\n")
        with pytest.raises(ArgumentError, match="link"):
            opened(manifest)
    manifest.write_text("record_id,path\np,stays/a.png\n")
    assert opened(manifest).files[0][0].size == 1


def test_lists_of_ids_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    """As some editors write it; the first person stays known."""
    (tmp_path / "ids.txt").write_bytes(b"\xef\xbb\xbfa\r\nb\r\n")
    assert known_ids(tmp_path / "ids.txt") == {"a", "b"}


def test_registers_whose_ids_cannot_be_told_apart_are_refused() -> None:
    """`against:x` of one and `x` of the other would be one id in every table."""
    reference, source = (FileSource(Path(), (name,), ((),), {}) for name in ("x", REFERENCE + "x"))
    with pytest.raises(ArgumentError, match="against:"):
        against(reference, source)


def test_a_register_of_one_record_is_a_run(people: Any, run: Any, tmp_path: Path) -> None:
    """Nothing to compare: no pair, and a report."""
    source = people.write_ndjson(tmp_path / "r.ndjson", {"only": people.person(1)})
    summary = write_report(run(source, tmp_path / "out"), tmp_path / "out", "one")
    assert (summary["records"], summary["duplicate_pairs"], summary["pairs_possible"]) == (1, 0, 0)


def test_tables_hold_no_formula(people: Any, run: Any, tmp_path: Path) -> None:
    """Ids and attributes come from whoever enrols; a spreadsheet runs what begins with "="."""
    evil = "=cmd|'/c calc'!A1"
    register = {evil: people.person(1), "again": people.person(1, sample=1)}
    source = people.write_ndjson(
        tmp_path / "r.ndjson", register, {evil: {"site": "@SUM(A1)", "shift": "-7.5"}}
    )
    write_report(run(source, tmp_path / "out"), tmp_path / "out", "r")
    for name in ("pairs", "clusters", "records"):
        text = (tmp_path / "out" / f"{name}.csv").read_text()
        assert f"'{evil}" in text
        assert f"\n{evil}" not in text
        assert f",{evil}" not in text
    assert "'@SUM(A1)" in text
    assert ",-7.5" in text
    assert evil in pq.read_table(tmp_path / "out" / "records.parquet").column("record_id").to_pylist()


def test_results_are_their_owners_alone(people: Any, run: Any, tmp_path: Path) -> None:
    """Pictures and what is said of people are not for everybody on the machine."""
    source = people.write_ndjson(tmp_path / "r.ndjson", {"only": people.person(1)})
    write_report(run(source, tmp_path / "out"), tmp_path / "out", "one")
    names = ("report.html", "records.csv", "records.parquet", "pairs.csv", "summary.json")
    assert {(tmp_path / "out" / name).stat().st_mode & 0o777 for name in names} == {0o600}


@pytest.mark.parametrize("memory", ["inf", "nan", "-1"])
def test_memory_that_is_no_number_is_refused(memory: str, people: Any, tmp_path: Path) -> None:
    """Told as every wrong option."""
    source = people.write_ndjson(tmp_path / "r.ndjson", {"only": people.person(1)})
    said = CliRunner().invoke(app, ["dedup", str(source), "--out", str(tmp_path), "--memory", memory])
    assert isinstance(said.exception, ArgumentError)
