"""Names the machine and the source that figures were measured with."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def cpu_model() -> str:
    """Return the processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def git(*arguments: str) -> str:
    """Return what git says about this checkout, "" where it says nothing."""
    made = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return made.stdout.strip() if made.returncode == 0 else ""


def describe() -> dict[str, Any]:
    """Return the machine, its load now, the SIMD level in use, and versions; plain JSON values."""
    import numba
    import numpy

    from matcher import __version__, _core

    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "load_1_5_15_min": [round(value, 2) for value in os.getloadavg()],
        "simd": _core.simd_level(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "numba": numba.__version__,
        "matcher": __version__,
        "commit": git("rev-parse", "HEAD"),
        "uncommitted_changes": bool(git("status", "--porcelain", "--untracked-files=no")),
    }
