"""How a command reaches the server, and how it prints."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import typer

from matcher.cli.serve import DEFAULT_LISTEN

if TYPE_CHECKING:
    from matcher.client import Client

SERVER = typer.Option(DEFAULT_LISTEN, "--server", help="HOST:PORT of the server.", envvar="MATCHER_SERVER")
AS_JSON = typer.Option(False, "--json", help="Print one JSON object.")
TIMEOUT = typer.Option(30.0, "--timeout", help="Seconds until the call is given up.")
KEY = typer.Option(None, "--key", help="Idempotency key: the same request again changes nothing.")


def connect(server: str, timeout: float) -> Client:
    """Return a client of a server."""
    from matcher.client import Client
    from matcher.service.address import split_address

    split_address(server)
    return Client(server, timeout=timeout)


def print_answer(as_json: bool, fields: dict[str, object], text: str) -> None:
    """Print the fields as one JSON object, or the text."""
    sys.stdout.write((json.dumps(fields) if as_json else text) + "\n")
