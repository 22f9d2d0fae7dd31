"""Clients of a running server: typed answers, typed errors, deadlines, and retries where they are safe.

    with Client("127.0.0.1:50051") as client:
        client.enroll([png], subject_id="alice")

`AsyncClient` has the same methods to be awaited.
"""

from matcher.client.aio import AsyncClient
from matcher.client.items import BulkAnswer, BulkItem, BulkOutcome, SearchAnswer, SearchItem, Uniqueness
from matcher.client.sync import Client

__all__ = [
    "AsyncClient",
    "BulkAnswer",
    "BulkItem",
    "BulkOutcome",
    "Client",
    "SearchAnswer",
    "SearchItem",
    "Uniqueness",
]
