"""Builds the C++ core. Everything else about the package stands in pyproject.toml."""

from __future__ import annotations

import os
import shutil
import sys
from glob import glob
from pathlib import Path

from pybind11.setup_helpers import ParallelCompile, Pybind11Extension
from setuptools import setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).parent
SOURCES = sorted(
    p for pattern in ("cpp/src/*.cpp", "cpp/src/kernels/*.cpp", "cpp/bindings/*.cpp") for p in glob(pattern)
)
HEADERS = sorted(
    p for part in ("include", "src", "bindings") for p in glob(f"cpp/{part}/**/*.h", recursive=True)
)

# -ffp-contract=off: gcc would contract to FMA inside a target("avx512...") function and the SIMD
# levels would no longer agree to the last bit. Never -march=native: a wheel runs on other machines.
FLAGS = ["-O3", "-ffp-contract=off", "-fno-math-errno", "-fvisibility=hidden", "-Wall", "-Wextra"]

PACKAGE_ROOTS = {"matcher": ROOT / "matcher", "matcher.datasets": ROOT / "datasets"}


def packages() -> list[str]:
    """Every package by name; `datasets/` is mapped, its link inside matcher/ is not followed."""
    found = []
    for name, root in PACKAGE_ROOTS.items():
        for init in sorted(root.rglob("__init__.py")):
            parts = init.parent.relative_to(root).parts
            if name == "matcher" and parts[:1] == ("datasets",):
                continue
            found.append(".".join((name, *parts)))
    return sorted(set(found))


class AtomicBuildExt(build_ext):
    """Replaces an in-place extension by rename, so that a process that has it mapped keeps the old one."""

    def copy_extensions_to_source(self) -> None:
        for ext in self.extensions:
            built = Path(self.get_ext_fullpath(ext.name) if not self.inplace else self._built_path(ext.name))
            target = ROOT / "matcher" / Path(self.get_ext_filename(ext.name)).name
            staged = target.with_suffix(f".{os.getpid()}.tmp")
            shutil.copy2(built, staged)
            staged.replace(target)

    def _built_path(self, name: str) -> str:
        return os.path.join(self.build_lib, self.get_ext_filename(name))


ParallelCompile("MATCHER_BUILD_JOBS", default=min(4, os.cpu_count() or 1)).install()

# The editable install of the Makefile only records where the package is: it has just been built in place.
BUILT = os.environ.get("MATCHER_EXTENSION_BUILT") == "1"

setup(
    packages=packages(),
    package_dir={"matcher": "matcher", "matcher.datasets": "datasets"},
    package_data={
        "matcher.datasets": ["*.json"],
        "matcher.score": ["*.json", "data/*.json"],
        "matcher.plan": ["*.json"],
        "matcher.models": ["models.lock"],
        "matcher.review": ["templates/*.html", "static/*"],
        "matcher.face": ["manifests/*.toml"],
        "matcher.fingerprint": ["*.npz"],
        "matcher": ["py.typed", "v1/*.pyi"],
    },
    ext_modules=[]
    if BUILT
    else [
        Pybind11Extension(
            "matcher._core",
            SOURCES,
            include_dirs=["cpp/include", "cpp/src"],
            depends=HEADERS,
            cxx_std=17,
            extra_compile_args=FLAGS if sys.platform != "win32" else [],
            extra_link_args=["-pthread"] if sys.platform.startswith("linux") else [],
        )
    ],
    cmdclass={"build_ext": AtomicBuildExt},
)
