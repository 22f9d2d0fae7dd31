"""The scripts of benchmarks/ run at their smallest size, and their table says what the file says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.figures import FIGURES, main
from benchmarks.figures_losses import ALTERED
from benchmarks.losses import ALL, GOOD, TWO_FINGERS
from benchmarks.parts import PARTS
from benchmarks.table import HEADLINES, markdown

ROOT = Path(__file__).resolve().parents[2]


def test_smallest_figures_and_their_table(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.figures", "--smallest", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == 0, done.stderr
    (file,) = tmp_path.glob("*.json")
    figures = json.loads(file.read_text())
    assert file.stem == figures["date"]
    assert figures["machine"]["cpu"]
    assert figures["machine"]["simd"] in ("scalar", "avx2", "avx512")
    assert list(figures["sets"]) == ["synthetic, 4 fingers x 2"]
    # Rows of real sets and of persons are not there at this size, and no rate as low as 1e-3 can be counted.
    real = ("uareu", "leader", "card", "actual", "comparisons_per_second_avx", "zero_fmr_two_fingers")
    for key, value in figures["figures"].items():
        assert (value is None) == ("1e-" in key or key.startswith(real)), key
    assert set(figures["bars"]) <= set(figures["figures"])
    assert "| synthetic, 4 fingers x 2 | 8 |" in done.stdout
    iris = figures["iris"]
    assert list(iris["sets"]) == ["synthetic, 4 eyes x 2"]
    report = iris["sets"]["synthetic, 4 eyes x 2"]
    assert (report["images"], report["failures_to_extract"]) == (8, 0)
    assert report["eer"] == report["search_code"]["eer"] == 0.0
    # The real sets alone decide.
    assert {bar["met"] for bar in iris["bars"].values()} == {None}
    assert iris["figures"]["synthesis_ms_median"] > 0
    assert "| synthetic, 4 eyes x 2 | 8 |" in done.stdout
    searched = iris["search"]
    assert (searched["rows"], searched["rotations"], searched["bytes_per_eye"]) == (4_000, 31, 528)
    assert searched["mates"]["mates"] >= 100
    assert searched["mates"]["scores_that_differ"] == 0
    face = figures["face"]
    assert face["missing"] == ["Labeled Faces in the Wild"]
    assert {bar["met"] for bar in face["bars"].values()} == {None}
    assert (face["search"]["rows"], face["search"]["recall_at_10"] > 0.9) == (3_000, True)
    smallest = figures["dedup"]["runs"]["smallest"]
    assert smallest["records"] == 600
    assert smallest["planted"] - 2 <= smallest["found"] <= smallest["planted"]
    assert smallest["planted"] > 0
    assert {bar["met"] for bar in figures["dedup"]["bars"].values()} == {None}
    population = figures["population"]
    assert population["figures"]["million_minutes_two_cores"] > 0
    assert population["figures"]["actual_fmr_factor_1e-2"] >= 1
    assert population["figures"]["actual_fmr_factor_1e-4"] is None
    assert {bar["met"] for bar in population["bars"].values()} == {None}
    private = figures["privacy"]
    assert set(private["bars"]) == set(private["figures"])
    assert private["figures"]["casia1_fnmr_above_plain"] is None
    assert private["figures"]["comparisons_per_second_core_2048"] > 0
    assert private["figures"]["stored_bytes"] == 8192
    assert private["faces"]["embeddings"] == "generated"
    service = figures["service"]["figures"]
    assert service["secured_verifications_per_second"] > 0
    assert service["verify_image_median_ms"] is None
    sealed = figures["sealed"]
    assert sealed["figures"]["cipher_gb_per_second"] > 0
    assert [row["subjects"] for row in sealed["sizes"]] == [20, 40, 60]
    assert figures["gallery"]["figures"]["batch_searches_per_second"] > 0
    assert figures["gallery"]["figures"]["lost"] == 0
    assert figures["beside"]["figures"]["share_of_idle"] > 0
    store = figures["store"]
    assert store["subjects"] == 100
    assert store["figures"]["sqlite_enrolments_per_second"] > 0
    assert store["bars"]["sqlite_delete_ms_median"]["met"] is None
    rewriting = (
        "import json, sys; from benchmarks.table import BEGIN, END, headlines, rewrite; "
        "table = headlines(json.load(open(sys.argv[1]))); "
        "print(rewrite(f'before\\n{BEGIN}\\nold\\n{END}\\nafter', table))"
    )
    text = subprocess.run(
        [sys.executable, "-c", rewriting, str(file)], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "\nold\n" not in text
    assert "| what | measured | bar |" in text


def test_what_was_measured_before_is_taken_with_its_machine(tmp_path: Path) -> None:
    sizes = [{"mated": {}, "real": {ALL: {"lost_rate": 0.001}}}]
    sizes[0]["mated"] = {
        name: {"lost_rate": 0.002, "lost_upper_95": 0.004} for name in (GOOD, TWO_FINGERS, *ALTERED)
    }
    earlier = tmp_path / "losses.json"
    earlier.write_text(json.dumps({"machine": {"commit": "abc"}, "sizes": sizes}))
    out = tmp_path / "figures"
    out.mkdir()
    older = json.loads(max(FIGURES.glob("*.json")).read_text()) | {"date": "2026-01-02", "parts": {}}
    (out / "2026-01-02.json").write_text(json.dumps(older))
    main(["--out", str(out), "--measured", "losses", str(earlier)])
    figures = json.loads(max(out.iterdir()).read_text())
    assert figures["losses"]["figures"]["lost_two_fingers"] == 0.002
    assert figures["losses"]["bars"]["lost_all_good"] == {"limit": 0.001, "met": False}
    assert figures["losses"]["bars"]["lost_no_face"]["met"] is True
    assert figures["parts"]["losses"]["commit"] == "abc"
    assert figures["parts"]["fingerprint"]["date"] == "2026-01-02" != figures["date"]
    assert f"Measured {figures['date']}, commit abc." in markdown(figures)


def test_the_fit_of_quality_runs() -> None:
    command = [sys.executable, "-m", "benchmarks.fit_quality", "--smallest"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=200)
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["part", "fitted", "shipped"]
    weights = [line.split() for line in lines[1 : lines.index("")]]
    assert abs(sum(float(weight) for _, weight, _ in weights) - 1) < 0.01
    assert abs(sum(float(weight) for _, _, weight in weights) - 1) < 0.01
    assert lines[-1].startswith("synthetic, 4 fingers x 3")


def test_the_suite_of_steps_runs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-o", "addopts=", "-p", "no:cacheprovider"]
    command += [
        "--benchmark-disable",
        "--rootdir",
        str(tmp_path),
        "-c",
        "/dev/null",
        "benchmarks/test_fingerprint.py",
    ]
    # Options meant for this run of pytest are not meant for that one.
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1].startswith("5 passed")


def test_every_headline_is_a_figure_that_must_hold() -> None:
    bars = {part: {bar.key for bar in module.BARS} for part, module in PARTS.items()}
    for part, rows in HEADLINES.items():
        assert set(rows) <= bars[part], part
