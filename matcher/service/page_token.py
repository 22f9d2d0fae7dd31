"""Where the next page of a list begins: a token that only this list understands."""

from __future__ import annotations

import base64
import binascii
import hashlib

from matcher.errors import ArgumentError

NUMBER_BYTES, LIST_BYTES = 8, 8
"""A token is the number of the last entry, and which list it is of."""

MAX_NUMBER = (1 << 63) - 1
"""Anybody can make a token: a greater number is no entry's, and no database takes it."""


def page_token(number: int, *list_of: str) -> str:
    """Return the token of the page after an entry.

    Parameters
    ----------
    number : int
        Of the entry, 0 to 2**63 - 1.
    list_of : str
        What makes it this list and no other.
    """
    return base64.urlsafe_b64encode(number.to_bytes(NUMBER_BYTES, "big") + _mark(list_of)).decode()


def number_of(token: str, *list_of: str) -> int:
    """Return the entry that a page follows.

    Raises
    ------
    ArgumentError
        If the token is none of ours, or of another list.
    """
    try:
        raw = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    number = int.from_bytes(raw[:NUMBER_BYTES], "big")
    if len(raw) != NUMBER_BYTES + LIST_BYTES or raw[NUMBER_BYTES:] != _mark(list_of) or number > MAX_NUMBER:
        raise ArgumentError(
            "page_token: expected the next_page_token of the page before, and the same request otherwise."
        )
    return number


def _mark(list_of: tuple[str, ...]) -> bytes:
    return hashlib.sha256("\0".join(list_of).encode()).digest()[:LIST_BYTES]
