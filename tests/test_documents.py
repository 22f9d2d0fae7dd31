"""README and CONTRIBUTING say what is true: their code runs; targets, commands, options and files exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image as PillowImage

from matcher.cli.main import app
from matcher.demo.server import ServerProcess
from matcher.demo.synthetic import make_person

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PAGES = {page.name: page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs").glob("*.md"))}
TEXTS = {"README.md": README, "CONTRIBUTING.md": CONTRIBUTING, **PAGES}
CODE = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
CONTRACT = {
    *("serve", "enroll", "verify", "identify", "delete", "status"),
    *("extract", "compare", "convert", "evaluate", "synth", "demo"),
}
"""Commands of the design that exist by now."""

MAX_PICTURE_BYTES = 300_000
LINES_OF_COMPARISON = 10


@pytest.fixture
def two_impressions(tmp_path: Path) -> Path:
    """Write probe.png and candidate.png, two impressions of one synthetic finger."""
    person = make_person(41)
    (tmp_path / "probe.png").write_bytes(person.enrolment[0].data)
    (tmp_path / "candidate.png").write_bytes(person.probes[0].data)
    return tmp_path


def run_python(code: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=folder, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_comparison_of_two_images_runs(two_impressions: Path) -> None:
    code = CODE[0]
    assert len([line for line in code.splitlines() if line.strip()]) <= LINES_OF_COMPARISON
    out = run_python(code, two_impressions)
    assert "\nmatch at a false match rate" in out
    assert out.endswith("read back equal: True\n")


def test_the_client_of_a_server_runs(two_impressions: Path) -> None:
    code = CODE[1]
    assert len([line for line in code.splitlines() if line.strip()]) <= 15
    with ServerProcess(two_impressions) as server:
        out = run_python(code.replace("127.0.0.1:50051", server.start()), two_impressions)
    assert "Decision(accepted=True" in out
    assert re.search(r"^1 [0-9a-f]{32} \d", out, re.MULTILINE)


def test_every_page_is_linked_from_the_readme() -> None:
    linked = set(re.findall(r"\]\(docs/([\w-]+\.md)\)", README))
    assert linked == set(PAGES)


def test_every_block_of_python_is_run() -> None:
    assert len(CODE) == 2
    assert CONTRIBUTING.count("```") == 0


@pytest.mark.parametrize("text", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_every_make_target_exists(text: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"(?:`|^    )make ([a-z][a-z-]*)", text, re.MULTILINE))
    assert {"demo", "test"} <= named
    assert named <= targets


def test_every_target_is_told_of() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `make ([a-z-]+)`", CONTRIBUTING, re.MULTILINE))
    assert told == set(re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE)) - {"help"}


def test_the_help_page_lists_the_contract() -> None:
    command = [sys.executable, "-m", "matcher.cli.main", "--help"]
    page = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    listed = set(re.findall(r"^\W*([a-z]+)\s{2,}\S", page, re.MULTILINE))
    assert listed >= CONTRACT


def test_every_command_and_option_that_is_told_of_exists() -> None:
    import typer

    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    everywhere = "\n".join([README, *PAGES.values()])
    told = re.findall(r"`(?:\.venv/bin/)?matcher ([a-z]+)([^`]*)`", everywhere)
    assert {name for name, _ in told} >= CONTRACT
    for name, rest in told:
        command = commands[name]
        for part in rest.split():
            if part in getattr(command, "commands", {}):
                command = command.commands[part]
        options = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= options, (name, rest)


@pytest.mark.parametrize("name", TEXTS)
def test_every_file_named_exists(name: str) -> None:
    text, folder = TEXTS[name], ROOT / "docs" if name in PAGES else ROOT
    linked = re.findall(r"\]\(([^)]+)\)", text)
    named = re.findall(r"`((?:matcher|cpp|proto|datasets|tests|tools|benchmarks)/[\w./-]*)`", text)
    modules = re.findall(r"(?:-m|`)\s?((?:matcher|tools|benchmarks)(?:\.\w+)+)", text)
    headings = {
        re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in re.findall(r"^#+ (.+)$", text, re.M)
    }
    for path in linked:
        if path.startswith("#"):
            assert path[1:] in headings, path
        else:
            assert (folder / path).exists(), path
    for path in named:
        assert (ROOT / path).exists() or "DATE" in path, path
    for module in modules:
        path = ROOT / module.replace(".", "/")
        assert path.is_dir() or path.with_suffix(".py").exists() or path.parent.with_suffix(".py").exists()


def test_the_picture_is_small_and_the_markers_stand() -> None:
    script = (ROOT / "benchmarks" / "table.py").read_text(encoding="utf-8")
    markers = re.findall(r'"(<!--.*-->)"', script)
    picture = ROOT / "docs" / "images" / "pair.png"
    assert picture.stat().st_size < MAX_PICTURE_BYTES
    with PillowImage.open(picture) as image:
        image.verify()
    begin, end = (README.index(f"\n{marker}\n") for marker in markers)
    assert begin < end


def test_nobody_is_sent_to_a_package_that_is_not_ours() -> None:
    for text in TEXTS.values():
        assert "pip install matcher" not in text
        assert not re.search(r"https?://(?!127\.0\.0\.1|[\w.]+\.example\b)", text)
