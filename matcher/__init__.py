"""An open biometric matching engine. The public names, and nothing else; heavy modules load on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from matcher.errors import MatcherError
from matcher.types import (
    Candidate,
    Decision,
    FingerPosition,
    FingerprintTemplate,
    Image,
    Minutiae,
    MinutiaKind,
    Score,
)
from matcher.version import __version__

if TYPE_CHECKING:
    from matcher.fingerprint.extract import extract
    from matcher.image.read import read_image
    from matcher.score.compare import compare
    from matcher.template.codec import decode_template, encode_template

_LAZY = {
    "read_image": "matcher.image.read",
    "extract": "matcher.fingerprint.extract",
    "compare": "matcher.score.compare",
    "encode_template": "matcher.template.codec",
    "decode_template": "matcher.template.codec",
}

__all__ = [
    "Candidate",
    "Decision",
    "FingerPosition",
    "FingerprintTemplate",
    "Image",
    "MatcherError",
    "Minutiae",
    "MinutiaKind",
    "Score",
    "__version__",
    "compare",
    "decode_template",
    "encode_template",
    "extract",
    "read_image",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'matcher' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
