"""The state of a server: message to domain type and back."""

from __future__ import annotations

from matcher.answers import ModalityStatus, QueueStatus, Status
from matcher.types import Modality
from matcher.v1 import matcher_pb2 as pb


def status_to_message(status: Status) -> pb.GetServerStatusResponse:
    """Return the engine's answer as a message."""
    return pb.GetServerStatusResponse(
        version=status.version,
        store=status.store,
        subject_count=status.subjects,
        sample_count=status.samples,
        sequence=status.sequence,
        resident_bytes=status.resident_bytes,
        extractors=status.extractors,
        modalities=[
            pb.ModalityStatus(
                modality=int(one.modality),  # type: ignore[arg-type]
                sample_count=one.samples,
                resident_bytes=one.resident_bytes,
                extractors=one.extractors,
            )
            for one in status.modalities
        ],
        people_bytes=status.people_bytes,
        queues=[
            pb.QueueStatus(
                work=one.work,
                running_count=one.running,
                waiting_count=one.waiting,
                running_limit=one.running_limit,
                waiting_limit=one.waiting_limit,
                mean_seconds=one.mean_s,
            )
            for one in status.queues
        ],
    )


def status_from_message(message: pb.GetServerStatusResponse) -> Status:
    """Return the engine's answer from a message."""
    modalities = tuple(
        ModalityStatus(Modality(one.modality), one.sample_count, one.resident_bytes, tuple(one.extractors))
        for one in message.modalities
    )
    return Status(
        message.version,
        message.store,
        message.subject_count,
        message.sequence,
        modalities,
        message.people_bytes,
        tuple(
            QueueStatus(
                q.work,
                q.running_count,
                q.waiting_count,
                q.running_limit,
                q.waiting_limit,
                q.mean_seconds,
            )
            for q in message.queues
        ),
    )
