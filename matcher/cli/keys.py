"""`matcher keys`: the keys that encrypt a store."""

from __future__ import annotations

import datetime
import os
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated

import typer

File = Annotated[Path, typer.Argument(help="Keyring.", metavar="KEYRING")]
StoreUrl = Annotated[str, typer.Option("--store", help="Store URL; nobody serves it meanwhile.")]

keys = typer.Typer(no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(keys, name="keys", help="Keys that encrypt templates and images where they are stored.")


@keys.command("init")
def init_command(
    keyring: File,
    master: Annotated[
        Path | None,
        typer.Option(help="Make the master key too, in this file; else of the environment."),
    ] = None,
) -> None:
    """Make a keyring with one data key."""
    from matcher.errors import ArgumentError
    from matcher.security.keyring import environment_master, master_of, new_key, write_keys

    if keyring.exists():
        raise ArgumentError(f"{keyring}: is there already.", hint="matcher keys rotate adds a key.")
    if master is not None:
        _make_master(master)
    own = master_of(master) if master is not None else environment_master()
    write_keys(keyring, [new_key(1, own)])
    print("Keep copies of the keyring and, apart from it, of the master key: without them", file=sys.stderr)
    print("everything that they encrypt is lost.", file=sys.stderr)


@keys.command("status")
def status_command(keyring: File, store: StoreUrl = "") -> None:
    """List the data keys; with --store how many values each encrypts."""
    from matcher.gallery.reseal import IN_THE_CLEAR, count_keys
    from matcher.security.keyring import Keyring, environment_master, read_keys

    own = read_keys(keyring)
    opened = Keyring(own, environment_master())
    counts = count_keys(store) if store else {}
    for key in own:
        made = datetime.datetime.fromtimestamp(key.made_us / 1e6, datetime.UTC)
        used = f", encrypts {counts.get(key.number, 0)} values" if store else ""
        newest = ", in use" if key.number == opened.newest else ""
        print(f"key {key.number}: made {made:%Y-%m-%d %H:%M} UTC{used}{newest}")
    if store:
        print(f"in the clear: {counts.get(IN_THE_CLEAR, 0)} values")


@keys.command("rotate")
def rotate_command(
    keyring: File,
    store: StoreUrl = "",
    retire: Annotated[
        bool,
        typer.Option(
            help="Forget older keys, once --store has nothing left of them; no other may need them."
        ),
    ] = False,
    only_store: Annotated[
        bool, typer.Option(help="Make no new key: encrypt what is in the clear, go on with a rotation.")
    ] = False,
) -> None:
    """Make a new data key; with --store encrypt everything in it with that."""
    from matcher.errors import ArgumentError
    from matcher.gallery.reseal import count_keys, seal_store
    from matcher.security.keyring import (
        ENV_KEYRING,
        Keyring,
        environment_master,
        new_key,
        read_keys,
        write_keys,
    )

    if (retire or only_store) and not store:
        raise ArgumentError("Expected --store with --retire and --only-store.")
    own, master = read_keys(keyring), environment_master()
    newest = Keyring(own, master).newest
    if retire:
        _check_only_store(count_keys(store), {key.number for key in own})
    if not only_store:
        newest += 1
        own.append(new_key(newest, master))
        write_keys(keyring, own)
        print(f"key {newest} is in use from now on", file=sys.stderr)
    if store:
        os.environ[ENV_KEYRING] = str(keyring)
        print(f"{seal_store(store)} values encrypted anew with key {newest}", file=sys.stderr)
    if retire:
        write_keys(keyring, [key for key in own if key.number == newest])
        print("older keys are forgotten; backups that they encrypt need a copy of them", file=sys.stderr)


def _check_only_store(counts: Mapping[int, int], own: Collection[int]) -> None:
    """Refuse to forget keys for a store that none of them seals: it is another's that still needs them.

    Raises
    ------
    ArgumentError
    """
    from matcher.errors import ArgumentError

    if not any(counts.get(number) for number in own):
        raise ArgumentError(
            "--retire: nothing in this store is encrypted with a key of this keyring.",
            hint="Is --store the store that the keyring is of? Whatever its keys encrypt elsewhere would be "
            "lost. For a store in the clear rotate without --retire first.",
        )


@keys.command("rewrap")
def rewrap_command(
    keyring: File,
    new_master: Annotated[Path, typer.Option(help="File of the new master key.")],
) -> None:
    """Take another master key; nothing that is stored is touched."""
    from matcher.security.keyring import environment_master, master_of, read_keys, rewrapped, write_keys

    if not new_master.exists():
        _make_master(new_master)
    write_keys(keyring, rewrapped(read_keys(keyring), environment_master(), master_of(new_master)))


def _make_master(path: Path) -> None:
    from matcher.errors import ArgumentError
    from matcher.security.cipher import KEY_BYTES

    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(os.urandom(KEY_BYTES).hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ArgumentError(f"{path}: the key cannot be written ({error.strerror}).") from None
