"""A gallery in memory made from the synthetic population, larger than the people that are drawn for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from matcher.datasets.population import Population, SyntheticPerson
from matcher.gallery.gallery import WIDE_BYTES, WIDE_FINGERS, _in_memory
from matcher.gallery.memory import Memory
from matcher.gallery.records import ORDINAL_BITS, EncounterStatus, StoredEncounter, encounter_key_of
from matcher.gallery.rows import ResidentSample
from matcher.gallery.sealed import index_blocks
from matcher.gallery.search import has_shortlist
from matcher.score.scorers import gallery_scorers
from matcher.template.modality import Template, extractor_of, modality_of, position_of
from matcher.types import U64, Modality

SEED = 20

PAGE = 500
"""People drawn at a time."""

STRIDE = 997
"""So many people further stands the one whose left fingers a copy gets, for each copy."""

RIGHT_HAND = 5
"""Last code of a finger of the right hand."""


@dataclass(slots=True)
class Gallery:
    """A memory made from a population, with what a store would hold of it."""

    people: int
    fingers: int = 2
    once: int = 0
    scorers: Any = field(default_factory=gallery_scorers)
    memory: Memory = field(default_factory=Memory)
    residents: list[list[ResidentSample]] = field(default_factory=list)
    full: list[dict[int, U64]] = field(default_factory=list)

    def __post_init__(self) -> None:
        population = Population(SEED, fingers=self.fingers)
        for begin in range(0, self.people, PAGE):
            for person in population.subjects(begin, min(begin + PAGE, self.people)):
                self._take(templates_of(person))

    def _take(self, templates: Sequence[Template]) -> None:
        own, full = [], {}
        for ordinal, template in enumerate(templates):
            scorer = self.scorers[modality_of(template)]
            words = _in_memory(scorer).resident(template)
            said = scorer.describe(template) if has_shortlist(scorer) else None
            position, extractor = int(position_of(template)), extractor_of(template)
            own.append(ResidentSample(modality_of(template), words, position, extractor, ordinal, said))
            if modality_of(template) is Modality.IRIS:
                full[ordinal] = scorer.resident(template)
        self.residents.append(own)
        self.full.append(full)

    def fill(self, copies: int, modalities: Sequence[Modality] = tuple(Modality)) -> None:
        """Put everybody into memory, but the first `once` people `copies` times."""
        rng = np.random.default_rng(SEED)
        wide = self.fingers <= WIDE_FINGERS
        repeated = max(self.people - self.once, 1)
        subjects = self.once + copies * (self.people - self.once)
        for number in range(subjects):
            copy, place = divmod(max(number - self.once, 0), repeated)
            if place == 0:
                noise = rng.integers(0, 2**63, 32, dtype=np.uint64)
                turn = rng.permutation(128)
            if number < self.once:
                own = self.residents[number]
            elif copy == 0:
                own = self.residents[self.once + place]
            else:
                other = self.residents[self.once + (place + STRIDE * copy) % repeated]
                own = joined(self.residents[self.once + place], other, noise, turn)
            made = [sample for sample in own if sample.modality in modalities]
            if number % PAGE == 0:
                self.memory.publish(number)
                used = self.memory.rows[Modality.FINGERPRINT].view().resident_bytes
                wide = wide and used < WIDE_BYTES
            key = number + 1
            encounter = StoredEncounter(
                key, key, f"S{key:09d}", EncounterStatus.ACTIVE, frozenset({"all"}), 1980, {}
            )
            self.memory.add(encounter, self._widened(made) if wide else made)
        self.memory.publish(subjects)
        self.memory.shortlist.maintain()
        index_blocks(self.memory.rows[Modality.FACE].view(), self.scorers[Modality.FACE], lambda: False)

    def _widened(self, samples: list[ResidentSample]) -> list[ResidentSample]:
        """As a gallery does: two fingers are kept in the larger form while there is room."""
        scorer = self.scorers[Modality.FINGERPRINT]
        return [
            replace(s, words=scorer.widened(s.words)) if s.modality is Modality.FINGERPRINT else s
            for s in samples
        ]

    def fetch(self, modality: Modality, keys: Sequence[int]) -> list[U64 | None]:
        """Return full iris codes: the ones that were enrolled, of copies those of the original."""
        low = (1 << ORDINAL_BITS) - 1
        return [self.full[self._original(encounter_key_of(k) - 1)].get(k & low) for k in keys]

    def _original(self, number: int) -> int:
        if number < self.once:
            return number
        return self.once + (number - self.once) % max(self.people - self.once, 1)


def templates_of(person: SyntheticPerson) -> list[Template]:
    """Return all templates of a capture."""
    return [*person.fingers, *person.irises, *([person.face] if person.face is not None else [])]


def joined(
    one: Sequence[ResidentSample], other: Sequence[ResidentSample], noise: U64, turn: np.ndarray
) -> list[ResidentSample]:
    """Return a stranger: right fingers of one person, left ones of the other, eyes and face scrambled."""
    rest = [s for s in one if s.modality is not Modality.FINGERPRINT]
    fingers = [s for s in one if s.modality is Modality.FINGERPRINT and s.position <= RIGHT_HAND]
    fingers += [s for s in other if s.modality is Modality.FINGERPRINT and s.position > RIGHT_HAND]
    return [replace(s, ordinal=at) for at, s in enumerate(fingers)] + [
        scrambled(s, noise, turn) for s in rest
    ]


def scrambled(sample: ResidentSample, noise: U64, turn: np.ndarray) -> ResidentSample:
    """Return a stranger's eye or face, as like others as before; a finger as it is."""
    if sample.modality is Modality.IRIS:
        words = sample.words.copy().reshape(4, 2, 8)
        words[:, 0] ^= noise.reshape(4, 8)
        return replace(sample, words=words.reshape(-1))
    if sample.modality is Modality.FACE:
        words = sample.words.copy()
        values = words.view(np.int8)
        values[8:136] = values[8:136][turn]
        return replace(sample, words=words)
    return sample
