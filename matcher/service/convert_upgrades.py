"""Upgrades: message to domain type and back."""

from __future__ import annotations

from matcher.gallery.generations import Counts, Upgrade, UpgradeState, UpgradeStatus
from matcher.service.convert_records import time_from_message, time_to_message
from matcher.types import Modality
from matcher.v1 import matcher_pb2 as pb


def upgrade_to_message(status: UpgradeStatus) -> pb.Upgrade:
    """Return how far an upgrade is as a message."""
    own, counts = status.upgrade, status.upgrade.counts
    return pb.Upgrade(
        upgrade_id=own.key,
        state=int(own.state),  # type: ignore[arg-type]
        modality=int(own.modality),  # type: ignore[arg-type]
        extractor=own.extractor,
        setting=own.setting,
        former_extractor=own.former_extractor,
        former_setting=own.former_setting,
        samples_per_minute=own.per_minute,
        last_sample_id=own.cursor,
        staged_count=counts.staged,
        kept_count=counts.kept,
        without_image_count=counts.without_image,
        failed_count=counts.failed,
        started_at=time_to_message(own.started_at_us),
        ended_at=None if own.ended_at_us is None else time_to_message(own.ended_at_us),
        sample_count=status.samples,
        extractor_counts=[
            pb.ExtractorCount(extractor=extractor, sample_count=count)
            for extractor, count in status.remaining
        ],
        ready=status.searchable,
        problem=status.problem,
    )


def upgrade_from_message(message: pb.Upgrade) -> UpgradeStatus:
    """Return how far an upgrade is."""
    return UpgradeStatus(
        Upgrade(
            message.upgrade_id,
            UpgradeState(message.state),
            Modality(message.modality),
            message.extractor,
            message.setting,
            message.former_extractor,
            message.former_setting,
            message.samples_per_minute,
            message.last_sample_id,
            Counts(
                message.staged_count, message.kept_count, message.without_image_count, message.failed_count
            ),
            time_from_message(message.started_at),
            time_from_message(message.ended_at) if message.HasField("ended_at") else None,
        ),
        message.sample_count,
        tuple((one.extractor, one.sample_count) for one in message.extractor_counts),
        message.ready,
        message.problem,
    )
