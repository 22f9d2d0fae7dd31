"""ListEncounters, UpdateEncounter, SetEncounterStatus, SetGalleries, DeleteEncounter, MoveEncounter."""

from __future__ import annotations

from dataclasses import replace

import grpc

from matcher.errors import ArgumentError
from matcher.gallery.operations import SubjectIs
from matcher.gallery.records import ClientEncounter, EncounterStatus
from matcher.service.convert_changes import encounter_from_message, update_from_message
from matcher.service.convert_records import code_of, visit_to_message
from matcher.service.handlers.base import Handlers, key_of
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
        if request.client_encounter_id:
            return self._one_of_the_client(request, context)
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

    def _one_of_the_client(
        self, request: pb.ListEncountersRequest, context: grpc.ServicerContext
    ) -> pb.ListEncountersResponse:
        """Tell the encounter of a client's id, on the one page that there is."""
        if not request.subject_id or request.page_token:
            raise ArgumentError("client_encounter_id: expected the subject_id beside it, and no page_token.")
        with self.turn(Work.STORE, request, context) as (engine, _):
            found = engine.encounter(ClientEncounter(request.subject_id, request.client_encounter_id))
        seen = not request.gallery or request.gallery in found.details.galleries
        return pb.ListEncountersResponse(
            encounters=[visit_to_message(found, templates=False)] if seen else []
        )

    def UpdateEncounter(  # noqa: N802
        self, request: pb.UpdateEncounterRequest, context: grpc.ServicerContext
    ) -> pb.UpdateEncounterResponse:
        """Set attributes."""
        change = update_from_message(request)
        change = replace(change, key=key_of(request.idempotency_key, context))
        with self.turn(Work.STORE, request, context) as (engine, deadline):
            return pb.UpdateEncounterResponse(sequence=engine.update(change, deadline=deadline))

    def SetEncounterStatus(  # noqa: N802
        self, request: pb.SetEncounterStatusRequest, context: grpc.ServicerContext
    ) -> pb.SetEncounterStatusResponse:
        """Make active or inactive."""
        status = code_of(EncounterStatus, request.status, "status")
        with self.turn(Work.STORE, request, context) as (engine, deadline):
            key = key_of(request.idempotency_key, context)
            sequence = engine.set_status(encounter_from_message(request), status, key=key, deadline=deadline)
        return pb.SetEncounterStatusResponse(sequence=sequence)

    def SetGalleries(  # noqa: N802
        self, request: pb.SetGalleriesRequest, context: grpc.ServicerContext
    ) -> pb.SetGalleriesResponse:
        """Put into these galleries and no others."""
        names = frozenset(request.galleries)
        with self.turn(Work.STORE, request, context) as (engine, deadline):
            key = key_of(request.idempotency_key, context)
            sequence = engine.set_galleries(
                encounter_from_message(request), names, key=key, deadline=deadline
            )
        return pb.SetGalleriesResponse(sequence=sequence)

    def DeleteEncounter(  # noqa: N802
        self, request: pb.DeleteEncounterRequest, context: grpc.ServicerContext
    ) -> pb.DeleteEncounterResponse:
        """Remove an encounter."""
        with self.turn(Work.STORE, request, context) as (engine, deadline):
            key = key_of(request.idempotency_key, context)
            sequence = engine.delete_encounter(encounter_from_message(request), key=key, deadline=deadline)
        return pb.DeleteEncounterResponse(sequence=sequence)

    def MoveEncounter(  # noqa: N802
        self, request: pb.MoveEncounterRequest, context: grpc.ServicerContext
    ) -> pb.MoveEncounterResponse:
        """Give an encounter to another subject."""
        expected = code_of(SubjectIs, request.subject_expectation, "subject_expectation", SubjectIs.KNOWN)
        with self.turn(Work.STORE, request, context) as (engine, deadline):
            sequence = engine.move(
                encounter_from_message(request),
                request.subject_id,
                subject_is=expected,
                key=key_of(request.idempotency_key, context),
                deadline=deadline,
            )
        return pb.MoveEncounterResponse(sequence=sequence)
