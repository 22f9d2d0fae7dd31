"""Warming compiles all that extraction and preparing a comparison need: nothing is compiled after it."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import importlib, pkgutil
import numpy as np
import matcher.fingerprint.kernels as kernels
from matcher.fingerprint.warm import pattern, warm

names = [m.name for m in pkgutil.iter_modules(kernels.__path__)]
modules = [importlib.import_module(f"{kernels.__name__}.{name}") for name in names]

def compiled():
    return {
        f"{module.__name__}.{name}": list(value.signatures)
        for module in modules
        for name, value in vars(module).items()
        if hasattr(value, "signatures") and value.py_func.__module__ == module.__name__
    }

assert len(compiled()) >= 14 and not any(compiled().values()), compiled()
warm()
after = compiled()
# Kernels that only kernels call are compiled within them.
never = [name for name, signatures in after.items() if not signatures]
assert set(never) <= set(INNER), never

from matcher.fingerprint.descriptor import describe, prepare
from matcher.fingerprint.extract import extract
from matcher.fingerprint.resident import resident
from matcher.score.fingerprint import FingerprintProbe, score
from matcher.template.codec import decode_template, encode_template
from matcher.types import Image

pixels = np.pad(pattern().pixels, ((0, 13), (5, 0)), mode="reflect")
template = extract(Image(pixels))
stored = decode_template(encode_template(template))
assert score(FingerprintProbe(stored), resident(template)).raw > 0
assert len(describe(stored)) and prepare(stored)
assert compiled() == after
"""

INNER = (
    # Of the other extractor, whose model a machine may not have: warm("leader") compiles it.
    "matcher.fingerprint.kernels.leader_peaks.find_peaks",
    "matcher.fingerprint.kernels.local_contrast.box_area",
    "matcher.fingerprint.kernels.skeleton._starts",
    "matcher.fingerprint.kernels.skeleton._walk",
    "matcher.fingerprint.kernels.skeleton.crossing_number",
    "matcher.fingerprint.kernels.thinning.neighbour_code",
)


def test_nothing_is_compiled_after_warming() -> None:
    script = f"INNER = {INNER!r}\n{SCRIPT}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", ["matcher", "matcher.types", "matcher.errors", "matcher.cli.main"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    """`import matcher` and the command's help answer at once: what is heavy loads on first use."""
    heavy = ("numba", "scipy", "grpc", "matplotlib", "sqlalchemy", "google.protobuf", "PIL", "rich.progress")
    script = f"import sys, {module}; print(*[name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_public_names_load_on_first_use() -> None:
    script = "import matcher; [getattr(matcher, name) for name in matcher.__all__]; print(*dir(matcher))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "extract" in done.stdout.split()
