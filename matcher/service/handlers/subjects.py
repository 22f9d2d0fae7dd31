"""GetSubject, DeleteSubject, MergeSubjects, ListGalleries."""

from __future__ import annotations

import grpc

from matcher.service.convert_records import galleries_to_message, visit_to_message
from matcher.service.handlers.base import Handlers, key_of, priority_of
from matcher.service.turns import Work
from matcher.v1 import matcher_pb2 as pb


class SubjectHandlers(Handlers):
    """Subjects and the sets that they belong to."""

    def GetSubject(  # noqa: N802
        self, request: pb.GetSubjectRequest, context: grpc.ServicerContext
    ) -> pb.GetSubjectResponse:
        """Tell what is kept of a subject."""
        with self.turn(Work.STORE, request, context) as (engine, _):
            found = engine.subject(request.subject_id)
        templates = request.include_templates
        return pb.GetSubjectResponse(
            subject_id=found.subject_id,
            encounters=[visit_to_message(visit, templates=templates) for visit in found.encounters],
        )

    def DeleteSubject(  # noqa: N802
        self, request: pb.DeleteSubjectRequest, context: grpc.ServicerContext
    ) -> pb.DeleteSubjectResponse:
        """Remove a subject."""
        with self.turn(Work.STORE, request, context) as (engine, deadline):
            key = key_of(request.idempotency_key, context)
            sequence = engine.delete(request.subject_id, key=key, deadline=deadline)
        return pb.DeleteSubjectResponse(sequence=sequence)

    def MergeSubjects(  # noqa: N802
        self, request: pb.MergeSubjectsRequest, context: grpc.ServicerContext
    ) -> pb.MergeSubjectsResponse:
        """Make one subject of two."""
        with self.turn(Work.STORE, request, context) as (engine, deadline):
            sequence = engine.merge(
                request.subject_id,
                request.other_subject_id,
                key=key_of(request.idempotency_key, context),
                deadline=deadline,
            )
        return pb.MergeSubjectsResponse(sequence=sequence)

    def ListGalleries(  # noqa: N802
        self, request: pb.ListGalleriesRequest, context: grpc.ServicerContext
    ) -> pb.ListGalleriesResponse:
        """Tell the galleries."""
        priority_of(request)
        return galleries_to_message(self.ready().galleries())
