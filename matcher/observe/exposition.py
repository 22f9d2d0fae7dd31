"""The port that Prometheus asks: HTTP, read only, its own thread."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server

from matcher.errors import ArgumentError

logger = logging.getLogger(__name__)


@contextmanager
def exposed(registry: CollectorRegistry, host: str, port: int) -> Iterator[int]:
    """Answer at http://HOST:PORT/metrics until the block ends; gives the port (0 takes a free one).

    Raises
    ------
    ArgumentError
        If the address cannot be listened at.
    """
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise ArgumentError(
            f"Cannot serve metrics at {host}:{port}: {error.strerror}.",
            hint="Is the port taken, or the host not of this machine?",
        ) from error
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
