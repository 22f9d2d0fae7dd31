"""Counts what reading samples gives: templates by quality, and failures by reason."""

from __future__ import annotations

from collections.abc import Sequence

from matcher.errors import MatcherError
from matcher.observe.metrics import Metrics
from matcher.samples import Sample, SampleReader
from matcher.stages import Stage, stage
from matcher.template.modality import Template

TEMPLATE = "template"
"""Outcome of a sample that gave one."""

DEFECT = "DEFECT"
"""Outcome of a sample whose reading raised what is no error of ours."""


def counted(read: SampleReader, metrics: Metrics) -> SampleReader:
    """Return a reader that does what `read` does, and counts it."""

    def reading(sample: Sample) -> Sequence[Template]:
        kind = sample.kind.name.lower()
        try:
            with stage(Stage.READ):
                templates = read(sample)
        except Exception as error:
            reason = error.reason if isinstance(error, MatcherError) else DEFECT
            metrics.sample(sample.modality, kind, reason)
            raise
        metrics.sample(sample.modality, kind, TEMPLATE)
        for template in templates:
            metrics.template(sample.modality, template.quality)
        return templates

    return reading
