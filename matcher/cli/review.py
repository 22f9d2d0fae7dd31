"""`matcher review`: the console in which analysts decide what a de-duplication found."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from matcher.cli.connection import Connection
    from matcher.review.ledger import Ledger

ENV_PASSWORD = "MATCHER_REVIEW_PASSWORD"
"""Environment variable with the password of `--add-user`; else it is asked for."""

LEDGER = "review.db"
"""Accounts and decisions, in the folder of the run."""


MERGE_TIMEOUT_S = 30.0
"""Seconds that a merge may take, with its retries."""


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
    merge: Annotated[
        str | None,
        typer.Option(
            help="HOST:PORT of the server whose store the run read: merge the subjects that were decided "
            "to be one person, instead of serving.",
            metavar="SERVER",
        ),
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM file with its key.")] = None,
    tls_ca: Annotated[
        Path | None,
        typer.Option(
            help="With --merge: use TLS; PEM file of who signed the server's certificate. --tls-cert and "
            "--tls-key are your own then, where the server asks for them.",
            envvar="MATCHER_TLS_CA",
        ),
    ] = None,
    token: Annotated[
        Path | None,
        typer.Option(help="With --merge: file that holds a signed token; or the token in MATCHER_TOKEN."),
    ] = None,
    add_user: Annotated[
        str | None, typer.Option(help="Add a user, or give a new password, instead of serving.")
    ] = None,
    role: Annotated[str, typer.Option(help="Of --add-user: analyst or supervisor.")] = "analyst",
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="TLS ends at a proxy: listen beyond loopback without.")
    ] = False,
) -> None:
    """Serve the review console, or add a user to it."""
    import hashlib

    from matcher.cli.connection import Connection
    from matcher.errors import ArgumentError
    from matcher.review.ledger import Ledger, Role

    pairs = out / "pairs.parquet"
    if not pairs.is_file():
        raise ArgumentError(
            "DIR: there is no pairs.parquet.", hint="Give the folder that `matcher dedup` wrote."
        )
    run = hashlib.sha256(pairs.read_bytes()).hexdigest()
    ledger = Ledger(out / LEDGER, run)
    if merge is not None:
        at = Connection(merge, MERGE_TIMEOUT_S, tls_ca, tls_cert, tls_key, token)
        _merge(out, ledger, at, run)
        return
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
    _serve(out, ledger, listen, tls_cert, tls_key, behind_proxy=behind_proxy)


def _merge(out: Path, ledger: Ledger, at: Connection, run: str) -> None:
    from matcher.cli.dedup import work_key
    from matcher.dedup.manifest import read_run
    from matcher.dedup.open import is_url
    from matcher.errors import ArgumentError
    from matcher.review.cases import load_cases
    from matcher.review.evidence import Evidence
    from matcher.review.feedback import plan_merges, send_merges

    asked = read_run(out)
    if asked.against is not None or not is_url(asked.source):
        raise ArgumentError(
            "--merge: the records of this run are not the subjects of one store.",
            hint="Run `matcher dedup` on the URL of the server's store, without --against.",
        )
    plan = plan_merges(load_cases(out), ledger.decisions(), Evidence(out, work_key()).order)
    for group in plan.contradictions:
        print(f"left alone, decisions contradict each other: {', '.join(group)}", file=sys.stderr)
    done = 0
    try:
        with at.client() as client:
            for one in send_merges(plan, client.merge, run):
                told = "not there any more" if one.sequence is None else f"change {one.sequence}"
                print(f"{one.merge.other} -> {one.merge.subject}: {told}")
                done += one.sequence is not None
    finally:
        # What ends it in the middle takes none of them back.
        print(f"{done} of {len(plan.merges)} merged", file=sys.stderr)


def _serve(
    out: Path, ledger: Ledger, listen: str, cert: Path | None, key: Path | None, *, behind_proxy: bool
) -> None:
    import uvicorn

    from matcher.cli.dedup import work_key
    from matcher.errors import ArgumentError
    from matcher.review.app import Console, make_app
    from matcher.review.cases import load_cases
    from matcher.review.evidence import Evidence
    from matcher.service.address import is_loopback

    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit():
        raise ArgumentError(f"--listen: expected HOST:PORT, got {listen!r}.")
    if (cert is None) != (key is None):
        raise ArgumentError("--tls-cert and --tls-key: expected both or none.")
    for name, file in (("--tls-cert", cert), ("--tls-key", key)):
        if file is not None and not file.is_file():
            raise ArgumentError(f"{name}: there is no such file.")
    if cert is None and not behind_proxy and not is_loopback(host):
        raise ArgumentError(
            "--listen: passwords and pictures of people would leave this machine in the clear.",
            hint="Give --tls-cert and --tls-key, or --behind-proxy where a proxy speaks TLS.",
        )
    evidence = Evidence(out, work_key())
    console = Console(out.resolve().name, load_cases(out), ledger, evidence)
    scheme = "http" if cert is None else "https"
    print(f"Review console: {scheme}://{listen}/", file=sys.stderr)
    uvicorn.run(
        make_app(console),
        host=host.strip("[]"),
        port=int(port),
        log_level="warning",
        server_header=False,
        ssl_certfile=cert,
        ssl_keyfile=None if key is None else str(key),
    )
