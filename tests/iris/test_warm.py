"""Warming compiles all that extraction needs: nothing is compiled after it."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import importlib, pkgutil
import numpy as np
import matcher.iris.kernels as kernels
from matcher.iris.warm import drawing, warm

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
inner = {"matcher.iris.kernels.polar.bilinear", "matcher.iris.kernels.polar.eased"}
assert {name for name, signatures in after.items() if not signatures} <= inner, after

from matcher.iris.extract import extract
from matcher.types import Image

extract(Image(np.pad(drawing(), ((3, 10), (7, 2)), mode="edge")))
extract(np.asfortranarray(drawing()))
assert compiled() == after
"""


def test_nothing_is_compiled_after_warming() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
