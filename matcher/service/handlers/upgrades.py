"""StartUpgrade, GetUpgradeStatus, SwitchUpgrade, CancelUpgrade."""

from __future__ import annotations

import grpc

from matcher.errors import ArgumentError
from matcher.service.convert_records import code_of
from matcher.service.convert_upgrades import upgrade_to_message
from matcher.service.handlers.base import Handlers, deadline_of, key_of, priority_of
from matcher.types import Modality
from matcher.upgrades import DEFAULT_PER_MINUTE
from matcher.v1 import matcher_pb2 as pb

MAX_EXTRACTOR_NAME = 4096
"""Longest name or path of an extractor, characters."""


class UpgradeHandlers(Handlers):
    """Upgrades. They never wait for a turn: they are few, and the work is done in the background."""

    def StartUpgrade(  # noqa: N802
        self, request: pb.StartUpgradeRequest, context: grpc.ServicerContext
    ) -> pb.StartUpgradeResponse:
        """Begin to make templates of another extractor."""
        priority_of(request)
        modality = code_of(Modality, request.modality, "modality")
        name = request.extractor
        if len(name) > MAX_EXTRACTOR_NAME or (name and not name.isprintable()):
            raise ArgumentError(f"extractor: expected at most {MAX_EXTRACTOR_NAME} printable characters.")
        said = request.HasField("samples_per_minute")
        status = self.ready().start_upgrade(
            modality,
            name,
            per_minute=request.samples_per_minute if said else DEFAULT_PER_MINUTE,
            key=key_of(request.idempotency_key, context),
            deadline=deadline_of(context),
        )
        return pb.StartUpgradeResponse(upgrade=upgrade_to_message(status))

    def GetUpgradeStatus(  # noqa: N802
        self, request: pb.GetUpgradeStatusRequest, context: grpc.ServicerContext
    ) -> pb.GetUpgradeStatusResponse:
        """Tell how far an upgrade is."""
        priority_of(request)
        status = self.ready().upgrade_status(request.upgrade_id or None)
        return pb.GetUpgradeStatusResponse(upgrade=upgrade_to_message(status))

    def SwitchUpgrade(  # noqa: N802
        self, request: pb.SwitchUpgradeRequest, context: grpc.ServicerContext
    ) -> pb.SwitchUpgradeResponse:
        """Take the new templates into use."""
        priority_of(request)
        status = self.ready().switch_upgrade(_named(request.upgrade_id), deadline=deadline_of(context))
        return pb.SwitchUpgradeResponse(upgrade=upgrade_to_message(status))

    def CancelUpgrade(  # noqa: N802
        self, request: pb.CancelUpgradeRequest, context: grpc.ServicerContext
    ) -> pb.CancelUpgradeResponse:
        """Give an upgrade up."""
        priority_of(request)
        status = self.ready().cancel_upgrade(_named(request.upgrade_id), deadline=deadline_of(context))
        return pb.CancelUpgradeResponse(upgrade=upgrade_to_message(status))


def _named(upgrade: int) -> int:
    """Return which upgrade a change is about: one that is not said might be another one by now."""
    if upgrade < 1:
        raise ArgumentError(
            f"upgrade_id: expected a number from 1, got {upgrade}.", hint="GetUpgradeStatus tells it."
        )
    return upgrade
