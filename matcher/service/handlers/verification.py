"""Verify and Compare."""

from __future__ import annotations

import grpc

from matcher.service.convert import (
    comparison_to_message,
    criterion_of,
    sample_from_message,
    verification_to_message,
)
from matcher.service.handlers.base import Handlers, work_of
from matcher.service.turns import Work
from matcher.v1 import matcher_pb2 as pb


class VerificationHandlers(Handlers):
    """1:1."""

    def Verify(self, request: pb.VerifyRequest, context: grpc.ServicerContext) -> pb.VerifyResponse:  # noqa: N802
        """Compare with one subject."""
        fmr, threshold = criterion_of(request, "fmr")
        samples = [sample_from_message(s) for s in request.samples]
        with self.turn(work_of(request.samples, Work.VERIFY), request, context) as (engine, deadline):
            answer = engine.verify(
                request.subject_id, samples, fmr=fmr, threshold=threshold, deadline=deadline
            )
        return verification_to_message(answer)

    def Compare(self, request: pb.CompareRequest, context: grpc.ServicerContext) -> pb.CompareResponse:  # noqa: N802
        """Compare two sets of samples."""
        fmr, threshold = criterion_of(request, "fmr")
        probe = [sample_from_message(s) for s in request.probe_samples]
        candidate = [sample_from_message(s) for s in request.candidate_samples]
        work = work_of([*request.probe_samples, *request.candidate_samples], Work.VERIFY)
        with self.turn(work, request, context) as (engine, deadline):
            answer = engine.compare(probe, candidate, fmr=fmr, threshold=threshold, deadline=deadline)
        return comparison_to_message(answer)
