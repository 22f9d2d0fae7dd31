"""GetServerStatus."""

from __future__ import annotations

from dataclasses import replace

import grpc

from matcher.answers import QueueStatus
from matcher.service.convert_status import status_to_message
from matcher.service.handlers.base import Handlers, priority_of
from matcher.v1 import matcher_pb2 as pb


class StatusHandlers(Handlers):
    """The server itself."""

    def GetServerStatus(  # noqa: N802
        self, request: pb.GetServerStatusRequest, context: grpc.ServicerContext
    ) -> pb.GetServerStatusResponse:
        """Tell what is there; never waits for a turn."""
        priority_of(request)
        queues = tuple(
            QueueStatus(
                queue.work,
                queue.running,
                queue.waiting,
                queue.limits.running,
                queue.limits.waiting,
                queue.mean_s,
            )
            for queue in self.turns.queues.values()
        )
        return status_to_message(replace(self.ready().status(), queues=queues))
