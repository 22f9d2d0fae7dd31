"""ExtractTemplate and AssessQuality."""

from __future__ import annotations

import grpc

from matcher.service.convert import sample_from_message
from matcher.service.convert_records import assessed_to_message, extracted_to_message
from matcher.service.handlers.base import Handlers
from matcher.service.turns import Work
from matcher.v1 import matcher_pb2 as pb


class ExtractionHandlers(Handlers):
    """Samples alone."""

    def ExtractTemplate(  # noqa: N802
        self, request: pb.ExtractTemplateRequest, context: grpc.ServicerContext
    ) -> pb.ExtractTemplateResponse:
        """Return templates."""
        samples = [sample_from_message(s) for s in request.samples]
        with self.turn(Work.EXTRACT, request, context) as (engine, deadline):
            found = engine.extract(samples, deadline=deadline)
        return pb.ExtractTemplateResponse(templates=[extracted_to_message(one) for one in found])

    def AssessQuality(  # noqa: N802
        self, request: pb.AssessQualityRequest, context: grpc.ServicerContext
    ) -> pb.AssessQualityResponse:
        """Return qualities."""
        samples = [sample_from_message(s) for s in request.samples]
        with self.turn(Work.EXTRACT, request, context) as (engine, deadline):
            found = engine.assess(samples, deadline=deadline)
        return pb.AssessQualityResponse(qualities=[assessed_to_message(one) for one in found])
