"""HOST:PORT."""

from __future__ import annotations

import ipaddress

from matcher.errors import ArgumentError


def split_address(address: str) -> tuple[str, int]:
    """Return host and port of HOST:PORT ([HOST]:PORT for IPv6).

    Raises
    ------
    ArgumentError
        If it is none.
    """
    host, colon, port = address.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) < 1 << 16):
        raise ArgumentError(f"Address: expected HOST:PORT, got {address!r}.")
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a host."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
