"""What can be asked of samples alone: their templates, and how well they will do."""

from __future__ import annotations

from collections.abc import Sequence

from matcher.answers import Assessed, Extracted
from matcher.assessment import Assess
from matcher.deadline import FOREVER, Deadline
from matcher.errors import ArgumentError, FailureToExtractError
from matcher.samples import MAX_SAMPLES, Sample, SampleKind, SampleReader, settled
from matcher.template.modality import modality_of


class ExtractionOperations:
    """The questions; the engine answers them."""

    _read: SampleReader
    _assess: Assess

    def extract(self, samples: Sequence[Sample], *, deadline: Deadline = FOREVER) -> tuple[Extracted, ...]:
        """Return the templates of samples, in their order; they need not be of one person.

        Raises
        ------
        InputError, FailureToExtractError, ModelError
            If a sample is unusable.
        DeadlineError
        """
        _check_count(samples)
        found = []
        for index, sample in enumerate(samples):
            deadline.check()
            found += [Extracted(index, settled(one, sample.position)) for one in self._read(sample)]
        return tuple(found)

    def assess(self, samples: Sequence[Sample], *, deadline: Deadline = FOREVER) -> tuple[Assessed, ...]:
        """Return how well samples will do; that one gives no template is an answer.

        Raises
        ------
        InputError, ModelError
            If a sample is unreadable.
        DeadlineError
        """
        _check_count(samples)
        found = []
        for index, sample in enumerate(samples):
            deadline.check()
            try:
                if sample.kind is SampleKind.IMAGE:
                    quality = self._assess(sample)
                    found.append(Assessed(index, sample.modality, quality.overall, quality.parts))
                    continue
                for one in self._read(sample):
                    found.append(Assessed(index, modality_of(one), one.quality))
            except FailureToExtractError as error:
                found.append(Assessed(index, sample.modality, 0, (), error))
        return tuple(found)


def _check_count(samples: Sequence[Sample]) -> None:
    if not 1 <= len(samples) <= MAX_SAMPLES:
        raise ArgumentError(f"Samples: expected 1 to {MAX_SAMPLES}, got {len(samples)}.")
