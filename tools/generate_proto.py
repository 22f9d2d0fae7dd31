"""Generates matcher/v1 from proto/; with --check only compares, and exits with 1 where they differ."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "proto"
PACKAGE = Path("matcher/v1")
GENERATED = ("*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py", "*_pb2_grpc.pyi")


def generate(out: Path) -> None:
    """Run the compiler with its plugins; imports come out as `matcher.v1.NAME_pb2`, as the folders say."""
    protos = sorted(str(path.relative_to(SOURCES)) for path in SOURCES.rglob("*.proto"))
    # The plugins lie beside this interpreter, which need not be on the PATH.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    subprocess.run(
        [
            sys.executable,
            "-m",
            "grpc_tools.protoc",
            f"-I{SOURCES}",
            f"--python_out={out}",
            f"--grpc_python_out={out}",
            f"--mypy_out=quiet:{out}",
            f"--mypy_grpc_out=quiet:{out}",
            *protos,
        ],
        check=True,
        env={**os.environ, "PATH": path},
    )


def files(folder: Path) -> dict[str, bytes]:
    """Return the generated files of a folder by name."""
    return {path.name: path.read_bytes() for pattern in GENERATED for path in folder.glob(pattern)}


def main() -> int:
    """Regenerate, or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only; exit status 1 on a difference")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as scratch:
        generate(Path(scratch))
        wanted = files(Path(scratch) / PACKAGE)
    present = files(ROOT / PACKAGE)
    different = sorted(
        name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name)
    )
    if check:
        for name in different:
            print(f"{PACKAGE / name} is not what proto/ gives: run `make proto`", file=sys.stderr)
        return 1 if different else 0
    for name in different:
        path = ROOT / PACKAGE / name
        if name in wanted:
            path.write_bytes(wanted[name])
        else:
            path.unlink()
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
