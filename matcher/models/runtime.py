"""ONNX Runtime, loaded when the first model is."""

from __future__ import annotations

from typing import Any

from matcher.errors import ModelCorruptError, ModelRuntimeError

QUIET = 3
"""ONNX Runtime's log level "error"."""

THREADS = 1
"""Threads of one session: callers bring their own, and two pools on one core ruin each other."""


def open_session(model: bytes) -> Any:
    """Return an `onnxruntime.InferenceSession` on the CPU, which may be run from several threads.

    Parameters
    ----------
    model : bytes
        Of an ONNX file.

    Raises
    ------
    ModelRuntimeError
        If ONNX Runtime is not installed.
    ModelCorruptError
        If it refuses the model.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelRuntimeError(
            "Deep models run in ONNX Runtime, which is not installed.",
            hint='Install this package with its extra "face" or "leader", or onnxruntime itself.',
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = THREADS
    options.log_severity_level = QUIET
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        # Its exceptions have no common base that is public.
        raise ModelCorruptError(
            f"ONNX Runtime refuses the model ({type(error).__name__}).",
            hint="Check that the file is an ONNX model of operators that this version knows.",
        ) from None
