"""`matcher review`: the console in which analysts decide what a de-duplication found."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

ENV_PASSWORD = "MATCHER_REVIEW_PASSWORD"
"""Environment variable with the password of `--add-user`; else it is asked for."""

LEDGER = "review.db"
"""Accounts and decisions, in the folder of the run."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("review")(review_command)


def review_command(
    out: Annotated[Path, typer.Argument(help="Folder that `matcher dedup` wrote.", metavar="DIR")],
    listen: Annotated[
        str, typer.Option(help="HOST:PORT; loopback unless TLS is used, here or in a proxy before it.")
    ] = "127.0.0.1:8080",
    tls_cert: Annotated[
        Path | None, typer.Option(help="PEM file with the certificate chain: the console speaks HTTPS.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM file with its key.")] = None,
    add_user: Annotated[
        str | None, typer.Option(help="Add a user, or give a new password, instead of serving.")
    ] = None,
    role: Annotated[str, typer.Option(help="Of --add-user: analyst or supervisor.")] = "analyst",
) -> None:
    """Serve the review console, or add a user to it."""
    import hashlib

    from matcher.errors import ArgumentError
    from matcher.review.ledger import Ledger, Role

    pairs = out / "pairs.parquet"
    if not pairs.is_file():
        raise ArgumentError(
            "DIR: there is no pairs.parquet.", hint="Give the folder that `matcher dedup` wrote."
        )
    ledger = Ledger(out / LEDGER, hashlib.sha256(pairs.read_bytes()).hexdigest())
    if add_user is not None:
        if role not in list(Role):
            raise ArgumentError(f"--role: expected {' or '.join(Role)}.")
        password = os.environ.get(ENV_PASSWORD) or typer.prompt(
            "Password", hide_input=True, confirmation_prompt=True
        )
        ledger.add_user(add_user, Role(role), password)
        print(f"User {add_user} is {role}.", file=sys.stderr)
        return
    if not ledger.has_users:
        raise ArgumentError("There is no user yet.", hint="Add some: matcher review DIR --add-user NAME.")
    _serve(out, ledger, listen, tls_cert, tls_key)


def _serve(out: Path, ledger: object, listen: str, cert: Path | None, key: Path | None) -> None:
    import uvicorn

    from matcher.cli.dedup import work_key
    from matcher.errors import ArgumentError
    from matcher.review.app import Console, make_app
    from matcher.review.cases import load_cases
    from matcher.review.evidence import Evidence
    from matcher.review.ledger import Ledger

    assert isinstance(ledger, Ledger)
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit():
        raise ArgumentError(f"--listen: expected HOST:PORT, got {listen!r}.")
    if (cert is None) != (key is None):
        raise ArgumentError("--tls-cert and --tls-key: expected both or none.")
    for name, file in (("--tls-cert", cert), ("--tls-key", key)):
        if file is not None and not file.is_file():
            raise ArgumentError(f"{name}: there is no such file.")
    evidence = Evidence(out, work_key())
    console = Console(out.resolve().name, load_cases(out), ledger, evidence)
    scheme = "http" if cert is None else "https"
    print(f"Review console: {scheme}://{listen}/", file=sys.stderr)
    uvicorn.run(
        make_app(console),
        host=host,
        port=int(port),
        log_level="warning",
        server_header=False,
        ssl_certfile=cert,
        ssl_keyfile=None if key is None else str(key),
    )
