"""The `matcher` command. One file per command group; each registers its commands here.

Command modules import heavy code inside their functions, so that `matcher --help` answers at once.
"""

from __future__ import annotations

import errno
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
    """Run the command line; an error, typed or of a file, is one line with a reason, never a traceback."""
    try:
        app()
    except MatcherError as error:
        print(f"matcher: {error.reason}: {error}", file=sys.stderr)
        sys.exit(EXIT_ERROR)
    except OSError as error:
        # A command names the file that it was asked for where it can; here are the others: a folder of
        # results that cannot be made, a disk that fills in the middle of a run.
        if error.errno is None or error.strerror is None:
            raise
        where = f"{error.filename}: " if error.filename is not None else ""
        print(f"matcher: SYSTEM_ERROR: {where}{error.strerror}. {_hint(error.errno)}", file=sys.stderr)
        sys.exit(EXIT_ERROR)


def _hint(number: int) -> str:
    """Return what to do about an error number of the operating system."""
    if number in (errno.ENOSPC, errno.EDQUOT):
        return "Make room, and run the command again."
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "Check who may read and write there."
    return "Check the path."


if __name__ == "__main__":
    main()
