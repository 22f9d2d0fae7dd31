"""A small de-duplication of synthetic people with planted duplicates: for `matcher demo`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matcher.datasets.population.population import Population, SyntheticPerson
from matcher.dedup.decide import Verdict
from matcher.dedup.pool import Progress
from matcher.dedup.records import NamedSample, digest_of
from matcher.dedup.report import write_report
from matcher.dedup.run import deduplicate
from matcher.dedup.settings import Settings
from matcher.samples import Sample, SampleKind
from matcher.template.modality import Template, encode

RECORDS = 400
"""People and their duplicates: some seconds."""

DUPLICATES = 0.1
"""Share of records whose person is there before; a fifth of these captures is poor (see the population)."""

SEED = 2026


@dataclass(frozen=True)
class PeopleSource:
    """Synthetic people as a register; see `matcher.dedup.records.Source`."""

    ids: tuple[str, ...]
    templates: tuple[tuple[bytes, ...], ...]
    attributes: Mapping[str, Sequence[str]]
    records_a_task: int = 128

    def read(self, begin: int, end: int) -> list[list[NamedSample]]:
        """Return the templates of some people."""
        return [
            [
                NamedSample(f"{name} {number}", Sample(data, SampleKind.TEMPLATE))
                for number, data in enumerate(own, start=1)
            ]
            for name, own in zip(self.ids[begin:end], self.templates[begin:end], strict=True)
        ]

    def digest(self, begin: int, end: int) -> str:
        """Return what changes with the templates of some people."""
        return digest_of(self.ids[begin:end], self.templates[begin:end])


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What a demonstration found.

    Attributes
    ----------
    records, planted, found, false : int
        Records; of them duplicates of earlier ones; of these in their person's cluster; pairs of strangers.
    expected_false : float
        Pairs of strangers that the asked FPIR lets through.
    report : Path
        The page.
    """

    records: int
    planted: int
    found: int
    false: int
    expected_false: float
    report: Path


def dedup_demo(
    out: Path, *, records: int = RECORDS, workers: int = 1, progress: Progress | None = None
) -> DemoResult:
    """De-duplicate synthetic people into a folder, and say what was found of what was planted.

    Parameters
    ----------
    out : Path
        For tables, report and work files.
    records : int
        Beyond the first 128, which have nobody before them, a tenth are duplicates.
    workers : int
    progress : callable, optional
        Called with (stage, done, all).
    """
    people = Population(SEED, duplicates=DUPLICATES).subjects(0, records)
    kept = [person for person in people if _templates(person)]
    source = PeopleSource(
        tuple(person.subject_id for person in kept),
        tuple(tuple(encode(template) for template in _templates(person)) for person in kept),
        {"sex": tuple(person.tags["sex"] for person in kept)},
    )
    settings = Settings(workers=workers)
    found = deduplicate(source, out, settings, progress=progress)
    summary = write_report(found, out, "synthetic people", images=False)
    whose = [person.origin for person in kept]
    place = {person.number: row for row, person in enumerate(kept)}
    cluster = {record: number for number, one in enumerate(found.clusters.found) for record in one.records}
    planted = [(place[one], row) for row, one in enumerate(whose) if place.get(one, row) != row]
    return DemoResult(
        len(kept),
        len(planted),
        sum(cluster.get(one, -1) == cluster.get(two, -2) for one, two in planted),
        sum(
            pair.verdict is Verdict.DUPLICATE and whose[pair.probe] != whose[pair.candidate]
            for pair in found.pairs
        ),
        float(summary["expected_false_pairs"]["mean"]),
        out / "report.html",
    )


def _templates(person: SyntheticPerson) -> list[Template]:
    face: list[Template] = [person.face] if person.face is not None else []
    return [*person.fingers, *person.irises, *face]
