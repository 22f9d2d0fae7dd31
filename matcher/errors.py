"""One error tree. Every leaf has a reason code, the same in Python, in gRPC details and in CLI output.

    MatcherError
    ├── InputError                      the caller's bytes or values are unusable
    │   ├── ArgumentError                   ARGUMENT_INVALID
    │   ├── ImageError
    │   │   ├── ImageEmptyError             IMAGE_EMPTY
    │   │   ├── ImageFormatError            IMAGE_FORMAT_UNKNOWN
    │   │   ├── ImageCorruptError           IMAGE_CORRUPT
    │   │   ├── ImageTruncatedError         IMAGE_TRUNCATED
    │   │   ├── ImageTooLargeError          IMAGE_TOO_LARGE
    │   │   ├── ImageTooSmallError          IMAGE_TOO_SMALL
    │   │   └── ImageResolutionError        IMAGE_RESOLUTION_IMPLAUSIBLE
    │   ├── TemplateError
    │   │   ├── TemplateCorruptError        TEMPLATE_CORRUPT
    │   │   └── TemplateNewerError          TEMPLATE_NEWER
    │   └── RecordError                     an exchange format (ISO/IEC 19794, ANSI 378)
    │       ├── RecordFormatError           RECORD_FORMAT_UNKNOWN
    │       ├── RecordCorruptError          RECORD_CORRUPT
    │       ├── RecordTruncatedError        RECORD_TRUNCATED
    │       └── RecordUnsupportedError      RECORD_UNSUPPORTED
    ├── FailureToExtractError           a readable image that gives no template (ISO/IEC 19795: FTE)
    │   ├── BlankImageError                 EXTRACT_BLANK
    │   ├── NoForegroundError               EXTRACT_NO_FOREGROUND
    │   ├── TooFewMinutiaeError             EXTRACT_TOO_FEW_MINUTIAE
    │   ├── PupilNotFoundError              EXTRACT_NO_PUPIL
    │   ├── IrisNotFoundError               EXTRACT_NO_IRIS
    │   ├── IrisOccludedError               EXTRACT_IRIS_OCCLUDED
    │   ├── NoFaceError                     EXTRACT_NO_FACE
    │   ├── SeveralFacesError               EXTRACT_SEVERAL_FACES
    │   ├── FaceTooSmallError               EXTRACT_FACE_TOO_SMALL
    │   └── SlapError                       an image of several fingers
    │       ├── SlapFingerCountError            SLAP_FINGER_COUNT
    │       └── SlapHandError                   SLAP_HAND_UNKNOWN
    ├── ComparisonError
    │   ├── CalibrationMissingError         CALIBRATION_MISSING
    │   └── ModelsDifferError               MODELS_DIFFER
    ├── ModelError                      a model file or its runtime is not at hand
    │   ├── ModelMissingError               MODEL_MISSING
    │   ├── ModelCorruptError               MODEL_CORRUPT
    │   ├── ModelFetchError                 MODEL_FETCH
    │   ├── ModelManifestError              MODEL_MANIFEST
    │   └── ModelRuntimeError               MODEL_RUNTIME_MISSING
    ├── StoreError
    │   ├── SubjectNotFoundError            SUBJECT_NOT_FOUND
    │   ├── SubjectExistsError              SUBJECT_EXISTS
    │   ├── EncounterNotFoundError          ENCOUNTER_NOT_FOUND
    │   ├── EncounterExistsError            ENCOUNTER_EXISTS
    │   ├── SampleNotFoundError             SAMPLE_NOT_FOUND
    │   ├── NothingLeftError                NOTHING_LEFT
    │   ├── UpgradeNotFoundError            UPGRADE_NOT_FOUND
    │   ├── UpgradeConflictError            UPGRADE_CONFLICT
    │   ├── IdempotencyMismatchError        IDEMPOTENCY_MISMATCH
    │   ├── StoreLockedError                STORE_LOCKED
    │   ├── StoreUnavailableError           STORE_UNAVAILABLE
    │   ├── StoreFullError                  STORE_FULL
    │   ├── StoreNotEmptyError              STORE_NOT_EMPTY
    │   ├── StoreCorruptError               STORE_CORRUPT
    │   ├── StoreNewerError                 STORE_NEWER
    │   ├── BackupCorruptError              BACKUP_CORRUPT
    │   ├── BackupNewerError                BACKUP_NEWER
    │   └── SnapshotError                   a snapshot that is not used; the store is read instead
    │       ├── SnapshotMissingError            SNAPSHOT_MISSING
    │       ├── SnapshotCorruptError            SNAPSHOT_CORRUPT
    │       ├── SnapshotNewerError              SNAPSHOT_NEWER
    │       ├── SnapshotOlderError              SNAPSHOT_OLDER
    │       └── SnapshotForeignError            SNAPSHOT_FOREIGN
    ├── ServiceError
    │   ├── DeadlineError                   DEADLINE_EXCEEDED
    │   ├── ServerUnavailableError          SERVER_UNAVAILABLE
    │   ├── ServerNotTrustedError           SERVER_NOT_TRUSTED
    │   ├── NotReadyError                   NOT_READY
    │   ├── OverloadedError                 SERVER_OVERLOADED
    │   └── InternalError                   INTERNAL
    ├── AccessError                     the caller is not known, or may not do this
    │   ├── UnauthenticatedError            UNAUTHENTICATED
    │   ├── ForbiddenError                  PERMISSION_DENIED
    │   └── TooManyRequestsError            TOO_MANY_REQUESTS
    ├── AuditError                      the log of accesses
    │   ├── AuditCorruptError               AUDIT_CORRUPT
    │   ├── AuditNewerError                 AUDIT_NEWER
    │   ├── AuditNotKeptError               AUDIT_NOT_KEPT
    │   └── AuditUnavailableError           AUDIT_UNAVAILABLE
    ├── SealError                       keys that encrypt the store
    │   ├── KeyMissingError                 KEY_MISSING
    │   └── SealBrokenError                 SEAL_BROKEN
    ├── PrivacyError                    three-party matching (matcher.privacy)
    │   ├── ProtocolError                   PRIVACY_PROTOCOL
    │   ├── PartyUnavailableError           PRIVACY_PARTY_UNAVAILABLE
    │   ├── OutOfStepError                  PRIVACY_OUT_OF_STEP
    │   ├── ShareCorruptError               PRIVACY_SHARE_CORRUPT
    │   ├── CallerRefusedError              PRIVACY_CALLER_REFUSED
    │   └── TooFewBitsError                 PRIVACY_TOO_FEW_BITS
    ├── WorkerLostError                 WORKER_LOST
    └── DatasetError
        ├── DatasetMissingError             DATASET_MISSING
        └── DatasetLayoutError              DATASET_LAYOUT

A message says what was expected, what came and what to do. It never contains biometric data.
"""

from __future__ import annotations

from typing import ClassVar


class MatcherError(Exception):
    """Base of every error that this package raises on purpose.

    Parameters
    ----------
    message : str
        What is wrong, with what was expected and what came.
    hint : str, optional
        What the caller can do about it.
    """

    reason: ClassVar[str] = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message = message
        self.hint = hint
        super().__init__(f"{message} {hint}".strip())


class InputError(MatcherError, ValueError):
    """The caller's bytes or values are unusable."""


class ArgumentError(InputError):
    """A value is outside its documented range or of the wrong type."""

    reason = "ARGUMENT_INVALID"


class ImageError(InputError):
    """Bytes that are no usable image."""


class ImageEmptyError(ImageError):
    """No bytes at all."""

    reason = "IMAGE_EMPTY"


class ImageFormatError(ImageError):
    """Not one of the image formats that are read."""

    reason = "IMAGE_FORMAT_UNKNOWN"


class ImageCorruptError(ImageError):
    """A known format whose content contradicts itself."""

    reason = "IMAGE_CORRUPT"


class ImageTruncatedError(ImageError):
    """A known format that ends too early."""

    reason = "IMAGE_TRUNCATED"


class ImageTooLargeError(ImageError):
    """More bytes or pixels than the stated bound; found before decoding."""

    reason = "IMAGE_TOO_LARGE"


class ImageTooSmallError(ImageError):
    """Fewer pixels than any biometric sample has."""

    reason = "IMAGE_TOO_SMALL"


class ImageResolutionError(ImageError):
    """A resolution that no sensor has."""

    reason = "IMAGE_RESOLUTION_IMPLAUSIBLE"


class TemplateError(InputError):
    """Bytes that are no usable template of our own form."""


class TemplateCorruptError(TemplateError):
    """Wrong magic, length, checksum or content."""

    reason = "TEMPLATE_CORRUPT"


class TemplateNewerError(TemplateError):
    """A well-formed template of a later version than this program knows."""

    reason = "TEMPLATE_NEWER"


class RecordError(InputError):
    """Bytes that are no usable exchange record."""


class RecordFormatError(RecordError):
    """Not one of the record formats that are read."""

    reason = "RECORD_FORMAT_UNKNOWN"


class RecordCorruptError(RecordError):
    """A known record format whose content contradicts itself."""

    reason = "RECORD_CORRUPT"


class RecordTruncatedError(RecordError):
    """A known record format that ends too early."""

    reason = "RECORD_TRUNCATED"


class RecordUnsupportedError(RecordError):
    """A well-formed record with content that is not supported, or a value that the format cannot hold."""

    reason = "RECORD_UNSUPPORTED"


class FailureToExtractError(MatcherError):
    """A readable image that gives no template (failure to extract, ISO/IEC 19795-1)."""


class BlankImageError(FailureToExtractError):
    """The image has no contrast."""

    reason = "EXTRACT_BLANK"


class NoForegroundError(FailureToExtractError):
    """No area of the image looks like a fingerprint."""

    reason = "EXTRACT_NO_FOREGROUND"


class TooFewMinutiaeError(FailureToExtractError):
    """The print shows too few minutiae to be compared."""

    reason = "EXTRACT_TOO_FEW_MINUTIAE"


class PupilNotFoundError(FailureToExtractError):
    """Nothing in the image looks like a pupil."""

    reason = "EXTRACT_NO_PUPIL"


class IrisNotFoundError(FailureToExtractError):
    """Nothing around a dark disc looks like an iris."""

    reason = "EXTRACT_NO_IRIS"


class IrisOccludedError(FailureToExtractError):
    """Lids, lashes or reflections hide too much of the iris."""

    reason = "EXTRACT_IRIS_OCCLUDED"


class NoFaceError(FailureToExtractError):
    """No face is seen in the picture."""

    reason = "EXTRACT_NO_FACE"


class SeveralFacesError(FailureToExtractError):
    """There is more than one face where one was asked for."""

    reason = "EXTRACT_SEVERAL_FACES"


class FaceTooSmallError(FailureToExtractError):
    """The face has too few pixels to be compared."""

    reason = "EXTRACT_FACE_TOO_SMALL"


class SlapError(FailureToExtractError):
    """An image of several fingers whose fingers cannot be told."""


class SlapFingerCountError(SlapError):
    """There are fewer or more fingertips than the slap explains."""

    reason = "SLAP_FINGER_COUNT"


class SlapHandError(SlapError):
    """The arrangement of the fingers does not tell which hand it is."""

    reason = "SLAP_HAND_UNKNOWN"


class ComparisonError(MatcherError):
    """Two templates that cannot be compared."""


class CalibrationMissingError(ComparisonError):
    """No calibration exists for this pairing of extractors."""

    reason = "CALIBRATION_MISSING"


class ModelsDifferError(ComparisonError):
    """Embeddings of two different models, which mean nothing to each other."""

    reason = "MODELS_DIFFER"


class ModelError(MatcherError):
    """A model file, or what runs it, is not at hand."""


class ModelMissingError(ModelError):
    """The model was not fetched yet; nothing is fetched in the middle of a request."""

    reason = "MODEL_MISSING"


class ModelCorruptError(ModelError):
    """The model's file is not the pinned one."""

    reason = "MODEL_CORRUPT"


class ModelFetchError(ModelError):
    """A model could not be fetched or kept."""

    reason = "MODEL_FETCH"


class ModelManifestError(ModelError):
    """A model's manifest lacks a field, or has one that cannot be."""

    reason = "MODEL_MANIFEST"


class ModelRuntimeError(ModelError):
    """The optional library that runs models is not installed."""

    reason = "MODEL_RUNTIME_MISSING"


class StoreError(MatcherError):
    """The system of record refused or failed."""


class SubjectNotFoundError(StoreError, LookupError):
    """No subject of that id."""

    reason = "SUBJECT_NOT_FOUND"


class SubjectExistsError(StoreError):
    """A subject of that id is enrolled already."""

    reason = "SUBJECT_EXISTS"


class EncounterNotFoundError(StoreError, LookupError):
    """No encounter of that key, or of that client's id in that subject."""

    reason = "ENCOUNTER_NOT_FOUND"


class EncounterExistsError(StoreError):
    """The subject has, or would have, two encounters of one client's id."""

    reason = "ENCOUNTER_EXISTS"


class SampleNotFoundError(StoreError, LookupError):
    """No sample of that key."""

    reason = "SAMPLE_NOT_FOUND"


class NothingLeftError(StoreError):
    """A subject would be left without an encounter, or an encounter without a sample."""

    reason = "NOTHING_LEFT"


class UpgradeNotFoundError(StoreError, LookupError):
    """No upgrade has that key, or none is on its way."""

    reason = "UPGRADE_NOT_FOUND"


class UpgradeConflictError(StoreError):
    """The upgrade is not in a state in which that can be done."""

    reason = "UPGRADE_CONFLICT"


class IdempotencyMismatchError(StoreError):
    """The idempotency key was used before with another payload."""

    reason = "IDEMPOTENCY_MISMATCH"


class StoreLockedError(StoreError):
    """Another engine process owns the store."""

    reason = "STORE_LOCKED"


class StoreUnavailableError(StoreError):
    """The database does not answer."""

    reason = "STORE_UNAVAILABLE"


class StoreFullError(StoreError):
    """The disk under the store is full."""

    reason = "STORE_FULL"


class StoreNotEmptyError(StoreError):
    """A backup is restored into an empty store only."""

    reason = "STORE_NOT_EMPTY"


class StoreCorruptError(StoreError):
    """The store's content contradicts itself."""

    reason = "STORE_CORRUPT"


class StoreNewerError(StoreError):
    """The store was written by a later version of this program."""

    reason = "STORE_NEWER"


class BackupCorruptError(StoreError):
    """A backup is damaged, cut off, or none of ours."""

    reason = "BACKUP_CORRUPT"


class BackupNewerError(StoreError):
    """A backup was written by a later version of this program."""

    reason = "BACKUP_NEWER"


class SnapshotError(StoreError):
    """A snapshot of memory that is not used; the store is read instead."""


class SnapshotMissingError(SnapshotError):
    """There is none."""

    reason = "SNAPSHOT_MISSING"


class SnapshotCorruptError(SnapshotError):
    """It is damaged, or no snapshot at all."""

    reason = "SNAPSHOT_CORRUPT"


class SnapshotNewerError(SnapshotError):
    """A later version of this program wrote it."""

    reason = "SNAPSHOT_NEWER"


class SnapshotOlderError(SnapshotError):
    """A version of this program wrote it that is too old to be read."""

    reason = "SNAPSHOT_OLDER"


class SnapshotForeignError(SnapshotError):
    """It is of another store or history, or of templates in other forms."""

    reason = "SNAPSHOT_FOREIGN"


class ServiceError(MatcherError):
    """The service could not answer."""


class DeadlineError(ServiceError):
    """The caller's deadline passed before the answer was there."""

    reason = "DEADLINE_EXCEEDED"


class ServerUnavailableError(ServiceError):
    """No server answers at the address."""

    reason = "SERVER_UNAVAILABLE"


class ServerNotTrustedError(ServiceError):
    """Who answers at the address cannot show that it is the server, or does not speak TLS."""

    reason = "SERVER_NOT_TRUSTED"


class NotReadyError(ServiceError):
    """The server is starting, draining or replaying its store."""

    reason = "NOT_READY"


class OverloadedError(ServiceError):
    """The server has more work than it can do in time; nothing of the request was begun.

    Parameters
    ----------
    message, hint : str
    retry_after_s : float
        When the same request may be sent again, seconds from now.
    """

    reason = "SERVER_OVERLOADED"

    def __init__(self, message: str, *, hint: str = "", retry_after_s: float = 1.0) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message, hint=hint)


class InternalError(ServiceError):
    """A defect in this program; details are in the server's log."""

    reason = "INTERNAL"


class AccessError(MatcherError):
    """The caller is not known, or may not do this."""


class UnauthenticatedError(AccessError):
    """No certificate or token that is valid says who the caller is."""

    reason = "UNAUTHENTICATED"


class ForbiddenError(AccessError):
    """The caller is known, and has neither the role nor the gallery for this."""

    reason = "PERMISSION_DENIED"


class TooManyRequestsError(AccessError):
    """The caller has used up its allowance for the moment; nothing of the request was begun.

    Parameters
    ----------
    message, hint : str
    retry_after_s : float
        When the same request may be sent again, seconds from now.
    """

    reason = "TOO_MANY_REQUESTS"

    def __init__(self, message: str, *, hint: str = "", retry_after_s: float = 1.0) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message, hint=hint)


class AuditError(MatcherError):
    """The log of accesses cannot be written or relied on."""


class AuditCorruptError(AuditError):
    """An entry was changed, removed, moved or cut off, or a proof does not hold."""

    reason = "AUDIT_CORRUPT"


class AuditNewerError(AuditError):
    """The log was written by a later version of this program."""

    reason = "AUDIT_NEWER"


class AuditNotKeptError(AuditError):
    """The server keeps no log of accesses that could be asked."""

    reason = "AUDIT_NOT_KEPT"


class AuditUnavailableError(AuditError):
    """An entry could not be made durable, so the access that it is about is refused."""

    reason = "AUDIT_UNAVAILABLE"


class SealError(MatcherError):
    """What is encrypted at rest cannot be opened."""


class KeyMissingError(SealError):
    """The key that something was encrypted with is not at hand."""

    reason = "KEY_MISSING"


class SealBrokenError(SealError):
    """Encrypted bytes were altered, moved to another place, or are of another key."""

    reason = "SEAL_BROKEN"


class PrivacyError(MatcherError):
    """Three-party matching could not answer."""


class ProtocolError(PrivacyError):
    """A message between parties is missing, altered, replayed, out of order or of the wrong length."""

    reason = "PRIVACY_PROTOCOL"


class PartyUnavailableError(PrivacyError):
    """One of the three parties does not answer."""

    reason = "PRIVACY_PARTY_UNAVAILABLE"


class OutOfStepError(PrivacyError):
    """The parties' shares are not of one state; one of them has to catch up first."""

    reason = "PRIVACY_OUT_OF_STEP"


class ShareCorruptError(PrivacyError):
    """A file of shares contradicts itself, or is not for this party."""

    reason = "PRIVACY_SHARE_CORRUPT"


class CallerRefusedError(PrivacyError):
    """The caller's certificate does not let it ask this."""

    reason = "PRIVACY_CALLER_REFUSED"


class TooFewBitsError(PrivacyError):
    """An iris with so few valid bits that it could match nobody."""

    reason = "PRIVACY_TOO_FEW_BITS"


class WorkerLostError(MatcherError):
    """A worker process of a batch was killed from outside, most often for want of memory."""

    reason = "WORKER_LOST"


class DatasetError(MatcherError):
    """A data set on disk cannot be used."""


class DatasetMissingError(DatasetError):
    """The folder is not there or holds no samples."""

    reason = "DATASET_MISSING"


class DatasetLayoutError(DatasetError):
    """Files are named otherwise than the data set's layout says."""

    reason = "DATASET_LAYOUT"


def leaves(root: type[MatcherError] = MatcherError) -> list[type[MatcherError]]:
    """Return every concrete error class below `root`, depth first."""
    found: list[type[MatcherError]] = []
    for child in root.__subclasses__():
        found.extend(leaves(child) or [child])
    return found
