"""The methods for upgrades of the store that a server holds; see `matcher.client.calls`."""

from __future__ import annotations

from typing import Any, Unpack

from matcher.client.call import Call, CallOptions, make
from matcher.client.calls import named
from matcher.errors import ArgumentError
from matcher.gallery.generations import UpgradeStatus
from matcher.service.convert_upgrades import upgrade_from_message
from matcher.types import Modality
from matcher.v1 import matcher_pb2 as pb


def start_upgrade(
    modality: Modality,
    extractor: str = "",
    *,
    per_minute: int | None = None,
    idempotency_key: str | None = None,
    **options: Unpack[CallOptions],
) -> Call[UpgradeStatus]:
    """Begin to make templates of another extractor; see `Engine.start_upgrade`."""
    if per_minute is not None and not 0 <= per_minute < 1 << 31:
        raise ArgumentError(f"per_minute: expected 0 (no limit) to 1,000,000, got {per_minute}.")
    request = pb.StartUpgradeRequest(
        modality=int(modality),  # type: ignore[arg-type]
        extractor=extractor,
        samples_per_minute=per_minute,
        idempotency_key=named("idempotency_key", idempotency_key),
    )
    return make("StartUpgrade", request, _upgrade, options, repeat=idempotency_key is not None)


def upgrade_status(upgrade: int | None = None, **options: Unpack[CallOptions]) -> Call[UpgradeStatus]:
    """Return how far an upgrade is, by default the last that began."""
    return make("GetUpgradeStatus", pb.GetUpgradeStatusRequest(upgrade_id=upgrade or 0), _upgrade, options)


def switch_upgrade(upgrade: int, **options: Unpack[CallOptions]) -> Call[UpgradeStatus]:
    """Take an upgrade's templates into use; what is missing is made first, so allow time."""
    return make("SwitchUpgrade", pb.SwitchUpgradeRequest(upgrade_id=upgrade), _upgrade, options)


def cancel_upgrade(upgrade: int, **options: Unpack[CallOptions]) -> Call[UpgradeStatus]:
    """Give an upgrade up, and remove its templates."""
    return make("CancelUpgrade", pb.CancelUpgradeRequest(upgrade_id=upgrade), _upgrade, options)


def _upgrade(reply: Any) -> UpgradeStatus:
    return upgrade_from_message(reply.upgrade)
