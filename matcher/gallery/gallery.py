"""A gallery: the store, and the memory that follows it change by change.

The store's writer thread calls `apply` and `replay`; every other thread asks `memory()` for the arrays.
While memory cannot be trusted (a failed apply, before the replay is through), `memory()` raises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from matcher.errors import InternalError, NotReadyError, StoreCorruptError, TemplateError
from matcher.gallery.memory import Memory
from matcher.gallery.operations import Operation
from matcher.gallery.read import Stored
from matcher.gallery.records import Change, Receipt, StoredSample
from matcher.gallery.rows import ResidentSample
from matcher.gallery.search import Scorer
from matcher.gallery.store import Store
from matcher.gallery.transaction import KeyRow
from matcher.template.modality import Template, decode, extractor_of, modality_of, position_of
from matcher.types import Modality


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

    Raises
    ------
    StoreError
        If the store cannot be opened, see `Store`.
    """

    def __init__(self, url: str, scorers: Mapping[Modality, Scorer], *, threads: int = 1) -> None:
        self._scorers = scorers
        self._threads = threads
        self._memory: Memory | None = None
        self._store = Store(url, self)

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

    def resident(self, template: Template) -> ResidentSample:
        """Return what memory keeps of a template."""
        modality = modality_of(template)
        words = self._scorers[modality].resident(template)
        return ResidentSample(modality, words, int(position_of(template)), extractor_of(template))

    def submit(self, operation: Operation) -> Future[Receipt]:
        """Queue a write; done once it is durable and visible to every later search."""
        return self._store.submit(operation)

    def find_key(self, key: str) -> KeyRow | None:
        """Return what an idempotency key was used for, or None."""
        return self._store.find_key(key)

    def close(self) -> None:
        """Finish queued writes and close the store."""
        self._store.close()

    def apply(self, changes: Sequence[Change]) -> None:
        """Take over committed changes; on any failure nothing is served until a replay."""
        memory = self._memory
        if memory is None:
            raise InternalError("Changes came before the store was read.")
        try:
            memory.apply(changes)
        except BaseException:
            self._memory = None
            raise

    def resume(self, identity: str, sequence: int) -> int | None:
        """Nothing is kept from earlier: the store is read whole."""
        return None

    def replay(self, sequence: int, stored: Stored) -> None:
        """Read the whole store into fresh arrays and take them into use."""
        self._memory = None
        memory = Memory()
        with ThreadPoolExecutor(self._threads, thread_name_prefix="expand") as pool:
            for chunk in stored.samples():
                for sample, resident in zip(chunk, pool.map(self._read, chunk), strict=True):
                    memory.add(sample.subject_key, sample.subject_id, [resident])
        memory.publish(sequence)
        self._memory = memory

    def _read(self, sample: StoredSample) -> ResidentSample:
        try:
            template = decode(sample.template)
        except TemplateError as error:
            raise StoreCorruptError(
                f"A stored template of subject {sample.subject_id!r} cannot be read ({error.reason}).",
                hint="Restore the store from a backup.",
            ) from error
        if modality_of(template) is not sample.modality:
            raise StoreCorruptError(
                f"A stored template of subject {sample.subject_id!r} is of another modality than its row.",
                hint="Restore the store from a backup.",
            )
        return self.resident(template)
