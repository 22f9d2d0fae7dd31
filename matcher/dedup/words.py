"""Reason codes in words, for people who read reports and decide cases."""

from __future__ import annotations

TROUBLES = {
    "SAME_FILE": "the same image file is there twice",
    "IMAGE_REUSED": "one photograph or print was used in both records",
    "MIXED_BIOMETRICS": "some parts match and others, of good quality, do not: records may be mixed",
    "SWAPPED_HANDS": "right and left are swapped in one of the records",
    "WRONG_POSITION": "fingers or eyes match under other positions than labelled",
    "REPEATED_IN_RECORD": "a record holds one finger, eye or capture twice",
    "WEAK_LINK": "only this pair holds two groups of records together; they were split",
}

VERDICTS = {
    "DUPLICATE": "at or above the threshold.",
    "REVIEW": "just below the threshold.",
}

REASONS = {
    "IMAGE_EMPTY": "an empty file",
    "IMAGE_FORMAT_UNKNOWN": "no image of a known format",
    "IMAGE_CORRUPT": "a damaged image",
    "IMAGE_TRUNCATED": "an image that ends too early",
    "IMAGE_TOO_LARGE": "larger than any sample",
    "IMAGE_TOO_SMALL": "smaller than any sample",
    "IMAGE_RESOLUTION_IMPLAUSIBLE": "a resolution that no sensor has",
    "EXTRACT_BLANK": "no contrast",
    "EXTRACT_NO_FOREGROUND": "nothing looks like a fingerprint",
    "EXTRACT_TOO_FEW_MINUTIAE": "too few minutiae",
    "EXTRACT_NO_PUPIL": "no pupil was found",
    "EXTRACT_NO_IRIS": "no iris was found",
    "EXTRACT_IRIS_OCCLUDED": "lids, lashes or reflections hide the iris",
    "EXTRACT_NO_FACE": "no face was found",
    "EXTRACT_SEVERAL_FACES": "more than one face",
    "EXTRACT_FACE_TOO_SMALL": "the face has too few pixels",
    "ARGUMENT_INVALID": "the file could not be read, or its labels contradict it",
    "TEMPLATE_CORRUPT": "a damaged template",
    "TEMPLATE_NEWER": "a template of a later version",
    "RECORD_CORRUPT": "a damaged record",
    "RECORD_TRUNCATED": "a record that ends too early",
    "RECORD_UNSUPPORTED": "a record with unsupported content",
    "NO_SAMPLES": "a record without any sample",
}

KINDS = {
    "SEVERAL": "samples of several kinds",
    "FINGERS": "fingers alone",
    "EYES": "eyes alone",
    "FACE": "the face alone",
}
"""What pairs have in common, by `matcher.dedup.allowance.Kind`."""
