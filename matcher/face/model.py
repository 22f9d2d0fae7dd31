"""A face model ready to run: crops in, embeddings of length 1 out.

A model is its file and a manifest (`matcher.face.manifest`). The setting that names one is the name of a
shipped manifest, or the path of a manifest file; nothing is fetched here.
"""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from matcher.errors import ArgumentError, ModelCorruptError, ModelManifestError, ModelMissingError
from matcher.face.manifest import Colour, Layout, Manifest, Whitening
from matcher.face.manifest_read import MAX_BYTES, read_manifest
from matcher.face.picture import planes
from matcher.models.converted import converter_of, load_onnx
from matcher.models.registry import Model, find_model
from matcher.models.runtime import open_session
from matcher.types import F32, U8

DEFAULT_MODEL = "dlib-resnet-v1"
"""The shipped manifest where nobody names one."""

MAX_MODEL_BYTES = 1 << 30
"""Largest model file that is read; those in use have 20 to 260 MB."""

BATCH = 16
"""Most crops in one run of the network: more are no faster on one core, and take memory."""

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in grey (ITU-R BT.601)."""

MIN_DEVIATION = 1.0
"""Least deviation that whitening divides by, grey levels: a flat crop stays small."""

ORDER = {Colour.RGB: np.array([0, 1, 2]), Colour.BGR: np.array([2, 1, 0]), Colour.GREY: np.array([0, 1, 2])}


class FaceModel:
    """A network with its manifest; may be used from several threads. ONNX Runtime gets one thread a call.

    Parameters
    ----------
    manifest : Manifest
    onnx : bytes
        The network: one input of (n, channels, height, width) or (n, height, width, channels), and at least
        one output, of which the first of (n, dimensions) is the embedding.
    model_id : str
        Id that templates carry.

    Raises
    ------
    ModelRuntimeError
        If ONNX Runtime is not installed.
    ModelCorruptError
        If it refuses the network.
    ModelManifestError
        If the network and its manifest disagree.
    """

    def __init__(self, manifest: Manifest, onnx: bytes, model_id: str) -> None:
        self.manifest = manifest
        self.id = model_id
        self._session = open_session(onnx)
        [first, *more] = self._session.get_inputs()
        if more:
            raise ModelManifestError(f"Face model: expected one input, it has {1 + len(more)}.")
        self._input = first.name
        self._fixed_batch = first.shape[0] if first.shape and isinstance(first.shape[0], int) else 0
        self._output = self._session.get_outputs()[0].name
        # What does not fit is found now, not at the first face.
        self.embed(np.zeros((1, manifest.height, manifest.width, 3), np.uint8), allow_zero=True)

    def embed(self, crops: U8, *, allow_zero: bool = False) -> F32:
        """Return the embeddings of aligned crops.

        Parameters
        ----------
        crops : uint8 array (n, height, width, 3)
            Red, green, blue.
        allow_zero : bool
            Whether an embedding without a direction is returned as zeros rather than refused.

        Returns
        -------
        float32 array (n, dimensions)
            Of length 1. With `flip` in the manifest the sum of the crop's and its mirror image's embeddings,
            each of length 1 before.

        Raises
        ------
        ArgumentError
            If the crops have another size.
        ModelManifestError
            If the network gives something else than the manifest says.
        ModelCorruptError
            If it gives no finite direction.
        """
        m = self.manifest
        if crops.ndim != 4 or crops.dtype != np.uint8 or crops.shape[1:] != (m.height, m.width, 3):
            raise ArgumentError(
                f"Crops: expected uint8 (n, {m.height}, {m.width}, 3), got {crops.dtype} {crops.shape}."
            )
        views = (False, True) if m.flip else (False,)
        out = np.zeros((len(crops), m.dimensions), np.float32)
        step = max(BATCH // len(views), 1)
        for start in range(0, len(crops), step):
            part = crops[start : start + step]
            given = np.concatenate([self._prepared(part, mirrored) for mirrored in views])
            made = _unit(self._run(given), allow_zero)
            out[start : start + step] = made.reshape(len(views), len(part), -1).sum(axis=0)
        return _unit(out, allow_zero)

    def _prepared(self, crops: U8, mirrored: bool) -> F32:
        """Return what the network takes of some crops, float32."""
        m = self.manifest
        if m.whitening is Whitening.IMAGE or m.colour is Colour.GREY:
            mean, scale = np.zeros(3, np.float32), np.ones(3, np.float32)
        else:
            mean, scale = np.array(m.mean, np.float32), np.array(m.scale, np.float32)
        made = np.empty((len(crops), 3, m.height, m.width), np.float32)
        for crop, out in zip(crops, made, strict=True):
            planes(crop, ORDER[m.colour], mean, scale, out, mirrored=mirrored)
        if m.colour is Colour.GREY:
            made = np.einsum("nchw,c->nhw", made, LUMA)[:, None]
            if m.whitening is Whitening.FIXED:
                made = (made - np.float32(m.mean[0])) * np.float32(m.scale[0])
        if m.whitening is Whitening.IMAGE:
            axes = (1, 2, 3)
            deviation = np.maximum(made.std(axis=axes, keepdims=True), MIN_DEVIATION)
            made = (made - made.mean(axis=axes, keepdims=True)) / deviation
        if m.layout is Layout.NHWC:
            made = made.transpose(0, 2, 3, 1)
        return np.ascontiguousarray(made, dtype=np.float32)

    def _run(self, given: F32) -> F32:
        """Return what the network makes, float32 (n, dimensions)."""
        step = self._fixed_batch or len(given)
        made: list[Any] = []
        try:
            for start in range(0, len(given), step):
                part = given[start : start + step]
                missing = step - len(part)
                whole = np.concatenate([part, np.zeros((missing, *part.shape[1:]), np.float32)])
                [values] = self._session.run([self._output], {self._input: whole})
                made.append(np.asarray(values, np.float32).reshape(step, -1)[: len(part)])
        except Exception as error:
            # ONNX Runtime's own exceptions, and values that cannot be arranged: the network is another one.
            raise ModelManifestError(
                f"Face model: the network does not take {given.shape[1:]} ({type(error).__name__}).",
                hint="Compare width, height, layout and colour in the manifest with the file.",
            ) from None
        found = np.concatenate(made)
        if found.shape[1] != self.manifest.dimensions:
            raise ModelManifestError(
                f"Face model: the manifest states {self.manifest.dimensions} dimensions, "
                f"the network gives {found.shape[1]}."
            )
        return found


def load_face_model(name: str | os.PathLike[str] = DEFAULT_MODEL) -> FaceModel:
    """Return a face model, made at the first call and shared from then on.

    Parameters
    ----------
    name : str or path
        Name of a shipped manifest, or the path of a manifest (it ends in .toml).

    Raises
    ------
    ModelMissingError
        If its file is not at hand; the error names the command that fetches it.
    ModelCorruptError
        If the file is not the one that the manifest names.
    ModelManifestError, ModelRuntimeError, ArgumentError
    """
    text = os.fspath(name)
    return _load(str(Path(text).absolute()) if text.endswith(".toml") else text)


@lru_cache(maxsize=8)
def _load(name: str) -> FaceModel:
    manifest = _manifest(name)
    if not name.endswith(".toml"):
        if manifest.path:
            raise ArgumentError(
                f'Face model: "{name}" is a pattern for a file of your own.',
                hint="Copy its manifest beside the file, set path and sha256, and name that manifest.",
            )
        return _fetched(manifest)
    return _fetched(manifest) if manifest.model else _own(manifest, Path(name).with_name(manifest.path))


def stated_model_id(name: str | os.PathLike[str] = DEFAULT_MODEL) -> str:
    """Return the id that a model's templates carry, as its manifest states it; its file is not looked at.

    Raises
    ------
    ModelManifestError, ArgumentError
        If there is no such manifest, or it is none.
    """
    manifest = _manifest(os.fspath(name))
    return manifest.model_id(converter_of(_registered(manifest)) if manifest.model else "")


def _manifest(name: str) -> Manifest:
    if not name.endswith(".toml"):
        return shipped_manifest(name)
    path = Path(name)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ModelManifestError(f"Manifest: expected at most {MAX_BYTES} bytes.")
        return read_manifest(path.read_bytes())
    except OSError as error:
        raise ArgumentError(
            f"The manifest cannot be read: {error.strerror}.", hint="Check the path."
        ) from None


def shipped_manifest(name: str) -> Manifest:
    """Return the manifest of that name that comes with this package.

    Raises
    ------
    ArgumentError
        If there is none.
    """
    if name not in shipped_names():
        raise ArgumentError(
            f'Face model: "{name[:60]}" is unknown.',
            hint=f"Known are {', '.join(shipped_names())}, and any path of a manifest (.toml).",
        )
    return read_manifest((resources.files("matcher.face") / "manifests" / f"{name}.toml").read_bytes())


def shipped_names() -> list[str]:
    """Return the names of the manifests that come with this package."""
    folder = resources.files("matcher.face") / "manifests"
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))


def _fetched(manifest: Manifest) -> FaceModel:
    model = _registered(manifest)
    return FaceModel(manifest, load_onnx(model), manifest.model_id(converter_of(model)))


def _registered(manifest: Manifest) -> Model:
    try:
        model = find_model(manifest.model)
    except ArgumentError as error:
        raise ModelManifestError(f"Manifest: file.model: {error.message}", hint=error.hint) from None
    if model.sha256 != manifest.sha256:
        raise ModelManifestError(
            f"Manifest: file.sha256 is not that of {model.name}.", hint=f"It is {model.sha256}."
        )
    return model


def _own(manifest: Manifest, path: Path) -> FaceModel:
    try:
        if path.stat().st_size > MAX_MODEL_BYTES:
            raise ModelCorruptError(f"Face model: expected a file of at most {MAX_MODEL_BYTES} bytes.")
        data = path.read_bytes()
    except OSError as error:
        raise ModelMissingError(
            f"The face model {manifest.path} cannot be read: {error.strerror}.",
            hint="Put the file beside its manifest.",
        ) from None
    if hashlib.sha256(data).hexdigest() != manifest.sha256:
        raise ModelCorruptError(
            f"The face model {manifest.path} is not the file that its manifest names: its SHA-256 differs.",
            hint="Set sha256 in the manifest to that of the file, if it is the right one.",
        )
    return FaceModel(manifest, data, manifest.model_id(""))


def _unit(vectors: F32, allow_zero: bool) -> F32:
    length = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    if not np.isfinite(length).all() or (not allow_zero and not length.all()):
        raise ModelCorruptError("Face model: the network gives no direction for a face.")
    return (vectors / np.where(length > 0, length, 1.0)).astype(np.float32)
