"""Where fetched models lie, and how they are read: whole, and checked against their pinned hash each time."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from pathlib import Path

from matcher.errors import ModelCorruptError, ModelMissingError
from matcher.kernel_cache import user_cache
from matcher.models.registry import Model


class State(StrEnum):
    """Whether a model is at hand."""

    PRESENT = "present"
    MISSING = "missing"
    CORRUPT = "corrupt"


def models_folder() -> Path:
    """Return the folder of fetched models; it need not exist."""
    return user_cache() / "models"


def model_path(model: Model) -> Path:
    """Return where a model lies, or would lie."""
    return models_folder() / model.file_name


def load_model(model: Model) -> bytes:
    """Return a model's bytes. Never fetches.

    Raises
    ------
    ModelMissingError
        If it was not fetched yet.
    ModelCorruptError
        If the file is not the pinned one, or unreadable.
    """
    path = model_path(model)
    command = f"Run: matcher models fetch {model.name}"
    try:
        # The size first: a file that grew is not read at all.
        data = path.read_bytes() if path.stat().st_size == model.size else b""
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ModelMissingError(f'The model "{model.name}" is not at hand ({path}).', hint=command) from error
    except OSError as error:
        raise ModelCorruptError(
            f'The model "{model.name}" cannot be read: {error.strerror} ({path}).', hint=command
        ) from error
    if hashlib.sha256(data).hexdigest() != model.sha256:
        raise ModelCorruptError(
            f'The model "{model.name}" is not the pinned file: its SHA-256 differs ({path}).', hint=command
        )
    return data


def state_of(model: Model) -> State:
    """Return whether a model is at hand, its hash checked."""
    try:
        load_model(model)
    except ModelMissingError:
        return State.MISSING
    except ModelCorruptError:
        return State.CORRUPT
    return State.PRESENT
