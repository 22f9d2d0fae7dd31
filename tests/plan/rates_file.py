"""Rates with round numbers, so that a plan can be worked out by hand."""

from __future__ import annotations

from typing import Any


def rates_value() -> dict[str, Any]:
    """Return the plain JSON form: a search takes 1 ms and 100 ns a subject."""
    return {
        "format": 1,
        "machine": "a test",
        "date": "2026-01-01",
        "subject": "two fingers, two irises, face",
        "search": {"subjects": [10_000, 100_000, 1_000_000], "seconds": [0.002, 0.011, 0.101]},
        "verify_seconds": 0.0005,
        "extract_seconds": {"fingerprint": 0.03, "iris": 0.05, "face": 0.02},
        "samples": {"fingerprint": 2, "iris": 2, "face": 1},
        "enrolments_per_second": 1000,
        "hot_bytes": 5000,
        "stored_bytes": 10_000,
        "probe_bytes": 4000,
        "reply_bytes": 1000,
        "lost": 0.001,
        "mated": {
            "scores": [0, 60, 100, 140],
            "fnmr": [0, 0.001, 0.002, 0.01],
            "supported": 90,
            "probes": 500,
        },
    }
