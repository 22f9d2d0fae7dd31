"""Mates that whole searches lose: the paragraph "Losses are measured so" of the issue, at any size.

    python -m benchmarks.losses --subjects 10000 25000 --probes 5000 --others 10000 --json FILE --plot PNG

A mated probe is lost when its mate, compared directly by the full scorer, passes the threshold, and the
search does not return it. Probes bring two index fingers, two irises and a face:

- all captures good: nothing missing, no modality among its worst 5 % by quality;
- one modality missing, each in turn;
- one modality among its worst 5 % by quality, each in turn (bounds from the first captures drawn);
- two fingers alone.

The real sets at hand are enrolled among them (`benchmarks.losses_real`), and each of their mates is a probe
under the same conditions but quality; they are counted apart. Bounds are one-sided, 95 %, exact (Clopper and
Pearson 1934). Times are CPU times of one thread; those of the stages are medians over all probes of a
condition.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import beta

from benchmarks import machine
from benchmarks.gallery import FPIR
from benchmarks.gallery_made import SEED, Gallery, templates_of
from benchmarks.losses_real import RealPerson, real_people
from matcher.datasets.population import Population
from matcher.gallery.filters import ACTIVE, allowed
from matcher.score.decision import threshold_for_search
from matcher.score.fusion_probe import PersonProbe
from matcher.score.identification import Identifier
from matcher.score.person import load_person_calibration
from matcher.template.modality import Template, modality_of
from matcher.types import Candidate, Modality

WORST = 0.05
"""Share of the captures of a modality that are its worst."""

BOUNDED = 2_000
"""Captures that the bounds of the worst are taken from."""

PAGE = 256
"""Probes drawn at a time."""

MOST_DRAWN = 60
"""Captures drawn for each probe that is wanted, at most: the worst are one in twenty."""

EXHAUSTIVE = 20
"""Searches that are repeated exhaustively."""

STAGES = {"_proposed": "proposals", "_likely": "quick scores", "_full": "full scores", "_ranked": "looked at"}
"""Methods of a search that are timed, and what they are called."""

GOOD, TWO_FINGERS = "all good", "two fingers"

ALL = "all there is"
"""What a real person's probe brings: not everybody has every modality."""

Probes = list[tuple[str, list[Template]]]
"""Id of the mate ("" where there is none), and what is searched for."""


class TimedIdentifier(Identifier):
    """A search that notes the CPU seconds of its stages."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        object.__setattr__(self, "spent", {})
        for method in STAGES:
            object.__setattr__(self, method, self._timed(method, getattr(self, method)))

    def _timed(self, method: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **more: Any) -> Any:
            begun = time.process_time()
            try:
                return work(*arguments, **more)
            finally:
                own = self.spent  # type: ignore[attr-defined]
                own[method] = own.get(method, 0.0) + time.process_time() - begun

        return timed


@dataclass(slots=True)
class Tally:
    """What the probes of one condition came to."""

    probes: int = 0
    lost: int = 0
    missed: int = 0
    alarms: int = 0
    seconds: list[float] = field(default_factory=list)
    stages: dict[str, list[float]] = field(default_factory=dict)

    def figures(self, *, mated: bool) -> dict[str, Any]:
        """Return them as plain JSON values."""
        if not self.probes:
            return {"probes": 0}
        cost = {
            "search_ms_median": 1e3 * float(np.median(self.seconds)),
            "search_ms_p99": 1e3 * float(np.quantile(self.seconds, 0.99)),
            "stage_ms_median": {
                STAGES[name]: 1e3 * float(np.median(spent)) for name, spent in self.stages.items()
            },
        }
        if not mated:
            return {"probes": self.probes, "fpir": self.alarms / self.probes, "alarms": self.alarms, **cost}
        return {
            "probes": self.probes,
            "lost": self.lost,
            "lost_rate": self.lost / self.probes,
            "lost_upper_95": upper(self.lost, self.probes),
            "fnir": self.missed / self.probes,
            "fnir_upper_95": upper(self.missed, self.probes),
            **cost,
        }


def upper(count: int, trials: int) -> float:
    """Return the one-sided 95 % bound of a rate: exact, of the binomial distribution."""
    return 1.0 if count == trials else float(beta.ppf(0.95, count + 1, trials - count))


class Searches:
    """A filled gallery that is searched as the engine does.

    Parameters
    ----------
    gallery : Gallery
    """

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery
        self._view = gallery.memory.view()
        self._passing = allowed(self._view, ACTIVE)
        self.threshold = threshold_for_search(FPIR, None, self._passing.subjects)
        self.subjects = self._passing.subjects

    def tally(self, probes: Probes) -> Tally:
        """Search for all of these."""
        found = Tally()
        for mate, templates in probes:
            if not templates or (mate and self._gallery.memory.find(mate) is None):
                continue
            begun = time.process_time()
            probe = self._probe(templates)
            search = self._search(TimedIdentifier)
            names = [c.subject_id for c in self._identify(search, probe)]
            found.seconds.append(time.process_time() - begun)
            for method in STAGES:
                found.stages.setdefault(method, []).append(search.spent.get(method, 0.0))
            found.probes += 1
            found.alarms += bool(set(names) - {mate})
            if mate and mate not in names:
                found.missed += 1
                found.lost += self._passes(probe, mate)
        return found

    def agreed(self, probes: Probes) -> int:
        """Return in how many searches the exhaustive answer is the same."""
        same = 0
        for _, templates in probes:
            probe, search = self._probe(templates), self._search(Identifier)
            quick, exact = (self._identify(search, probe, exhaustive=way) for way in (False, True))
            same += [(c.subject_id, c.score) for c in quick] == [(c.subject_id, c.score) for c in exact]
        return same

    def _probe(self, templates: Sequence[Template]) -> PersonProbe:
        return PersonProbe(self._gallery.scorers, load_person_calibration(), templates)

    def _search(self, kind: Callable[..., Any]) -> Any:
        return kind(self._gallery.memory, self._gallery.fetch, 1, lambda: None)

    def _identify(self, search: Any, probe: PersonProbe, **way: bool) -> tuple[Candidate, ...]:
        found: tuple[Candidate, ...] = search.identify(
            probe, self._view, self._passing, self.threshold, 10, **way
        )
        return found

    def _passes(self, probe: PersonProbe, mate: str) -> bool:
        subject = np.array([self._gallery.memory.find(mate)], np.int64)
        search = self._search(Identifier)
        return bool(search.among(probe, self._view, self._passing, subject, self.threshold, 1))


def qualities(templates: Sequence[Template]) -> dict[Modality, int]:
    """Return the least quality of each modality that is there."""
    found: dict[Modality, int] = {}
    for template in templates:
        kind = modality_of(template)
        found[kind] = min(found.get(kind, 100), template.quality)
    return found


def conditions(people: int, wanted: int) -> dict[str, Probes]:
    """Return the probes of each condition, at most `wanted` of each."""
    drawn = ((f"S{n + 1:09d}", own) for n, own in captures(people, MOST_DRAWN * wanted))
    first = [next(drawn) for _ in range(min(BOUNDED, people))]
    known = [qualities(own) for _, own in first]
    bounds = {m: np.quantile([q[m] for q in known if m in q], WORST) for m in Modality}
    found: dict[str, Probes] = {GOOD: [], TWO_FINGERS: []}
    found |= {f"{what} {m.name.lower()}": [] for what in ("no", "worst") for m in Modality}
    for source in (first, drawn):
        for mate, own in source:
            for name in kinds_of(own, bounds):
                if len(found[name]) < wanted:
                    found[name].append((mate, restricted(own, name)))
            if all(len(probes) == wanted for probes in found.values()):
                return found
    return found


def captures(people: int, most: int) -> Iterator[tuple[int, list[Template]]]:
    """Yield number and templates of captures of everybody, again and again."""
    population = Population(SEED)
    for sample in range(most // people + 1):
        for begin in range(0, people, PAGE):
            for person in population.probes(begin, min(begin + PAGE, people), sample=sample):
                yield person.number, templates_of(person)


def kinds_of(own: Sequence[Template], bounds: dict[Modality, Any]) -> list[str]:
    """Return the conditions that a capture can stand for."""
    known = qualities(own)
    worst = [m for m, quality in known.items() if quality <= bounds[m]]
    kinds = [f"worst {m.name.lower()}" for m in worst]
    if len(known) == len(Modality):
        kinds += [f"no {m.name.lower()}" for m in Modality]
        if not worst and len(own) == 5:  # two fingers, two irises and a face
            kinds.append(GOOD)
    return [*kinds, TWO_FINGERS] if Modality.FINGERPRINT in known else kinds


def restricted(own: Sequence[Template], condition: str) -> list[Template]:
    """Return what a probe brings under a condition."""
    if condition == TWO_FINGERS:
        return [t for t in own if modality_of(t) is Modality.FINGERPRINT]
    return [t for t in own if condition != f"no {modality_of(t).name.lower()}"]


def real_probes(people: int, real: Sequence[RealPerson]) -> dict[str, Probes]:
    """Return the probes of real mates by what they bring; each mate stands for all that it can."""
    names = (ALL, TWO_FINGERS, *(f"no {m.name.lower()}" for m in Modality))
    found: dict[str, Probes] = {name: [] for name in names}
    for number, person in enumerate(real):
        for own in person.probes:
            for name in names:
                wanted = restricted(own, name)
                if wanted:
                    found[name].append((f"S{people + number + 1:09d}", wanted))
    return found


def measure(sizes: Sequence[int], probes: int, others: int, *, real: Sequence[RealPerson]) -> dict[str, Any]:
    """Return the figures of galleries of these sizes as plain JSON values."""
    rows = []
    for people in sorted(sizes):
        gallery = Gallery(people)
        for person in real:
            gallery._take(person.enrolled)
        gallery.people += len(real)
        gallery.fill(1)
        searches = Searches(gallery)
        of = conditions(people, probes)
        searches.tally(of[GOOD][:5])  # kernels, pages
        strangers = [("", templates_of(p)) for p in Population(SEED + 1).subjects(0, others)]
        rows.append(
            {
                "subjects": searches.subjects,
                "threshold": searches.threshold,
                "mated": {name: searches.tally(its).figures(mated=True) for name, its in of.items()},
                "real": {
                    name: searches.tally(its).figures(mated=True)
                    for name, its in real_probes(people, real).items()
                },
                "non_mated": searches.tally(strangers).figures(mated=False),
                "exhaustive": {
                    "searches": len(of[GOOD][:EXHAUSTIVE]),
                    "agreed": searches.agreed(of[GOOD][:EXHAUSTIVE]),
                },
            }
        )
        print(json.dumps(rows[-1]), flush=True)
    return {"machine": machine.describe(), "fpir": FPIR, "real_people": len(real), "sizes": rows}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--subjects", type=int, nargs="+", default=[10_000])
    parser.add_argument("--probes", type=int, default=5_000, help="mated ones of each condition")
    parser.add_argument("--others", type=int, default=10_000, help="non-mated ones")
    parser.add_argument("--no-real", action="store_true", help="synthetic people alone")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path, help="PNG: cost of each stage against the subjects")
    given = parser.parse_args(arguments)
    real = [] if given.no_real else real_people()
    found = measure(given.subjects, given.probes, given.others, real=real)
    text = json.dumps(found, indent=1, allow_nan=False)
    print(text)
    if given.json is not None:
        given.json.write_text(text + "\n", encoding="utf-8")
    if given.plot is not None:
        from benchmarks.losses_plot import plot

        plot(found, given.plot)


if __name__ == "__main__":
    main()
