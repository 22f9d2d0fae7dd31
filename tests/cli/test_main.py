"""What the command line says of files and disks that cannot be used."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from matcher.cli import main


def matcher(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "matcher.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    folder = tmp_path / "taken" / "population"
    done = matcher("synth", "population", "--subjects", "3", "--out", str(folder))
    assert (done.returncode, done.stdout) == (main.EXIT_ERROR, "")
    assert done.stderr == f"matcher: SYSTEM_ERROR: {folder}: Not a directory. Check the path.\n"


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.ENOSPC, "Make room, and run the command again."),
        (errno.EACCES, "Check who may read and write there."),
        (errno.ENOENT, "Check the path."),
    ],
)
def test_each_kind_says_what_to_do(
    number: int, hint: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise OSError(number, "It did not work", "some/file")

    monkeypatch.setattr(main, "app", fail)
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == main.EXIT_ERROR
    assert capsys.readouterr().err == f"matcher: SYSTEM_ERROR: some/file: It did not work. {hint}\n"


def test_an_error_of_another_kind_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OSError("no number")

    monkeypatch.setattr(main, "app", fail)
    with pytest.raises(OSError, match="no number"):
        main.main()
