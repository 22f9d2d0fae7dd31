"""ListAccesses."""

from __future__ import annotations

import grpc

from matcher.audit.index import AccessIndex, Found
from matcher.encounters import check_name
from matcher.errors import ArgumentError, AuditNotKeptError
from matcher.service.convert_records import time_to_message
from matcher.service.handlers.base import Handlers
from matcher.service.page_token import number_of, page_token
from matcher.service.turns import Work
from matcher.v1 import matcher_pb2 as pb

DEFAULT_PAGE = 100
"""Accesses on a page where the request does not say."""

BEFORE_ALL = -1
"""Stands before the first entry of a log."""


class AccessHandlers(Handlers):
    """Who looked at a person.

    Attributes
    ----------
    accesses : AccessIndex or None
        Of the server's log; None where it keeps none.
    """

    accesses: AccessIndex | None = None

    def ListAccesses(  # noqa: N802
        self, request: pb.ListAccessesRequest, context: grpc.ServicerContext
    ) -> pb.ListAccessesResponse:
        """Tell a page of accesses."""
        if self.accesses is None:
            raise AuditNotKeptError(
                "This server keeps no log of accesses.", hint="Give it one: [audit] in its --security file."
            )
        if not request.subject_id:
            raise ArgumentError("ListAccessesRequest: expected a subject_id.")
        check_name("Subject id", request.subject_id)
        this = ("accesses", request.subject_id)
        size = request.page_size or DEFAULT_PAGE
        after = number_of(request.page_token, *this) if request.page_token else BEFORE_ALL
        with self.turn(Work.STORE, request, context):
            found = self.accesses.accesses(request.subject_id, after=after, limit=size)
        return pb.ListAccessesResponse(
            accesses=[access_to_message(one) for one in found],
            next_page_token=page_token(found[-1].number, *this) if len(found) == size else "",
        )


def access_to_message(found: Found) -> pb.Access:
    """Return what a person may know of an access: whom else it was about is no concern of theirs."""
    entry = found.entry
    return pb.Access(
        entry_number=found.number,
        accessed_at=time_to_message(entry.time_us),
        client=entry.actor,
        method=entry.action,
        access_transaction_id=entry.transaction,
        outcome=entry.outcome,
        address=entry.address,
        subject_id=found.subject_id,
    )
