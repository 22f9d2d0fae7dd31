"""Builds sdist and wheel, installs the wheel outside the checkout and uses it once.

What it proves: that the sdist holds all that a wheel is built of, and the wheel all that the package needs at
run time (the C++ core, data files, generated code, typing marker).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build" / "wheel-check"

PROBE = """
import json, pathlib, sys
import matcher, matcher.datasets, matcher._core
from matcher.client import Client
from matcher.service.server import Server
from matcher.v1 import matcher_pb2
from matcher.template.codec import decode_template, encode_template
from matcher.score.calibration import load_calibration

folder = pathlib.Path(matcher.__file__).parent
assert sys.argv[1] in str(folder), f"imported from {folder}"
assert pathlib.Path(matcher._core.__file__).parent == folder
assert pathlib.Path(matcher.datasets.__file__).resolve().parent == folder / "datasets"
assert not (folder / "datasets").is_symlink()
assert (folder / "py.typed").exists() and (folder / "v1" / "matcher_pb2.pyi").exists()

assert (folder / "gallery" / "migrations" / "versions" / "v0002_encounters.py").exists()
assert (folder / "review" / "templates" / "case.html").exists()
assert (folder / "review" / "static" / "console.js").exists()

import numpy as np
rng = np.random.default_rng(1)
minutiae = matcher.Minutiae(
    *(rng.integers(20, 300, 40).astype(np.int16) for _ in range(2)),
    *(rng.integers(0, high, 40).astype(np.uint8) for high in (256, 3, 101)),
)
template = matcher.FingerprintTemplate(minutiae, 320, 320, "numba/1")
assert decode_template(encode_template(template)) == template
score = matcher.compare(template, template)
assert score.value > load_calibration("numba/1", "numba/1").scores(np.zeros(1, np.float32))[0][0]
server = Server("127.0.0.1:0")
server.drain(0)
print(f"matcher {matcher.__version__} works from {folder}: a template with itself scores {score.value:.0f}")
"""


def run(*command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> None:
    """Run a command; its failure is ours."""
    subprocess.run([str(part) for part in command], check=True, cwd=cwd, env=env)


def build() -> Path:
    """Return the wheel, built from the unpacked sdist and from nothing else."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        run(sys.executable, "-m", "build", "--no-isolation", "--sdist", "--outdir", OUT, ROOT)
        [sdist] = OUT.glob("*.tar.gz")
        # Our own archive of a moment ago; Python 3.11.2 knows no extraction filters yet.
        shutil.unpack_archive(sdist, scratch)
        [source] = Path(scratch).iterdir()
        run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", OUT, source)
    [wheel] = OUT.glob("*.whl")
    return wheel


def check(wheel: Path) -> None:
    """Install a wheel into a fresh folder, and use it from there with this environment's dependencies."""
    with tempfile.TemporaryDirectory(prefix="wheel-check-") as folder:
        target = Path(folder) / "site"
        pip = (sys.executable, "-m", "pip", "-q", "--disable-pip-version-check")
        run(*pip, "install", "--no-deps", "--no-build-isolation", "--no-index", "--target", target, wheel)
        # PYTHONPATH comes before site-packages, where the checkout is installed for development.
        env = {**os.environ, "PYTHONPATH": str(target)}
        run(sys.executable, "-c", PROBE, str(target), cwd=Path(folder), env=env)


def main() -> int:
    """Build and check."""
    wheel = build()
    check(wheel)
    print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
