"""Wrote store_v3.sql with the program whose stores were of schema version 3: subjects with several visits.

python tests/golden/write_store_v3.py tests/golden/store_v3.sql       # at the commit "ef9be3f"
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from pathlib import Path

from matcher.gallery.operations import EncounterUpdate, Enrolment, Merge, StatusChange, SubjectIs
from matcher.gallery.records import EncounterDetails, EncounterStatus, SampleRecord
from matcher.gallery.store import Store
from matcher.types import Modality


class Nobody:
    """Keeps nothing in memory."""

    def apply(self, changes: object) -> None:
        """Take over changes."""

    def resume(self, identity: str, sequence: int, stored: object) -> None:
        """Know nothing."""

    def replay(self, sequence: int, stored: object) -> None:
        """Take over everything."""


def sample(number: int) -> SampleRecord:
    """Return a sample whose template is no biometric."""
    return SampleRecord(Modality.IRIS, number % 3, 50 + number, b"template %d" % number, image=b"image")


def main() -> None:
    """Write the dump."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/gallery.db", Nobody())
        details = EncounterDetails(galleries=frozenset({"north"}), tags={"k": "v"}, client_data=b"own")
        for number in range(6):
            name = f"subject-{number % 3}"
            enrolment = Enrolment(
                name,
                (sample(number),),
                f"enrol-{number}",
                bytes([number] * 32),
                details=details,
                subject_is=SubjectIs.EITHER,
            )
            store.submit(enrolment).result()
        store.submit(EncounterUpdate(1, 1990, key="update")).result()
        store.submit(StatusChange(2, EncounterStatus.INACTIVE, "status")).result()
        store.submit(Merge("subject-0", "subject-1", "merge")).result()
        store.close()
        connection = sqlite3.connect(Path(folder) / "gallery.db")
        Path(sys.argv[1]).write_text("\n".join(connection.iterdump()) + "\n")
        connection.close()


if __name__ == "__main__":
    main()
