"""The `matcher` command. One file per command group; each registers its commands here.

Command modules import heavy code inside their functions, so that `matcher --help` answers at once.
"""

from __future__ import annotations

import importlib
import sys

import typer

from matcher.errors import MatcherError

GROUPS: tuple[str, ...] = (
    "extract",
    "serve",
    "backup",
    "upgrade",
    "clients",
    "subjects",
    "slap",
    "evaluate",
    "dedup",
    "review",
    "audit",
    "keys",
    "synth",
    "convert",
    "records",
    "models",
    "privacy",
    "plan",
    "demo",
)
"""Modules under matcher.cli with a `register(app)` function, in the order of the help page."""

EXIT_ERROR = 2
"""Exit status for a typed error (1 is a comparison or a claim that did not hold)."""

app = typer.Typer(
    name="matcher",
    help="An open biometric matching engine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for _group in GROUPS:
    importlib.import_module(f"matcher.cli.{_group}").register(app)


def main() -> None:
    """Run the command line; a typed error is one line with its reason code, never a traceback."""
    try:
        app()
    except MatcherError as error:
        print(f"matcher: {error.reason}: {error}", file=sys.stderr)
        sys.exit(EXIT_ERROR)


if __name__ == "__main__":
    main()
