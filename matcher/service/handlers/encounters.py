"""ListEncounters, UpdateEncounter, SetEncounterStatus, SetGalleries, DeleteEncounter, MoveEncounter."""

from __future__ import annotations

import grpc

from matcher.gallery.operations import SubjectIs
from matcher.gallery.records import EncounterStatus
from matcher.service.convert_changes import update_from_message
from matcher.service.convert_records import code_of, visit_to_message
from matcher.service.handlers.base import Handlers
from matcher.service.page_token import number_of, page_token
from matcher.service.turns import Work
from matcher.v1 import matcher_pb2 as pb

DEFAULT_PAGE = 100
"""Encounters on a page where the request does not say."""


class EncounterHandlers(Handlers):
    """Encounters."""

    def ListEncounters(  # noqa: N802
        self, request: pb.ListEncountersRequest, context: grpc.ServicerContext
    ) -> pb.ListEncountersResponse:
        """Tell a page of encounters."""
        size = request.page_size or DEFAULT_PAGE
        this = ("encounters", request.subject_id, request.gallery)
        after = number_of(request.page_token, *this) if request.page_token else 0
        with self.turn(Work.STORE, request, context) as (engine, _):
            subject_id = request.subject_id or None
            found = engine.encounters(after=after, limit=size, subject_id=subject_id)
        gallery = request.gallery
        shown = [visit for visit in found if not gallery or gallery in visit.details.galleries]
        return pb.ListEncountersResponse(
            encounters=[visit_to_message(visit, templates=False) for visit in shown],
            next_page_token=page_token(found[-1].encounter_key, *this) if len(found) == size else "",
        )

    def UpdateEncounter(  # noqa: N802
        self, request: pb.UpdateEncounterRequest, context: grpc.ServicerContext
    ) -> pb.UpdateEncounterResponse:
        """Set attributes."""
        change = update_from_message(request)
        with self.turn(Work.STORE, request, context) as (engine, deadline):
            return pb.UpdateEncounterResponse(sequence=engine.update(change, deadline=deadline))

    def SetEncounterStatus(  # noqa: N802
        self, request: pb.SetEncounterStatusRequest, context: grpc.ServicerContext
    ) -> pb.SetEncounterStatusResponse:
        """Make active or inactive."""
        status = code_of(EncounterStatus, request.status, "status")
        with self.turn(Work.STORE, request, context) as (engine, deadline):
            key = request.idempotency_key or None
            sequence = engine.set_status(request.encounter_id, status, key=key, deadline=deadline)
        return pb.SetEncounterStatusResponse(sequence=sequence)

    def SetGalleries(  # noqa: N802
        self, request: pb.SetGalleriesRequest, context: grpc.ServicerContext
    ) -> pb.SetGalleriesResponse:
        """Put into these galleries and no others."""
        names = frozenset(request.galleries)
        with self.turn(Work.STORE, request, context) as (engine, deadline):
            key = request.idempotency_key or None
            sequence = engine.set_galleries(request.encounter_id, names, key=key, deadline=deadline)
        return pb.SetGalleriesResponse(sequence=sequence)

    def DeleteEncounter(  # noqa: N802
        self, request: pb.DeleteEncounterRequest, context: grpc.ServicerContext
    ) -> pb.DeleteEncounterResponse:
        """Remove an encounter."""
        with self.turn(Work.STORE, request, context) as (engine, deadline):
            key = request.idempotency_key or None
            sequence = engine.delete_encounter(request.encounter_id, key=key, deadline=deadline)
        return pb.DeleteEncounterResponse(sequence=sequence)

    def MoveEncounter(  # noqa: N802
        self, request: pb.MoveEncounterRequest, context: grpc.ServicerContext
    ) -> pb.MoveEncounterResponse:
        """Give an encounter to another subject."""
        expected = code_of(SubjectIs, request.subject_expectation, "subject_expectation", SubjectIs.KNOWN)
        with self.turn(Work.STORE, request, context) as (engine, deadline):
            sequence = engine.move(
                request.encounter_id,
                request.subject_id,
                subject_is=expected,
                key=request.idempotency_key or None,
                deadline=deadline,
            )
        return pb.MoveEncounterResponse(sequence=sequence)
