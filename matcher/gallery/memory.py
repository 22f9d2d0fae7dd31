"""A gallery in memory: who there is, and where each subject's samples are; derived from the store, never the
truth.

One thread writes (the store's writer). Readers take `view()`: one reference to an immutable value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from matcher.errors import NotReadyError
from matcher.gallery.records import Change, ChangeKind
from matcher.gallery.rows import BLOCK_ROWS, BLOCK_WORDS, Place, ResidentSample, Rows, RowsView
from matcher.types import Modality


def _no_rows() -> Mapping[Modality, RowsView]:
    return MappingProxyType({modality: RowsView() for modality in Modality})


@dataclass(frozen=True, slots=True)
class View:
    """What a reader works on: the state after `sequence`, later deletions included.

    Attributes
    ----------
    rows : mapping of Modality to RowsView
        Of every modality.
    subjects : int
        How many are enrolled.
    numbers : int
        Subject numbers given so far; every row's `subject` is below.
    sequence : int
        Last change that is contained.
    """

    rows: Mapping[Modality, RowsView] = field(default_factory=_no_rows)
    subjects: int = 0
    numbers: int = 0
    sequence: int = 0


class Memory:
    """All samples of a gallery, by modality and by subject.

    Parameters
    ----------
    block_words, block_rows : int
        Size of a block; tests take small ones.
    """

    def __init__(self, *, block_words: int = BLOCK_WORDS, block_rows: int = BLOCK_ROWS) -> None:
        self._rows = {modality: Rows(modality, block_words, block_rows) for modality in Modality}
        self._names: list[str | None] = []
        self._places: dict[str, tuple[int, int, tuple[Place, ...]]] = {}
        self._sequence = 0
        self._view = View()

    def view(self) -> View:
        """Return the last published state."""
        return self._view

    def name(self, subject: int) -> str | None:
        """Return the id of a subject by its number, None once it is deleted."""
        return self._names[subject]

    def places(self, subject_id: str) -> tuple[Place, ...] | None:
        """Return where the samples of a subject are, or None if nobody of that id is enrolled."""
        found = self._places.get(subject_id)
        return None if found is None else found[2]

    def places_of(self, subject: int) -> tuple[Place, ...] | None:
        """Return where the samples of a subject are by its number, None once it is deleted."""
        name = self._names[subject]
        found = None if name is None else self._places.get(name)
        return None if found is None or found[1] != subject else found[2]

    def add(self, subject_key: int, subject_id: str, samples: Sequence[ResidentSample]) -> None:
        """Append a subject's samples; nothing is visible before `publish`. Adding a known key adds to it."""
        known = self._places.get(subject_id)
        if known is not None and known[0] != subject_key:
            raise ValueError("two subjects of one id in the log")
        number = len(self._names) if known is None else known[1]
        places = tuple(self._rows[sample.modality].append(sample, number) for sample in samples)
        if known is None:
            self._names.append(subject_id)
            self._places[subject_id] = (subject_key, number, places)
        else:
            self._places[subject_id] = (subject_key, number, known[2] + places)

    def remove(self, subject_key: int, subject_id: str) -> None:
        """Mark a subject's rows dead; a reader that is at work sees it when it asks for the name."""
        known = self._places.get(subject_id)
        if known is None or known[0] != subject_key:
            return
        del self._places[subject_id]
        self._names[known[1]] = None
        for place in known[2]:
            self._rows[place.modality].remove(place)

    def apply(self, changes: Sequence[Change]) -> None:
        """Take over changes in log order and publish them; those taken over before are passed by.

        Raises
        ------
        NotReadyError
            If an entry before the first of these was never taken over.
        """
        for change in changes:
            if change.sequence <= self._sequence:
                continue
            if change.sequence != self._sequence + 1:
                raise NotReadyError(f"Change {change.sequence} came where {self._sequence + 1} was expected.")
            if change.kind is ChangeKind.ENROLL:
                self.add(change.subject_key, change.subject_id, change.resident)
            else:
                self.remove(change.subject_key, change.subject_id)
            self._sequence = change.sequence
        self.publish(self._sequence)

    def publish(self, sequence: int) -> None:
        """Make everything added so far visible as the state after `sequence`."""
        self._sequence = sequence
        rows = MappingProxyType({modality: rows.view() for modality, rows in self._rows.items()})
        self._view = View(rows, len(self._places), len(self._names), sequence)
