"""Shared fixtures. Kernels are compiled once, in the controller, before workers start."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent

SOAK = os.environ.get("MATCHER_SOAK") == "1"
"""Whether tests run at full size (make soak)."""

REQUIRE_POSTGRES = os.environ.get("MATCHER_REQUIRE_POSTGRES") == "1"
"""Whether a missing PostgreSQL fails the tests that need it, instead of skipping them (CI)."""


def data_root() -> Path | None:
    """Return the folder of real biometrics, or None where there is none."""
    for candidate in (os.environ.get("MATCHER_DATA"), ROOT.parent / "shared" / "data"):
        if candidate and Path(candidate).is_dir():
            return Path(candidate)
    return None


def pytest_configure(config: pytest.Config) -> None:
    """Compile the kernels once; xdist workers then load them from the cache."""
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    subprocess.run([sys.executable, "-m", "matcher.warm"], check=True)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real biometrics; skips the test where it is not at hand."""
    root = data_root()
    if root is None:
        pytest.skip("no real data: ../shared/data is missing and MATCHER_DATA is not set")
    return root


@pytest.fixture(scope="session")
def full_size() -> bool:
    """Whether this run is the soak tier."""
    return SOAK


def load_module(name: str) -> ModuleType:
    """Import a module of this folder by its path."""
    spec = importlib.util.spec_from_file_location(f"matcher_{name}", ROOT / "tests" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def load() -> Callable[[str], ModuleType]:
    """Imports a module of this folder by its name."""
    return load_module


@pytest.fixture(scope="session")
def fakes() -> ModuleType:
    """The module tests/fakes.py: a scorer and a reader without kernels."""
    return load_module("fakes")


@pytest.fixture(scope="session")
def drawn() -> ModuleType:
    """The module tests/face_fakes.py: drawn faces and a small network."""
    return load_module("face_fakes")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """A PostgreSQL server of these tests' own (tests/postgres.py); skips the test where there is none."""
    module = load_module("postgres")
    folder = module.binaries()
    if folder is None:
        if REQUIRE_POSTGRES:
            pytest.fail("MATCHER_REQUIRE_POSTGRES=1, but PostgreSQL is not installed")
        pytest.skip("PostgreSQL (initdb) is not installed")
    server = module.Server(folder)
    yield server
    server.remove()


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The preload library, compiled here."""
    compiler = next((found for name in ("c++", "g++", "clang++") if (found := shutil.which(name))), None)
    assert compiler, "no C++ compiler"
    library = tmp_path_factory.mktemp("shim") / "shim.so"
    source = ROOT / "tests" / "service" / "shim.cpp"
    subprocess.run(
        [compiler, "-std=c++17", "-O1", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"],
        check=True,
    )
    return library


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty store, once on each database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/gallery.db"
    return str(request.getfixturevalue("postgres").url())


@pytest.fixture
def face_model(drawn: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The manifest of a small network; drawn faces are found wherever the default detector is asked."""
    for module in ("matcher.face.extract", "matcher.face.detect"):
        monkeypatch.setattr(f"{module}.load_detector", lambda name: drawn.EyeDetector())
    folder = tmp_path / "small model"
    folder.mkdir()
    return drawn.write_model(folder)
