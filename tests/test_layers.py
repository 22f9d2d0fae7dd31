"""Each folder imports only from those before it: the arrows of the design, read from the imports."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "matcher"

ORDER = (
    ("version", "errors"),
    ("types", "sample_quality", "trace", "kernel_cache", "_core", "person", "deadline", "safe_log", "stages"),
    ("image",),
    ("security",),
    ("audit",),
    ("models",),
    ("fingerprint", "iris", "face"),
    ("formats",),
    ("datasets",),
    ("template",),
    ("gallery",),
    ("score",),
    ("engine",),
    ("dedup",),
    ("evaluate",),
    ("v1",),
    ("observe",),
    ("service", "client"),
    ("review",),
    ("privacy",),
    ("plan",),
    ("demo",),
    ("cli",),
)
"""Folders and modules of `matcher`, earliest first; those of one row may import each other."""

ENGINE_PARTS = {
    "generations",
    "enrolments",
    "upgrades",
    "upgrading",
    "samples",
    "reader",
    "answers",
    "warm",
    "encounters",
    "searches",
    "batches",
    "uniqueness",
    "extraction",
    "assessment",
}
"""Modules beside engine.py that it is made of: they count as the engine."""


def rank(module: str) -> int:
    """Return the row of a dotted module inside `matcher`."""
    name = module.split(".")[1] if "." in module else "engine"
    name = "engine" if name in ENGINE_PARTS else name
    for row, names in enumerate(ORDER):
        if name in names:
            return row
    raise AssertionError(f"{module}: not in the order of layers; give it its place")


def imports(path: Path) -> set[str]:
    """Return the modules of `matcher` that a file imports when it runs, wherever in it."""
    tree = ast.parse(path.read_text())
    skipped = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and "TYPE_CHECKING" in ast.unparse(branch.test)
        for node in ast.walk(branch)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "matcher":
            if node.module == "matcher":
                found.update(f"matcher.{alias.name}" for alias in node.names)
            else:
                found.add(node.module)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names if alias.name.startswith("matcher."))
    return found


FILES = sorted(
    path
    for path in PACKAGE.rglob("*.py")
    if path.parent != PACKAGE or path.stem not in {"__init__"}
    if "v1" not in path.relative_to(PACKAGE).parts
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_imports_only_from_layers_before_it(path: Path) -> None:
    """No arrow points back."""
    own = "matcher." + ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    later = sorted(module for module in imports(path) if rank(module) > rank(own))
    assert not later, f"{own} imports {later}, which come after it"
