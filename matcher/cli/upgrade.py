"""`matcher upgrade start|status|switch|cancel` and `matcher reindex`: other templates, or another index.

An upgrade is made where the store is: by the server that holds it (`--server`), else by the command itself.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matcher.cli.backup import StoreOption
from matcher.cli.connection import Connection, at_server
from matcher.types import Modality

if TYPE_CHECKING:
    from matcher.gallery.generations import Upgrade

LOOK_S = 1.0
"""How often progress is shown, seconds."""

KINDS = {modality.name.lower(): modality for modality in Modality}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="Another extractor or model for what a store holds.")
    for command in (start, status, switch, cancel):
        group.command()(at_server(command, or_store=True))
    app.add_typer(group, name="upgrade")
    app.command()(reindex)


def start(
    modality: Annotated[str, typer.Argument(help="fingerprint, iris or face")],
    to: Annotated[
        str,
        typer.Option("--to", help="numba or leader; of faces a manifest: a name, or a path of a .toml"),
    ] = "",
    rate: Annotated[
        int | None,
        typer.Option(
            min=0, help="Most images a minute; 0 for no limit. Default: no limit here, 600 in a server."
        ),
    ] = None,
    wait: Annotated[bool, typer.Option(help="Do the work here, or watch the server do it.")] = True,
    store: StoreOption = "",
    *,
    at: Connection,
) -> None:
    """Begin to make new templates of all images that were kept.

    Whatever ends this command, the work goes on where it was: in the server, with `start` again, or beside
    everything else in `matcher serve`.
    """
    from matcher.errors import ArgumentError

    kind = KINDS.get(modality.lower())
    if kind is None:
        raise ArgumentError(f"Modality: expected one of {', '.join(KINDS)}, got {modality!r}.")
    with _opened(store, at) as held:
        here = {} if at.server else {"per_minute": 0}
        now = held.start_upgrade(kind, to, **(here if rate is None else {"per_minute": rate}), **at.options)
        while wait:
            counts = now.upgrade.counts
            print(f"\r{counts.all} of {now.samples} samples ", end="", file=sys.stderr, flush=True)
            if now.searchable or now.problem or now.upgrade.state is not now.upgrade.state.RUNNING:
                print(file=sys.stderr)
                break
            time.sleep(LOOK_S)
            now = held.upgrade_status(now.upgrade.key, **at.options)
        _tell(now.upgrade)
        if now.problem:
            print(f"the work does not go on: {now.problem}", file=sys.stderr)
            raise typer.Exit(2)


def status(store: StoreOption = "", *, at: Connection) -> None:
    """Say how far each upgrade of a store is; the store may be served meanwhile."""
    known = _known_to(at) if at.server else _known_in(store)
    if not known:
        print("there was no upgrade")
    for one in known:
        _tell(one)


def switch(store: StoreOption = "", *, at: Connection) -> None:
    """Take all new templates into use, in one change; what is not done yet is done first."""
    from matcher.errors import DeadlineError

    with _opened(store, at) as held:
        own = held.upgrade_status(**at.options).upgrade
        # An upgrade that has ended is left to the engine's own refusal.
        which = own.key if at.server else None
        while True:
            try:
                now = held.switch_upgrade(which, **at.options)
                break
            except DeadlineError:
                left = held.upgrade_status(which, **at.options)
                print(f"\r{left.upgrade.counts.all} of {left.samples} samples ", end="", file=sys.stderr)
        _tell(now.upgrade)
        for extractor, count in now.remaining:
            print(f"  {count} samples of {extractor}")


def cancel(store: StoreOption = "", *, at: Connection) -> None:
    """Give the upgrade up that is on its way; its templates are removed."""
    with _opened(store, at) as held:
        which = held.upgrade_status(**at.options).upgrade.key if at.server else None
        _tell(held.cancel_upgrade(which, **at.options).upgrade)


def reindex(
    store: StoreOption = "",
    snapshot: Annotated[
        Path | None,
        typer.Option(
            help="Where the snapshot is kept; by default beside an SQLite file, for others nowhere."
        ),
    ] = None,
) -> None:
    """Make the index and its snapshot anew from what the store holds, so that the next start is fast again.

    Nobody may serve the store meanwhile. Nothing that is stored changes; nothing is extracted again.
    """
    from matcher.cli.serve import default_store
    from matcher.gallery.gallery import Gallery
    from matcher.gallery.snapshots import LEAST_SAMPLES, default_path
    from matcher.score.scorers import gallery_scorers

    url, begun = store or default_store(), time.perf_counter()
    path = snapshot if snapshot is not None else default_path(url)
    threads = len(os.sched_getaffinity(0))
    gallery = Gallery(url, gallery_scorers(), threads=threads, snapshot=path, fresh=True)
    try:
        view = gallery.memory().view()
        samples = sum(rows.samples for rows in view.rows.values())
        gallery.put_in_order()
    finally:
        gallery.close()
    kept = f"snapshot {path}" if path is not None and path.exists() else "no snapshot is kept"
    if path is not None and samples < LEAST_SAMPLES:
        kept += f" of fewer than {LEAST_SAMPLES} samples"
    seconds = time.perf_counter() - begun
    print(f"made anew in {seconds:.1f} s: {samples} samples, changes up to {view.sequence}; {kept}")


@contextmanager
def _opened(store: str, at: Connection) -> Iterator[Any]:
    """Give the engine or the client; both have the same four methods for upgrades."""
    from matcher.cli.serve import default_store
    from matcher.engine import Engine
    from matcher.errors import ArgumentError

    if at.server:
        if store:
            raise ArgumentError("--store and --server: expected one, got both.")
        with at.client() as client:
            yield client
        return
    if at.options:
        raise ArgumentError("--priority and --transaction belong to --server.")
    with Engine(store or default_store()) as engine:
        yield engine


def _known_in(store: str) -> list[Upgrade]:
    from matcher.cli.serve import default_store
    from matcher.gallery.upgrade_read import read_upgrades

    return list(read_upgrades(store or default_store()))


def _known_to(at: Connection) -> list[Upgrade]:
    from matcher.errors import UpgradeNotFoundError

    with _opened("", at) as client:
        try:
            last = client.upgrade_status(**at.options).upgrade.key
        except UpgradeNotFoundError:
            return []
        return [client.upgrade_status(key, **at.options).upgrade for key in range(1, last + 1)]


def _tell(one: Upgrade) -> None:
    counts = one.counts
    print(
        f"upgrade {one.key}: {one.modality.name.lower()} from {one.former_extractor} to {one.extractor}, "
        f"{one.state.name}: {counts.staged} new templates, {counts.kept} were new already, "
        f"{counts.without_image} without image, {counts.failed} failed"
    )
