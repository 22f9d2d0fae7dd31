"""Enroll, EnrollIfUnique, BulkEnroll."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import grpc

from matcher.errors import ArgumentError
from matcher.gallery.filters import EVERYBODY
from matcher.gallery.operations import SubjectIs
from matcher.gallery.records import NO_DETAILS
from matcher.searches import DEFAULT_CANDIDATES
from matcher.service.convert import criterion_of, enrolled_to_message, sample_from_message
from matcher.service.convert_changes import unique_to_message
from matcher.service.convert_records import code_of, details_from_message, filter_from_message
from matcher.service.handlers.base import Handlers, Request, key_of, work_of
from matcher.service.handlers.streams import Streams
from matcher.service.turns import Work
from matcher.v1 import matcher_pb2 as pb


class EnrolmentHandlers(Handlers):
    """Adds people."""

    streams: Streams

    def Enroll(self, request: pb.EnrollRequest, context: grpc.ServicerContext) -> pb.EnrollResponse:  # noqa: N802
        """Add an encounter."""
        return self._enroll(request, request, request.idempotency_key, context, streamed=False)

    def EnrollIfUnique(  # noqa: N802
        self, request: pb.EnrollIfUniqueRequest, context: grpc.ServicerContext
    ) -> pb.EnrollIfUniqueResponse:
        """Add a subject unless somebody looks the same."""
        return self._enroll_if_unique(request, request, request.idempotency_key, context, streamed=False)

    def BulkEnroll(  # noqa: N802
        self, request_iterator: Iterator[pb.BulkEnrollRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.BulkEnrollResponse]:
        """Add many."""

        def answer(item: pb.BulkEnrollRequest) -> pb.BulkEnrollResponse:
            return self._item(item, context)

        def failed(item: pb.BulkEnrollRequest, error: pb.ItemError) -> pb.BulkEnrollResponse:
            outcome = pb.BULK_ENROLL_OUTCOME_FAILED
            return pb.BulkEnrollResponse(item_id=item.item_id, outcome=outcome, error=error)

        self.ready()
        return self.streams.answers(request_iterator, context, answer, failed)

    def _item(self, item: pb.BulkEnrollRequest, context: grpc.ServicerContext) -> pb.BulkEnrollResponse:
        kind = item.WhichOneof("request")
        if not item.item_id or kind is None:
            raise ArgumentError("BulkEnrollRequest: expected an item_id and a request.")
        inner = item.enroll if kind == "enroll" else item.enroll_if_unique
        if inner.idempotency_key:
            raise ArgumentError(
                "BulkEnrollRequest: the item_id is the idempotency key; expected no other within."
            )
        reply = pb.BulkEnrollResponse(item_id=item.item_id)
        if kind == "enroll":
            reply.enrolment.CopyFrom(self._enroll(item.enroll, item, item.item_id, context, streamed=True))
        else:
            unique = self._enroll_if_unique(item.enroll_if_unique, item, item.item_id, context, streamed=True)
            if unique.HasField("enrolment"):
                reply.enrolment.CopyFrom(unique.enrolment)
            if unique.HasField("search"):
                reply.search.CopyFrom(unique.search)
        if not reply.HasField("enrolment"):
            reply.outcome = pb.BULK_ENROLL_OUTCOME_NOT_UNIQUE
        elif reply.enrolment.created:
            reply.outcome = pb.BULK_ENROLL_OUTCOME_ENROLLED
        else:
            reply.outcome = pb.BULK_ENROLL_OUTCOME_ALREADY
        return reply

    def _enroll(
        self,
        request: pb.EnrollRequest,
        outer: Request,
        key: str,
        context: grpc.ServicerContext,
        *,
        streamed: bool,
    ) -> pb.EnrollResponse:
        samples = [sample_from_message(s) for s in request.samples]
        details = details_from_message(request.details) if request.HasField("details") else NO_DETAILS
        expected = code_of(SubjectIs, request.subject_expectation, "subject_expectation", SubjectIs.NEW)
        work = work_of(request.samples, Work.STORE)
        with self.turn(work, outer, context, streamed=streamed) as (engine, deadline):
            answer = engine.enroll(
                request.subject_id or None,
                samples,
                idempotency_key=key_of(key, context),
                details=details,
                client_encounter_id=request.client_encounter_id or None,
                subject_is=expected,
                deadline=deadline,
            )
        return enrolled_to_message(answer)

    def _enroll_if_unique(
        self,
        request: pb.EnrollIfUniqueRequest,
        outer: Request,
        key: str,
        context: grpc.ServicerContext,
        *,
        streamed: bool,
    ) -> pb.EnrollIfUniqueResponse:
        samples = [sample_from_message(s) for s in request.samples]
        details = details_from_message(request.details) if request.HasField("details") else NO_DETAILS
        chosen = filter_from_message(request.filter) if request.HasField("filter") else EVERYBODY
        fpir, threshold = criterion_of(request, "fpir")
        with self.turn(Work.SEARCH, outer, context, streamed=streamed) as (engine, deadline):
            answer = self.searching.run(
                partial(
                    engine.enroll_if_unique,
                    request.subject_id or None,
                    samples,
                    fpir=fpir,
                    threshold=threshold,
                    max_candidates=request.max_candidates or DEFAULT_CANDIDATES,
                    chosen=chosen,
                    idempotency_key=key_of(key, context),
                    details=details,
                    client_encounter_id=request.client_encounter_id or None,
                    deadline=deadline,
                )
            )
        return unique_to_message(answer)
