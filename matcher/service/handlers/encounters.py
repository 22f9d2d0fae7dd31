"""ListEncounters, UpdateEncounter, SetEncounterStatus, SetGalleries, DeleteEncounter, MoveEncounter."""

from __future__ import annotations

import base64
import binascii
import hashlib

import grpc

from matcher.errors import ArgumentError
from matcher.gallery.operations import SubjectIs
from matcher.gallery.records import EncounterStatus
from matcher.service.convert_changes import update_from_message
from matcher.service.convert_records import code_of, visit_to_message
from matcher.service.handlers.base import Handlers
from matcher.service.turns import Work
from matcher.v1 import matcher_pb2 as pb

DEFAULT_PAGE = 100
"""Encounters on a page where the request does not say."""

TOKEN_KEY_BYTES, TOKEN_LIST_BYTES = 8, 8
"""A token is the key of the last encounter, and which list it is of."""


class EncounterHandlers(Handlers):
    """Encounters."""

    def ListEncounters(  # noqa: N802
        self, request: pb.ListEncountersRequest, context: grpc.ServicerContext
    ) -> pb.ListEncountersResponse:
        """Tell a page of encounters."""
        size = request.page_size or DEFAULT_PAGE
        after = after_of(request)
        with self.turn(Work.STORE, request, context) as (engine, _):
            subject_id = request.subject_id or None
            found = engine.encounters(after=after, limit=size, subject_id=subject_id)
        gallery = request.gallery
        shown = [visit for visit in found if not gallery or gallery in visit.details.galleries]
        return pb.ListEncountersResponse(
            encounters=[visit_to_message(visit, templates=False) for visit in shown],
            next_page_token=token_of(request, found[-1].encounter_key) if len(found) == size else "",
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


def token_of(request: pb.ListEncountersRequest, encounter_key: int) -> str:
    """Return the token of the page after an encounter."""
    raw = encounter_key.to_bytes(TOKEN_KEY_BYTES, "big") + _list_of(request)
    return base64.urlsafe_b64encode(raw).decode()


def after_of(request: pb.ListEncountersRequest) -> int:
    """Return the encounter that a request's page follows, 0 for the first page.

    Raises
    ------
    ArgumentError
        If the token is none of ours, or of another list.
    """
    if not request.page_token:
        return 0
    try:
        raw = base64.b64decode(request.page_token.encode(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    key, own = raw[:TOKEN_KEY_BYTES], raw[TOKEN_KEY_BYTES:]
    if len(raw) != TOKEN_KEY_BYTES + TOKEN_LIST_BYTES or own != _list_of(request):
        raise ArgumentError(
            "page_token: expected the next_page_token of this very list.", hint="Begin with the first page."
        )
    return int.from_bytes(key, "big")


def _list_of(request: pb.ListEncountersRequest) -> bytes:
    said = repr((request.subject_id, request.gallery)).encode()
    return hashlib.sha256(said).digest()[:TOKEN_LIST_BYTES]
