"""Several searches at once (1:N each): all cores busy, whatever the parts of each search cost."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from matcher.answers import Identification
from matcher.deadline import FOREVER, Deadline
from matcher.errors import DeadlineError, MatcherError
from matcher.gallery.filters import ACTIVE, Filter
from matcher.gallery.together import together
from matcher.samples import Sample
from matcher.score.decision import threshold_for_search
from matcher.searches import DEFAULT_CANDIDATES, SearchOperations, check_candidates


class SearchBatches(SearchOperations):
    """The questions, those of many among them; the engine answers them."""

    def identify_many(
        self,
        probes: Sequence[Sequence[Sample]],
        *,
        max_candidates: int = DEFAULT_CANDIDATES,
        fpir: float | None = None,
        threshold: float | None = None,
        chosen: Filter = ACTIVE,
        deadline: Deadline = FOREVER,
    ) -> list[Identification | MatcherError]:
        """Search everybody for several people (1:N each): the same answers as `identify`, sooner together.

        Each search takes one thread, as many of them at once as the engine has threads: none waits for
        another's slowest part, as the parts of one search on several threads do.

        Parameters
        ----------
        probes : sequence of sequences of Sample
            Each of one person.
        max_candidates, fpir, threshold, chosen, deadline
            Of every search, as of `identify`.

        Returns
        -------
        list of Identification or MatcherError
            In the order of the probes; of a probe that cannot be searched for what `identify` raises.

        Raises
        ------
        ArgumentError
            If a rate, score or number of candidates is out of range.
        DeadlineError
            If there is no time left; then there is no answer to any.
        """
        check_candidates(max_candidates)
        threshold_for_search(fpir, threshold, 1)
        memory = self._gallery.memory()

        def search(samples: Sequence[Sample]) -> Identification | MatcherError:
            try:
                probe, view = self._probe(samples, deadline, memory.view()), memory.view()
                return self._identify(
                    probe, memory, view, chosen, fpir, threshold, max_candidates, False, deadline, threads=1
                )
            except DeadlineError:
                raise
            except MatcherError as error:
                return error

        return together([partial(search, samples) for samples in probes], self._threads)
