"""The enrolment side: splits records, gives each party its share, asks for operations.

Whoever runs this sees templates in the clear, before they are split; the parties never do.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import numpy as np

from matcher.errors import ArgumentError, PartyUnavailableError, ServerUnavailableError
from matcher.privacy.certificates import Identity
from matcher.privacy.layout import Layout, Numbers
from matcher.privacy.party import LEADER
from matcher.privacy.randomness import Stream
from matcher.privacy.search import Policy
from matcher.privacy.sharing import split
from matcher.service.status import to_error
from matcher.v1 import privacy_pb2 as pb
from matcher.v1 import privacy_pb2_grpc as pb_grpc

DEFAULT_TIMEOUT_S = 300.0

Record = dict[str, Numbers]
"""One subject's arrays in the clear, by their names in the layout."""

POLICIES = {Policy.ANY: pb.MATCH_POLICY_ANY, Policy.ALL: pb.MATCH_POLICY_ALL}


def split_records(layout: Layout, records: Sequence[Record]) -> tuple[bytes, bytes, bytes]:
    """Return each party's shares of records, drawn afresh; parts that a record lacks are shared zeros."""
    if not records:
        raise ArgumentError("Expected at least one record.")
    stream = Stream.fresh()
    parts: dict[str, tuple[Numbers, Numbers, Numbers]] = {}
    for name, (dtype, length) in layout.arrays.items():
        rows = np.stack([np.asarray(record.get(name, np.zeros(length, dtype)), dtype) for record in records])
        parts[name] = split(rows, stream)
    one, two, three = (layout.packed({name: part[i] for name, part in parts.items()}) for i in range(3))
    return one, two, three


class PrivacyClient:
    """Asks three parties. May be used by several threads.

    Parameters
    ----------
    addresses : sequence of str
        HOST:PORT of parties 0, 1, 2.
    identity : Identity
        A client's.
    layout : Layout
        The parties' own.
    """

    def __init__(self, addresses: Sequence[str], identity: Identity, layout: Layout) -> None:
        if len(addresses) != 3:
            raise ArgumentError(f"Expected three addresses, got {len(addresses)}.")
        self.addresses, self.layout = list(addresses), layout
        self._channels = [identity.channel(k, address) for k, address in enumerate(addresses)]
        self._stubs = [pb_grpc.PartyServiceStub(channel) for channel in self._channels]
        self._pool = ThreadPoolExecutor(3)

    def close(self) -> None:
        """Close the connections."""
        self._pool.shutdown()
        for channel in self._channels:
            channel.close()

    def enroll(self, records: dict[str, Record], *, unique: Sequence[str] = ()) -> list[str]:
        """Add subjects; return those refused because a part named in `unique` matches somebody."""
        answer = self.run(
            pb.OPERATION_KIND_ENROLL, list(records.values()), subject_ids=list(records), parts=unique
        )
        return list(answer.answers[0].matched_ids)

    def delete(self, subject_id: str) -> None:
        """Delete a subject."""
        self.run(pb.OPERATION_KIND_DELETE, (), subject_ids=[subject_id])

    def verify(
        self, subject_id: str, probe: Record, parts: Sequence[str], policy: Policy = Policy.ANY
    ) -> bool:
        """Return whether a probe matches a subject."""
        answer = self.run(
            pb.OPERATION_KIND_VERIFY, [probe], subject_ids=[subject_id], parts=parts, policy=policy
        )
        return answer.answers[0].matched

    def identify(
        self, probes: Sequence[Record], parts: Sequence[str], policy: Policy = Policy.ANY
    ) -> list[list[str]]:
        """Return whom each probe matches."""
        answer = self.run(pb.OPERATION_KIND_IDENTIFY, probes, parts=parts, policy=policy)
        return [list(one.matched_ids) for one in answer.answers]

    def check(
        self, probes: Sequence[Record], parts: Sequence[str], policy: Policy = Policy.ANY
    ) -> list[bool]:
        """Return for each probe whether it matches anybody."""
        answer = self.run(pb.OPERATION_KIND_CHECK, probes, parts=parts, policy=policy)
        return [one.matched for one in answer.answers]

    def refresh(self) -> None:
        """Draw all shares anew."""
        self.run(pb.OPERATION_KIND_REFRESH, ())

    def statuses(self) -> list[pb.GetPartyStatusResponse]:
        """Return each party's status."""
        return [
            self._call(k, stub.GetPartyStatus, pb.GetPartyStatusRequest())
            for k, stub in enumerate(self._stubs)
        ]

    def run(
        self,
        kind: pb.OperationKind.ValueType,
        records: Sequence[Record],
        *,
        subject_ids: Sequence[str] = (),
        parts: Sequence[str] = (),
        policy: Policy = Policy.ANY,
    ) -> pb.RunOperationResponse:
        """Stage records at all parties and run an operation; the parties' errors come out as they are."""
        stage_id = os.urandom(16) if records else b""
        if records:
            shares = split_records(self.layout, records)
            sent = [
                self._pool.submit(
                    self._call,
                    k,
                    self._stubs[k].StageRecords,
                    pb.StageRecordsRequest(stage_id=stage_id, records=share),
                )
                for k, share in enumerate(shares)
            ]
            for one in sent:
                one.result()
        request = pb.RunOperationRequest(
            kind=kind, stage_id=stage_id, subject_ids=subject_ids, parts=parts, policy=POLICIES[policy]
        )
        found: pb.RunOperationResponse = self._call(LEADER, self._stubs[LEADER].RunOperation, request)
        return found

    def _call(self, party: int, method: Any, request: Any) -> Any:
        try:
            return method(request, timeout=DEFAULT_TIMEOUT_S)
        except grpc.RpcError as error:
            found = to_error(error, self.addresses[party])
            if isinstance(found, ServerUnavailableError):
                found = PartyUnavailableError(
                    f"Party {party} does not answer.", hint="Start it, and ask again."
                )
            raise found from None
