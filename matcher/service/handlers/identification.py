"""Identify and IdentifyStream."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import grpc

from matcher.batches import Question
from matcher.errors import ArgumentError
from matcher.gallery.filters import ACTIVE
from matcher.searches import DEFAULT_CANDIDATES
from matcher.service.convert import criterion_of, identification_to_message, sample_from_message
from matcher.service.convert_changes import encounter_from_message
from matcher.service.convert_records import filter_from_message
from matcher.service.handlers.base import Handlers, Request, deadline_of, priority_of
from matcher.service.handlers.streams import Streams
from matcher.service.turns import Work
from matcher.v1 import matcher_pb2 as pb


class IdentificationHandlers(Handlers):
    """1:N."""

    streams: Streams

    def Identify(self, request: pb.IdentifyRequest, context: grpc.ServicerContext) -> pb.IdentifyResponse:  # noqa: N802
        """Search."""
        return self._identify(request, request, context, streamed=False)

    def IdentifyStream(  # noqa: N802
        self, request_iterator: Iterator[pb.IdentifyStreamRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.IdentifyStreamResponse]:
        """Search many."""

        def answer(item: pb.IdentifyStreamRequest) -> pb.IdentifyStreamResponse:
            if not item.item_id or not item.HasField("search"):
                raise ArgumentError("IdentifyStreamRequest: expected an item_id and a search.")
            result = self._identify(item.search, item, context, streamed=True)
            return pb.IdentifyStreamResponse(item_id=item.item_id, result=result)

        def failed(item: pb.IdentifyStreamRequest, error: pb.ItemError) -> pb.IdentifyStreamResponse:
            return pb.IdentifyStreamResponse(item_id=item.item_id, error=error)

        self.ready()
        return self.streams.answers(request_iterator, context, answer, failed)

    def _identify(
        self, request: pb.IdentifyRequest, outer: Request, context: grpc.ServicerContext, *, streamed: bool
    ) -> pb.IdentifyResponse:
        by_encounter = request.encounter_id != 0 or request.HasField("client_encounter")
        given = (len(request.samples) > 0, by_encounter, request.subject_id != "")
        if sum(given) > 1:
            raise ArgumentError(
                "IdentifyRequest: expected samples, an encounter or a subject_id, got several."
            )
        fpir, threshold = criterion_of(request, "fpir")
        options: dict[str, Any] = {
            "max_candidates": request.max_candidates or DEFAULT_CANDIDATES,
            "fpir": fpir,
            "threshold": threshold,
            "chosen": filter_from_message(request.filter) if request.HasField("filter") else ACTIVE,
            "exhaustive": request.exhaustive,
        }
        if not (by_encounter or request.subject_id):
            samples = [sample_from_message(s) for s in request.samples]
            engine = self.ready()
            priority = priority_of(outer)
            question = Question(samples, **options, deadline=deadline_of(context))
            return identification_to_message(
                self.searching.answer(
                    question,
                    engine.identify_together,
                    priority,
                    streamed=streamed,
                    wake=context.add_callback,
                )
            )
        with self.turn(Work.SEARCH, outer, context, streamed=streamed) as (engine, deadline):
            options["deadline"] = deadline
            if by_encounter:
                stored = partial(engine.identify_encounter, encounter_from_message(request), **options)
            else:
                stored = partial(engine.identify_subject, request.subject_id, **options)
            return identification_to_message(self.searching.run(stored))
