"""From samples that were read to what the store and memory keep of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from matcher.gallery.generations import NextTemplate, Upgrade
from matcher.gallery.operations import Enrolment
from matcher.gallery.records import SampleRecord
from matcher.gallery.rows import ResidentSample
from matcher.generations import Capture
from matcher.samples import SampleKind
from matcher.template.modality import Template, encode, extractor_of, modality_of, position_of


def following_of(captures: Sequence[Capture], upgrade: Upgrade | None) -> list[Template] | None:
    """Return the templates of the next generation, those of the current one where there is no other.

    None where no sample has another.
    """
    if upgrade is None or not any(upgrade.extractor in capture.others for capture in captures):
        return None
    return [capture.others.get(upgrade.extractor, capture.template) for capture in captures]


def completed(
    request: Enrolment,
    captures: Sequence[Capture],
    residents: Sequence[ResidentSample],
    upgrade: Upgrade | None,
    *,
    residents_of: Callable[[Sequence[Template]], list[ResidentSample]],
    keep_images: bool,
) -> tuple[Enrolment, list[Template]]:
    """Return an enrolment with its samples, and every template by which its person may be known.

    Parameters
    ----------
    request : Enrolment
        As it was asked for.
    captures : sequence of Capture
    residents : sequence of ResidentSample
        What memory shall keep of each.
    upgrade : Upgrade or None
        That ran when they were read.
    residents_of : callable
        Returns what memory shall keep of templates.
    keep_images : bool
        Whether the images are kept that templates came from.
    """
    templates = [capture.template for capture in captures]
    following = following_of(captures, upgrade)
    if upgrade is None or following is None:
        records = tuple(_record(capture, None, keep_images) for capture in captures)
        return replace(request, samples=records, resident=list(residents)), templates
    records = tuple(_record(capture, upgrade.extractor, keep_images) for capture in captures)
    new = [new for new, old in zip(following, templates, strict=True) if new is not old]
    made = replace(
        request,
        samples=records,
        resident=list(residents),
        upgrade=upgrade.key,
        following=residents_of(following),
    )
    return made, [*templates, *new]


def _record(capture: Capture, extractor: str | None, keep_image: bool) -> SampleRecord:
    template, sample = capture.template, capture.sample
    following = None if extractor is None else capture.others.get(extractor)
    kept = keep_image and sample.kind is SampleKind.IMAGE
    return SampleRecord(
        modality_of(template),
        int(position_of(template)),
        template.quality,
        encode(template),
        extractor_of(template),
        sample.data if kept else None,
        sample.ppi if kept else None,
        None if following is None else next_template(following),
    )


def next_template(template: Template) -> NextTemplate:
    """Return what the store keeps of a template of the next generation."""
    return NextTemplate(extractor_of(template), template.quality, encode(template))
