"""Domain errors on the wire: one table, by which the server says them and the client raises them again."""

from __future__ import annotations

from typing import Any, cast

import grpc
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from matcher import errors
from matcher.errors import MatcherError
from matcher.v1 import matcher_pb2 as pb

DOMAIN = "matcher.v1"
"""`ErrorInfo.domain` of our own errors."""

HINT = "hint"
"""Key of `ErrorInfo.metadata` that holds `MatcherError.hint`."""

MAX_TEXT = 1000
"""Longest message or hint on the wire, characters; the whole status must fit in HTTP/2 trailers."""

CODES: dict[type[MatcherError], grpc.StatusCode] = {
    # No retry and no change of the server's state would help: also a sample that gives no template.
    errors.InputError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.FailureToExtractError: grpc.StatusCode.INVALID_ARGUMENT,
    # It depends on what the server holds.
    errors.ComparisonError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.ModelError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.SubjectNotFoundError: grpc.StatusCode.NOT_FOUND,
    errors.SubjectExistsError: grpc.StatusCode.ALREADY_EXISTS,
    errors.EncounterNotFoundError: grpc.StatusCode.NOT_FOUND,
    errors.EncounterExistsError: grpc.StatusCode.ALREADY_EXISTS,
    errors.SampleNotFoundError: grpc.StatusCode.NOT_FOUND,
    errors.UpgradeNotFoundError: grpc.StatusCode.NOT_FOUND,
    errors.UpgradeConflictError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.NothingLeftError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.IdempotencyMismatchError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.StoreLockedError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.StoreUnavailableError: grpc.StatusCode.UNAVAILABLE,
    errors.StoreFullError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.StoreCorruptError: grpc.StatusCode.DATA_LOSS,
    errors.StoreNewerError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.SnapshotMissingError: grpc.StatusCode.INTERNAL,
    errors.SnapshotCorruptError: grpc.StatusCode.DATA_LOSS,
    errors.SnapshotNewerError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.SnapshotOlderError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.SnapshotForeignError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.StoreNotEmptyError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.BackupCorruptError: grpc.StatusCode.DATA_LOSS,
    errors.BackupNewerError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.DeadlineError: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.ServerUnavailableError: grpc.StatusCode.UNAVAILABLE,
    errors.ServerNotTrustedError: grpc.StatusCode.UNAVAILABLE,
    errors.NotReadyError: grpc.StatusCode.UNAVAILABLE,
    errors.OverloadedError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.InternalError: grpc.StatusCode.INTERNAL,
    errors.UnauthenticatedError: grpc.StatusCode.UNAUTHENTICATED,
    errors.ForbiddenError: grpc.StatusCode.PERMISSION_DENIED,
    errors.TooManyRequestsError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.AuditCorruptError: grpc.StatusCode.DATA_LOSS,
    errors.AuditNewerError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.AuditNotKeptError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.AuditUnavailableError: grpc.StatusCode.UNAVAILABLE,
    errors.KeyMissingError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.SealBrokenError: grpc.StatusCode.DATA_LOSS,
    errors.PrivacyError: grpc.StatusCode.UNAVAILABLE,
    errors.ShareCorruptError: grpc.StatusCode.DATA_LOSS,
    errors.CallerRefusedError: grpc.StatusCode.PERMISSION_DENIED,
    errors.TooFewBitsError: grpc.StatusCode.INVALID_ARGUMENT,
    # A server has nothing to do with batches and data sets; named so that the table is complete.
    errors.WorkerLostError: grpc.StatusCode.INTERNAL,
    errors.DatasetError: grpc.StatusCode.INTERNAL,
}
"""A class stands for everything below it; the nearest entry counts."""

LATER = (errors.OverloadedError, errors.TooManyRequestsError)
"""Errors that go with a `google.rpc.RetryInfo`."""

BY_REASON = {leaf.reason: leaf for leaf in errors.leaves()}

# What gRPC itself says, without our details.
BARE: dict[grpc.StatusCode, tuple[type[MatcherError], str, str]] = {
    grpc.StatusCode.UNAVAILABLE: (
        errors.ServerUnavailableError,
        "No server answers at {address}.",
        "Check the address, and that the server runs.",
    ),
    grpc.StatusCode.DEADLINE_EXCEEDED: (
        errors.DeadlineError,
        "The deadline passed before {address} answered.",
        "Allow more time.",
    ),
    grpc.StatusCode.CANCELLED: (errors.DeadlineError, "The call was cancelled.", ""),
    grpc.StatusCode.RESOURCE_EXHAUSTED: (
        errors.ArgumentError,
        "The message is larger than the server takes, or the server has too many calls.",
        "Send fewer or smaller samples, or try again later.",
    ),
    grpc.StatusCode.UNIMPLEMENTED: (
        errors.ServerUnavailableError,
        "The server at {address} does not know this call.",
        "Check the address, and the server's version.",
    ),
}

# What gRPC says of a connection that TLS did not come to terms with: the first sign that is found counts.
UNTRUSTED: dict[str, tuple[type[MatcherError], str, str]] = {
    "Hostname Verification Check failed": (
        errors.ServerNotTrustedError,
        "The certificate of the server at {address} is not for that host name.",
        "Call it by a name or address that its certificate says.",
    ),
    "WRONG_VERSION_NUMBER": (
        errors.ServerNotTrustedError,
        "The server at {address} does not speak TLS.",
        "Do not ask for TLS, if the way to it is safe.",
    ),
    "andshake failed": (
        errors.ServerNotTrustedError,
        "The certificate of the server at {address} has expired, or no authority trusted here signed it.",
        "Name the authority that signed it.",
    ),
    "Socket closed": (
        errors.ServerUnavailableError,
        "The server at {address} ended the connection.",
        "If it speaks TLS, ask for TLS; if it asks for certificates, show one that it knows.",
    ),
}


def code_of(error: MatcherError) -> grpc.StatusCode:
    """Return the gRPC code of an error."""
    for kind in type(error).__mro__:
        if kind in CODES:
            return CODES[kind]
    return grpc.StatusCode.INTERNAL


def to_status(error: MatcherError) -> grpc.Status:
    """Return an error as a gRPC status with `ErrorInfo` details."""
    info = error_details_pb2.ErrorInfo(
        reason=error.reason, domain=DOMAIN, metadata={HINT: error.hint[:MAX_TEXT]} if error.hint else {}
    )
    details = [_packed(info)]
    if isinstance(error, LATER):
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMicroseconds(int(error.retry_after_s * 1e6))
        details.append(_packed(retry))
    code = code_pb2.Code.Value(code_of(error).name)
    status = status_pb2.Status(code=code, message=error.message[:MAX_TEXT], details=details)
    return cast(grpc.Status, rpc_status.to_status(status))


def _packed(message: Any) -> any_pb2.Any:
    detail = any_pb2.Any()
    detail.Pack(message)
    return detail


def to_item_error(error: MatcherError) -> pb.ItemError:
    """Return an error as an answer to one item of a stream."""
    return pb.ItemError(
        reason=error.reason,
        message=error.message[:MAX_TEXT],
        hint=error.hint[:MAX_TEXT],
        code=code_pb2.Code.Value(code_of(error).name),
    )


def from_item_error(message: pb.ItemError) -> MatcherError:
    """Return the typed error that an item of a stream failed with."""
    return _error(message.reason, message.message, message.hint)


def _error(reason: str, message: str, hint: str) -> MatcherError:
    return BY_REASON.get(reason, errors.InternalError)(message, hint=hint)


def to_error(error: grpc.RpcError, address: str) -> MatcherError:
    """Return the typed error that a failed call means.

    Parameters
    ----------
    error : grpc.RpcError
        Raised by a call.
    address : str
        Of the server, for the message.
    """
    status = _details(error)
    if status is not None:
        info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
        for detail in status.details:
            for known in (info, retry):
                if detail.Is(known.DESCRIPTOR):
                    detail.Unpack(known)
        if info.domain == DOMAIN:
            problem = _error(info.reason, status.message, info.metadata.get(HINT, ""))
            if isinstance(problem, LATER):
                problem.retry_after_s = retry.retry_delay.ToMicroseconds() / 1e6
            return problem
    code = error.code()
    for sign, untrusted in UNTRUSTED.items():
        if code is grpc.StatusCode.UNAVAILABLE and sign in (error.details() or ""):
            kind, message, hint = untrusted
            return kind(message.format(address=address), hint=hint)
    if code in BARE:
        kind, message, hint = BARE[code]
        return kind(message.format(address=address), hint=hint)
    return errors.InternalError(f"The call failed with {code.name}.")


def _details(error: grpc.RpcError) -> Any:
    try:
        return rpc_status.from_call(error)
    except ValueError:  # trailers that contradict the status: a broken proxy
        return None
