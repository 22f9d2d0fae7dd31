"""Model files that are not ONNX: converted once, kept beside their source, checked at every use.

A converted file is its own SHA-256 followed by the ONNX bytes, written whole or not at all. One that is
damaged or from an older converter is made again from the source, which stays what is pinned.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from matcher.models.cache import load_model, models_folder
from matcher.models.dlib_network import read_network
from matcher.models.dlib_onnx import CONVERTER, to_onnx
from matcher.models.registry import DLIB_FACE, Model

DIGEST_BYTES = hashlib.sha256().digest_size

Convert = Callable[[bytes], bytes]


def convert_dlib(data: bytes) -> bytes:
    """Return a dlib network as ONNX."""
    return to_onnx(read_network(data))


CONVERTERS: dict[str, tuple[str, Convert]] = {DLIB_FACE.name: (CONVERTER, convert_dlib)}
"""By model name: version of the conversion, and the conversion of a file's bytes."""


def converter_of(model: Model) -> str:
    """Return the version of the conversion that a model goes through, "" where it is ONNX already."""
    return CONVERTERS[model.name][0] if model.name in CONVERTERS else ""


def load_onnx(model: Model) -> bytes:
    """Return a model as the bytes of an ONNX file; the conversion, where there is one, is done once.

    Raises
    ------
    ModelMissingError, ModelCorruptError
        As `load_model`: nothing is fetched here.
    """
    if model.name not in CONVERTERS:
        return load_model(model)
    _, convert = CONVERTERS[model.name]
    path = converted_path(model)
    if (kept := _read(path)) is not None:
        return kept
    made = convert(load_model(model))
    # A cache that cannot be written costs the conversion each time, never the answer.
    with contextlib.suppress(OSError):
        _write(made, path)
    return made


def converted_path(model: Model) -> Path:
    """Return where the conversion of a model lies, or would lie; another version is another file."""
    version = "".join(c if c.isalnum() else "-" for c in converter_of(model))
    return models_folder() / f"{model.name}-{model.sha256[:12]}-{version}.onnx"


def _read(path: Path) -> bytes | None:
    try:
        data = path.read_bytes()
    except OSError:
        return None
    digest, content = data[:DIGEST_BYTES], data[DIGEST_BYTES:]
    return content if hashlib.sha256(content).digest() == digest else None


def _write(content: bytes, path: Path) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".converted-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(content).digest() + content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
