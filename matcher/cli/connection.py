"""How a command reaches the server, and how it prints."""

from __future__ import annotations

import functools
import inspect
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matcher.cli.serve import DEFAULT_LISTEN

if TYPE_CHECKING:
    from matcher.client import Client
    from matcher.client.call import CallOptions

AS_JSON = typer.Option(False, "--json", help="Print one JSON object.")
KEY = typer.Option(None, "--key", help="Idempotency key: the same request again changes nothing.")

TOKEN = "MATCHER_TOKEN"
"""Environment variable that may hold the token itself; never an argument, which others can see."""

PEM = "FILE.pem"

SECURITY_FILES = ("tls_ca", "tls_certificate", "tls_key")
"""Options that are read from the environment too, MATCHER_TLS_CA and so on."""


@dataclass(frozen=True, slots=True)
class Connection:
    """Which server, how safely, and what every call to it says.

    A command that takes one as its parameter `at` gets these as its options, see `at_server`.
    """

    server: Annotated[
        str, typer.Option("--server", help="HOST:PORT of the server.", envvar="MATCHER_SERVER")
    ] = DEFAULT_LISTEN
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds until the call is given up.")] = 30.0
    tls_ca: Annotated[
        Path | None,
        typer.Option(
            "--tls-ca",
            help="Use TLS; who signed the server's certificate.",
            metavar=PEM,
            envvar="MATCHER_TLS_CA",
        ),
    ] = None
    tls_certificate: Annotated[
        Path | None,
        typer.Option(
            "--tls-certificate",
            help="Your own certificate, where the server asks for one.",
            metavar=PEM,
            envvar="MATCHER_TLS_CERTIFICATE",
        ),
    ] = None
    tls_key: Annotated[
        Path | None,
        typer.Option("--tls-key", help="The key of it.", metavar=PEM, envvar="MATCHER_TLS_KEY"),
    ] = None
    token: Annotated[
        Path | None,
        typer.Option(
            "--token", help=f"File that holds a signed token; or the token in {TOKEN}.", metavar="FILE"
        ),
    ] = None
    priority: Annotated[
        int | None,
        typer.Option("--priority", min=0, max=9, help="How urgent it is, 0 (last) to 9 (first); default 5."),
    ] = None
    transaction: Annotated[
        str | None, typer.Option("--transaction", help="Your own name of what this belongs to, for the log.")
    ] = None

    def client(self) -> Client:
        """Return a client of the server.

        Raises
        ------
        ArgumentError
            If the address is none, or a file cannot be used.
        """
        from matcher.client import Client
        from matcher.client.credentials import channel_credentials, read_token
        from matcher.service.address import split_address

        split_address(self.server)
        credentials = channel_credentials(self.tls_ca, self.tls_certificate, self.tls_key)
        token = read_token(self.token) if self.token is not None else os.environ.get(TOKEN, "").strip()
        return Client(self.server, timeout=self.timeout, credentials=credentials, token=token or None)

    @property
    def options(self) -> CallOptions:
        """What every call says."""
        said: CallOptions = {}
        if self.priority is not None:
            said["priority"] = self.priority
        if self.transaction is not None:
            said["transaction_id"] = self.transaction
        return said


ServerOrStore = Annotated[
    str, typer.Option("--server", help="HOST:PORT of who serves the store; by default nobody does.")
]
"""Option `--server` of a command that otherwise opens the store itself."""


def at_server(command: Callable[..., None], *, or_store: bool = False) -> Callable[..., None]:
    """Return a command whose parameter `at` is made of the options of a `Connection`.

    Parameters
    ----------
    command : callable
    or_store : bool
        Whether it opens the store itself where no server is named: `at.server` is "" then.
    """
    own = inspect.signature(command, eval_str=True)
    kind = inspect.signature(Connection, eval_str=True)
    names = [one.name for one in fields(Connection)]

    @functools.wraps(command)
    def call(*args: Any, **kwargs: Any) -> None:
        at = Connection(**{name: kwargs.pop(name) for name in names if name in kwargs})
        command(*args, at=at, **kwargs)

    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [one.replace(kind=keyword) for name, one in own.parameters.items() if name != "at"]
    options = {name: kind.parameters[name].replace(kind=keyword) for name in names}
    if or_store:
        options["server"] = options["server"].replace(annotation=ServerOrStore, default="")
    parameters += options.values()
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {one.name: one.annotation for one in parameters}
    return call


def connect(server: str, timeout: float) -> Client:
    """Return a client of a server, as secured as the environment's variables say."""
    said = [os.environ.get(f"MATCHER_{name.upper()}") for name in SECURITY_FILES]
    ca, certificate, key = (Path(value) if value else None for value in said)
    return Connection(server, timeout, ca, certificate, key).client()


def print_answer(as_json: bool, fields: dict[str, object], text: str) -> None:
    """Print the fields as one JSON object, or the text."""
    sys.stdout.write((json.dumps(fields) if as_json else text) + "\n")
