"""A gallery: the store, and the memory that follows it change by change.

The store's writer thread calls `apply` and `replay`; every other thread asks `memory()` for the arrays.
While memory cannot be trusted (a failed apply, before the replay is through), `memory()` raises.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

from matcher import _core
from matcher.errors import InternalError, NotReadyError, TemplateError
from matcher.fingerprint.descriptor import FingerprintDescriptor
from matcher.gallery.build import build
from matcher.gallery.generations import Upgrade
from matcher.gallery.memory import Memory
from matcher.gallery.next_memory import FormerMemory, NextMemory, runs
from matcher.gallery.operations import Operation
from matcher.gallery.read import Stored
from matcher.gallery.records import ORDINAL_BITS, Change, ChangeKind, EncounterName, Receipt, StoredSample
from matcher.gallery.reservations import Reservations
from matcher.gallery.rows import ResidentSample
from matcher.gallery.search import Scorer, SearchScorer, has_shortlist, has_two_forms
from matcher.gallery.snapshots import Snapshots, default_path
from matcher.gallery.store import Store
from matcher.gallery.stored_template import template_of, unreadable
from matcher.gallery.subject import StoredSubject, StoredVisit
from matcher.gallery.transaction import KeyRow
from matcher.gallery.upgrade_read import Work
from matcher.gallery.upkeep import Upkeep, Workload
from matcher.template.modality import Template, extractor_of, modality_of, position_of
from matcher.types import U64, Modality

logger = logging.getLogger(__name__)

LAYOUTS = (_core.RESIDENT_VERSION, _core.PACKED_VERSION, _core.IRIS_SEARCH_WORDS)
"""What the core knows of the forms in memory."""

WIDE_FINGERS = 2
"""Fingers of an encounter, up to which they may be kept in the larger form."""

WIDE_BYTES = 3 << 29
"""Memory of all fingers, from which on new ones are kept small: 1.5 GiB, two fingers of 440,000 people."""


class Gallery:
    """What a shard holds.

    Parameters
    ----------
    url : str
        Of the store.
    scorers : mapping of Modality to Scorer
        Of every modality: they turn templates into the form that they read.
    threads : int
        For expanding the stored templates at the start.
    snapshot : Path or None
        Where the file is kept that makes a start fast; by default beside a SQLite file, for others nowhere.
    fresh : bool
        Whether everything is made anew from the store, and that file too.

    Raises
    ------
    StoreError
        If the store cannot be opened, see `Store`.
    """

    def __init__(
        self,
        url: str,
        scorers: Mapping[Modality, Scorer],
        *,
        threads: int = 1,
        snapshot: Path | None = None,
        fresh: bool = False,
    ) -> None:
        self._scorers = scorers
        self._threads = threads
        self._memory: Memory | None = None
        self._resumed: tuple[Memory, int] | None = None
        self._identity = ""
        self._next, self._former = NextMemory(), FormerMemory()
        self._upkeep = Upkeep(scorers)
        path = snapshot if snapshot is not None else default_path(url)
        self._snapshots = Snapshots(path, lambda: _forms_of(scorers), threads, fresh=fresh)
        self.reservations = Reservations(self.submit)
        self._store = Store(url, self, self._idle)

    @property
    def store_name(self) -> str:
        """Which kind of database holds it."""
        return self._store.name

    @property
    def ready(self) -> bool:
        """Whether `memory` returns."""
        return self._memory is not None

    def memory(self) -> Memory:
        """Return the current arrays.

        Raises
        ------
        NotReadyError
            While they are being read from the store.
        """
        memory = self._memory
        if memory is None:
            raise NotReadyError("The gallery is being read from its store.", hint="Try again in a moment.")
        return memory

    def workload(self) -> Workload:
        """Return what waits to be done.

        Raises
        ------
        NotReadyError
            As `memory`.
        """
        sequence = self.memory().view().sequence
        behind = self._upkeep.behind(sequence)
        return Workload(self._store.queued, behind, self._upkeep.age_s, self._snapshots.behind(sequence))

    def holds(self, memory: Memory) -> bool:
        """Return whether these are the arrays that are kept in step with the store."""
        return self._memory is memory

    def resident(self, template: Template, ordinal: int = 0) -> ResidentSample:
        """Return what memory keeps of a template, an encounter's sample of that ordinal."""
        modality = modality_of(template)
        scorer = self._scorers[modality]
        words = _in_memory(scorer).resident(template)
        position, extractor = int(position_of(template)), extractor_of(template)
        descriptor = scorer.describe(template) if has_shortlist(scorer) else None
        return ResidentSample(modality, words, position, extractor, ordinal, descriptor)

    def residents(self, templates: Sequence[Template]) -> list[ResidentSample]:
        """Return what memory keeps of an encounter's templates."""
        return self.admitted(templates)[0]

    def admitted(self, templates: Sequence[Template]) -> tuple[list[ResidentSample], list[U64]]:
        """Return what memory keeps of an encounter's templates, and of each what is compared in full.

        Both at once: nearly all of the work is the same.
        """
        modalities = [modality_of(template) for template in templates]
        words, full = dict[int, U64](), dict[int, U64]()
        descriptors = dict[int, FingerprintDescriptor]()
        for modality in set(modalities):
            scorer = self._scorers[modality]
            its = [number for number, other in enumerate(modalities) if other is modality]
            if has_two_forms(scorer):
                for number, made in zip(its, scorer.both([templates[n] for n in its]), strict=True):
                    words[number], full[number] = made
                continue
            for number in its:
                words[number] = full[number] = scorer.resident(templates[number])
            if has_shortlist(scorer):
                for number, admitted in zip(its, scorer.admit([words[n] for n in its]), strict=True):
                    descriptors[number], full[number] = admitted
        fingers = list(descriptors)
        if self._has_room(len(fingers), self._memory):
            for number in fingers:
                words[number] = full[number]
        samples = [
            ResidentSample(m, words[n], int(position_of(t)), extractor_of(t), n, descriptors.get(n))
            for n, (m, t) in enumerate(zip(modalities, templates, strict=True))
        ]
        return samples, [full[n] for n in range(len(templates))]

    def _has_room(self, fingers: int, memory: Memory | None) -> bool:
        """Return whether an encounter's fingers are kept in the form that is compared faster.

        Encounters of many fingers always keep the small form: the larger one would take most of the memory.
        """
        if not 0 < fingers <= WIDE_FINGERS or memory is None:
            return False
        return memory.view().rows[Modality.FINGERPRINT].resident_bytes < WIDE_BYTES

    def _widened(self, samples: list[ResidentSample], memory: Memory | None) -> list[ResidentSample]:
        """Return an encounter's samples, its fingers in the faster form where there is room."""
        fingers = [sample for sample in samples if sample.modality is Modality.FINGERPRINT]
        scorer = self._scorers[Modality.FINGERPRINT]
        if not self._has_room(len(fingers), memory) or not has_shortlist(scorer):
            return samples
        return [replace(s, words=scorer.widened(s.words)) if s in fingers else s for s in samples]

    def fetch(self, memory: Memory, modality: Modality, keys: Sequence[int]) -> list[U64 | None]:
        """Read samples that are in a memory from the store, in the form that the scorer reads.

        Returns
        -------
        list
            None for one that is gone.

        Raises
        ------
        NotReadyError
            If an upgrade was switched meanwhile: the store has other templates of them now.
        """
        following = memory is self._next.memory
        found = self._store.stored_templates(
            keys, following=following, identity=None if following else memory.identity
        )
        scorer = self._scorers[modality]
        assert has_two_forms(scorer)  # all others compare what lies in memory
        try:
            forms = dict(zip(found, scorer.stored(list(found.values())), strict=True))
        except TemplateError as error:
            raise unreadable(error) from error
        return [forms.get(key) for key in keys]

    def upgrades(self) -> list[Upgrade]:
        """Read all upgrades that there were, the earliest first."""
        return self._store.upgrades()

    def upgrade_work(self, upgrade: Upgrade, limit: int) -> list[Work]:
        """Read the next samples that an upgrade has to look at."""
        return self._store.upgrade_work(upgrade, limit)

    def templates(self, keys: Sequence[int]) -> list[Template]:
        """Read the templates of samples from the store; those that are gone are left out."""
        return [template_of(sample) for sample in self._store.samples(keys)]

    def subject(self, subject_id: str) -> StoredSubject | None:
        """Read a subject from the store, or None if nobody has that id."""
        return self._store.subject(subject_id)

    def encounter(self, name: EncounterName) -> StoredVisit | None:
        """Read an encounter from the store, or None if there is none of that key or id."""
        return self._store.encounter(name)

    def encounters_after(
        self, after: int, limit: int, subject_id: str | None = None
    ) -> tuple[StoredVisit, ...] | None:
        """Read encounters whose keys follow `after` from the store; None if nobody has the id."""
        return self._store.encounters_after(after, limit, subject_id)

    def change_log(self, after: int, limit: int) -> list[Change]:
        """Read what changed after a number from the store, in commit order: numbers and ids only."""
        return self._store.change_log(after, limit)

    def submit(self, operation: Operation) -> Future[Receipt]:
        """Queue a write; done once it is durable and visible to every later search."""
        return self._store.submit(operation)

    def find_key(self, key: str) -> KeyRow | None:
        """Return what an idempotency key was used for, or None."""
        return self._store.find_key(key)

    def put_in_order(self) -> None:
        """Wait until the index is in order."""
        self._upkeep.wait()

    def close(self) -> None:
        """Finish queued writes and close the store."""
        self._store.close()
        self._upkeep.finish()
        self._snapshots.finish(self._memory, self._identity)

    def apply(self, changes: Sequence[Change]) -> None:
        """Take over committed changes; on any failure nothing is served until a replay."""
        memory = self._memory if self._resumed is None else self._resumed[0]
        if memory is None:
            raise InternalError("Changes came before the store was read.")
        try:
            for run in runs([self._prepared(change) for change in changes]):
                memory = self._take_over(memory, run)
        except BaseException:
            self._memory = self._resumed = None
            raise
        if self._resumed is None:
            self._memory = memory
        elif memory.sequence >= self._resumed[1]:
            self._memory, self._resumed = memory, None
            self._upkeep.begin(memory)
        if self._resumed is None:
            self._look_after(memory)

    def _idle(self) -> None:
        """See whether something is due though nothing is written."""
        if self._memory is not None:
            self._look_after(self._memory)

    def _look_after(self, memory: Memory) -> None:
        erased = self._snapshots.owes_erasure(memory) and self._upkeep.shed(memory)
        self._snapshots.consider(memory, self._identity, erased=erased)
        self._upkeep.consider(memory)

    def resume(self, identity: str, sequence: int, stored: Stored) -> int | None:
        """Take up the last snapshot; return the change that it stands at, None where there is none to use.

        Nothing is served before the changes up to `sequence` have been applied to it.
        """
        self._memory = self._resumed = None
        self._identity = identity
        memory = self._snapshots.load(identity)
        if memory is None or memory.sequence > sequence:
            return None
        if memory.changed_at_us != stored.time_of(memory.sequence):
            # The store was put back, and went on from there: these numbers were other changes once.
            logger.warning("Reading the store, as its snapshot is of changes that it never went through.")
            return None
        memory.identity = identity
        if memory.sequence == sequence:
            self._memory = memory
            self._upkeep.begin(memory)
        else:
            self._resumed = (memory, sequence)
        return memory.sequence

    def replay(self, sequence: int, stored: Stored) -> None:
        """Read the whole store into fresh arrays and take them into use."""
        self._memory = self._resumed = None
        self._next.drop()
        memory = build(sequence, stored, self._read, self._widened, self._threads)
        memory.identity = self._identity
        self._memory = memory
        self._upkeep.begin(memory)

    def make_next(self) -> None:
        """Make the memory of the next generation, on this thread, beside everything else."""
        self._next.make(self._build_next)

    def drop_next(self) -> None:
        """Forget the memory of the next generation."""
        self._next.drop()

    def next_memory(self) -> Memory | None:
        """Return the arrays of the next generation; None while there are none."""
        return self._next.memory

    def _build_next(self) -> Memory:
        with self._store.state(following=True) as (sequence, stored):
            return build(sequence, stored, self._read, self._widened, self._threads)

    def _take_over(self, memory: Memory, changes: list[Change]) -> Memory:
        """Have every memory take over changes, at most the last a switch; return the one to use."""
        memory.apply(changes)
        self._next.take_over(changes)
        self._former.take_over(changes)
        if changes[-1].kind is not ChangeKind.SWITCH:
            return memory
        self._identity = str(changes[-1].other_id)
        made = self._next.taken()
        made.identity = self._identity
        self._former.hold(memory)
        self._upkeep.begin(made)
        return made

    def _prepared(self, change: Change) -> Change:
        """Return a change with what memory shall hold, made from its samples where nobody made it before."""
        if change.resident is not None or not change.samples:
            return change
        residents = [self._read(sample) for sample in change.samples]
        return replace(change, resident=self._widened(residents, self._memory))

    def _read(self, sample: StoredSample) -> ResidentSample:
        return self.resident(template_of(sample), sample.sample_key & ((1 << ORDINAL_BITS) - 1))


def _forms_of(scorers: Mapping[Modality, Scorer]) -> str:
    """Return what tells the forms in memory from others: who makes them, and the core's layouts."""
    makers = [type(_in_memory(scorers[modality])) for modality in Modality]
    names = [f"{maker.__module__}.{maker.__qualname__}" for maker in makers]
    return ",".join([*names, *map(str, LAYOUTS)])


def _in_memory(scorer: Scorer) -> Scorer | SearchScorer:
    """Return the scorer whose forms lie in memory."""
    return scorer.quick if has_two_forms(scorer) else scorer
