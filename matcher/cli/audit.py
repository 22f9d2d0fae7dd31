"""`matcher audit`: check, prove, export and query the log of accesses, without the server."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from matcher.audit.entry import Entry
    from matcher.audit.head import Head, PublicKeys

Folder = Annotated[Path, typer.Argument(help="Folder of the log.", metavar="DIR")]
Keys = Annotated[
    list[Path] | None,
    typer.Option(
        "--public-key",
        help="PEM of a key that the log may be signed with; by default the one beside the log.",
    ),
]

audit = typer.Typer(no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(audit, name="audit", help="The log of every access to people's data.")


@audit.command("key")
def key_command(
    path: Annotated[Path, typer.Argument(help="File to make; FILE.pub gets the public key.")],
) -> None:
    """Make the key that signs a log."""
    from matcher.audit.keys import make_key

    make_key(path)
    print(f"Keep {path} with the server, and {path}.pub with whoever audits it.", file=sys.stderr)


@audit.command("verify")
def verify_command(
    folder: Folder,
    public_key: Keys = None,
    head: Annotated[
        list[Path] | None, typer.Option(help="File with a head that was kept elsewhere; may be repeated.")
    ] = None,
) -> None:
    """Read the whole log and check every entry, link, head and signature; print the head, to be kept."""
    from matcher.audit.proof import head_text
    from matcher.audit.verify import verify_log

    found = verify_log(folder, _keys(folder, public_key), [_head(path) for path in head or ()])
    _say(
        {
            "entries": found.entries,
            "segments": found.segments,
            "unconfirmed_bytes": found.unconfirmed_bytes,
            "root": found.head.root.hex(),
            "head": head_text(found.head),
        }
    )


@audit.command("head")
def head_command(folder: Folder) -> None:
    """Print the last signed head as one line: whoever keeps it finds any later change."""
    from matcher.audit.proof import head_text

    print(head_text(_last(folder)))


@audit.command("prove")
def prove_command(
    folder: Folder,
    entry: Annotated[int | None, typer.Option(help="Number of the entry that is in the log.")] = None,
    earlier: Annotated[
        Path | None, typer.Option(help="File with an earlier head: the log still begins as it says.")
    ] = None,
) -> None:
    """Print a proof that an entry is in the log, or that an earlier head is its beginning."""
    from matcher.audit.proof import prove_consistency, prove_inclusion
    from matcher.errors import ArgumentError

    if (entry is None) == (earlier is None):
        raise ArgumentError("Expected one of --entry and --earlier.")
    head = _last(folder)
    if earlier is not None:
        print(prove_consistency(folder, head, _head(earlier)).text())
    elif entry is not None:
        print(prove_inclusion(folder, head, entry).text())


@audit.command("check")
def check_command(
    proof: Annotated[Path, typer.Argument(help="What `matcher audit prove` printed.", metavar="FILE")],
    public_key: Annotated[list[Path], typer.Option(help="PEM of a key that the log may be signed with.")],
) -> None:
    """Check a proof, without the log."""
    from matcher.audit.keys import load_publics
    from matcher.audit.proof import parsed_proof

    read = parsed_proof(_text(proof))
    entry = read.check(load_publics(public_key))
    if entry is not None and read.number is not None:
        _say({"holds": True, "size": read.head.size, **_told(read.number, entry)})
    elif read.earlier is not None:
        _say({"holds": True, "size": read.head.size, "earlier_size": read.earlier.size})


@audit.command("export")
def export_command(
    folder: Folder,
    public_key: Keys = None,
    subject: Annotated[str | None, typer.Option(help="Only what is about this subject.")] = None,
    since_us: Annotated[int, typer.Option(help="Only from here on, microseconds since 1970-01-01 UTC.")] = 0,
) -> None:
    """Check the log, then print its entries, a JSON object a line."""
    from matcher.audit.entry import unpacked
    from matcher.audit.proof import stored_entries
    from matcher.audit.segment import segment_paths
    from matcher.audit.verify import verify_log

    size = verify_log(folder, _keys(folder, public_key)).entries
    number = 0
    for path in segment_paths(folder):
        for data in stored_entries(path):
            entry = unpacked(data)
            wanted = subject is None or subject in entry.subjects
            if number < size and wanted and entry.time_us >= since_us:
                _say(_told(number, entry))
            number += 1


@audit.command("accesses")
def accesses_command(folder: Folder, subject: Annotated[str, typer.Argument(help="Whose accesses.")]) -> None:
    """Print who looked at a person, a JSON object a line, through the log's index."""
    from matcher.audit.index import AccessIndex

    index = AccessIndex(folder)
    after = -1
    while page := index.accesses(subject, after=after):
        for number, entry, name in page:
            _say({**_told(number, entry), "subject_id": name})
        after = page[-1].number
    index.close()


def _keys(folder: Path, paths: list[Path] | None) -> PublicKeys:
    from matcher.audit.keys import load_publics
    from matcher.audit.opening import PUBLIC_KEY

    if not paths:
        print(
            "matcher: checking with the public key beside the log: a forger could have replaced both; "
            "give --public-key.",
            file=sys.stderr,
        )
    return load_publics(paths or [folder / PUBLIC_KEY])


def _last(folder: Path) -> Head:
    from matcher.audit.head import LAST_HEAD, read_last_head
    from matcher.errors import ArgumentError

    head = read_last_head(folder / LAST_HEAD)
    if head is None:
        raise ArgumentError(f"{folder}: there is no audit log.")
    return head


def _head(path: Path) -> Head:
    from matcher.audit.proof import parsed_head

    return parsed_head(_text(path))


def _text(path: Path) -> str:
    from matcher.errors import ArgumentError

    try:
        return path.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise ArgumentError(f"{path}: cannot be read ({type(error).__name__}).") from None


def _told(number: int, entry: Entry) -> dict[str, Any]:
    return {
        "number": number,
        **{name: getattr(entry, name) for name in entry.__slots__ if name != "subjects"},
        "subjects": list(entry.subjects),
    }


def _say(value: dict[str, Any]) -> None:
    print(json.dumps(value))
