"""The generated code is what proto/ gives, and the check notices where it is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).resolve().parents[2] / "tools" / "generate_proto.py"


def test_the_generated_code_is_what_the_interface_gives() -> None:
    done = subprocess.run([sys.executable, str(TOOL), "--check"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_an_edited_or_missing_or_left_over_file_is_found(tmp_path: Path) -> None:
    root = TOOL.parent.parent
    for folder in ("tools", "matcher/v1"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "proto").symlink_to(root / "proto")
    (tmp_path / "tools" / TOOL.name).write_bytes(TOOL.read_bytes())

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        tool = str(tmp_path / "tools" / TOOL.name)
        return subprocess.run([sys.executable, tool, *options], capture_output=True, text=True, timeout=120)

    missing = run("--check")
    assert missing.returncode == 1
    assert "matcher_pb2.py is not what proto/ gives" in missing.stderr
    assert run().returncode == 0
    assert run("--check").returncode == 0
    generated = tmp_path / "matcher" / "v1"
    (generated / "matcher_pb2_grpc.py").write_text("edited")
    (generated / "removed_pb2.py").write_text("left over")
    found = run("--check")
    assert found.returncode == 1
    assert "matcher_pb2_grpc.py" in found.stderr
    assert "removed_pb2.py" in found.stderr
