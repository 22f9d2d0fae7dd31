"""`matcher upgrade start|status|switch|cancel`: another extractor or model for what a store holds."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from matcher.cli.backup import StoreOption
from matcher.types import Modality

if TYPE_CHECKING:
    from matcher.engine import Engine
    from matcher.gallery.generations import Upgrade

LOOK_S = 1.0
"""How often progress is shown, seconds."""

KINDS = {modality.name.lower(): modality for modality in Modality}


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(no_args_is_help=True, help="Another extractor or model for what a store holds.")
    for command in (start, status, switch, cancel):
        group.command()(command)
    app.add_typer(group, name="upgrade")


def start(
    modality: Annotated[str, typer.Argument(help="fingerprint, iris or face")],
    to: Annotated[
        str,
        typer.Option("--to", help="numba or leader; of faces a manifest: a name, or a path of a .toml"),
    ] = "",
    rate: Annotated[int, typer.Option(min=0, help="Most images a minute; 0 for no limit.")] = 0,
    wait: Annotated[bool, typer.Option(help="Do the work here, and show it.")] = True,
    store: StoreOption = "",
) -> None:
    """Begin to make new templates of all images that were kept.

    The store must not be served meanwhile. Whatever ends this, the work goes on where it was: with `start`
    again, or beside everything else in `matcher serve`.
    """
    from matcher.errors import ArgumentError
    from matcher.gallery.generations import UpgradeState

    kind = KINDS.get(modality.lower())
    if kind is None:
        raise ArgumentError(f"Modality: expected one of {', '.join(KINDS)}, got {modality!r}.")
    with _opened(store) as engine:
        begun = [one for one in _known(engine) if one.state is UpgradeState.RUNNING]
        if not (begun and (begun[0].modality, begun[0].setting) == (kind, to)):
            engine.start_upgrade(kind, to, per_minute=rate)
        while wait:
            now = engine.upgrade_status()
            counts = now.upgrade.counts
            print(f"\r{counts.all} of {now.samples} samples ", end="", file=sys.stderr, flush=True)
            if now.searchable or now.problem:
                print(file=sys.stderr)
                break
            time.sleep(LOOK_S)
        now = engine.upgrade_status()
        _tell(now.upgrade)
        if now.problem:
            print(f"the work does not go on: {now.problem}", file=sys.stderr)
            raise typer.Exit(2)


def status(store: StoreOption = "") -> None:
    """Say how far each upgrade of a store is; the store may be served meanwhile."""
    from matcher.cli.serve import default_store
    from matcher.gallery.upgrade_read import read_upgrades

    known = read_upgrades(store or default_store())
    if not known:
        print("there was no upgrade")
    for one in known:
        _tell(one)


def switch(store: StoreOption = "") -> None:
    """Take all new templates into use, in one change; what is not done yet is done first."""
    with _opened(store) as engine:
        now = engine.switch_upgrade()
        _tell(now.upgrade)
        for extractor, count in now.remaining:
            print(f"  {count} samples of {extractor}")


def cancel(store: StoreOption = "") -> None:
    """Give the upgrade up that is on its way; its templates are removed."""
    with _opened(store) as engine:
        _tell(engine.cancel_upgrade().upgrade)


def _opened(store: str) -> Engine:
    from matcher.cli.serve import default_store
    from matcher.engine import Engine

    return Engine(store or default_store())


def _known(engine: Engine) -> list[Upgrade]:
    from matcher.errors import UpgradeNotFoundError

    try:
        return [engine.upgrade_status().upgrade]
    except UpgradeNotFoundError:
        return []


def _tell(one: Upgrade) -> None:
    counts = one.counts
    print(
        f"upgrade {one.key}: {one.modality.name.lower()} from {one.former_extractor} to {one.extractor}, "
        f"{one.state.name}: {counts.staged} new templates, {counts.kept} were new already, "
        f"{counts.without_image} without image, {counts.failed} failed"
    )
