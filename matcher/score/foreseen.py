"""What several searches find in one pass over the gallery: the proposals of their eyes.

A search of irises reads every search code of a gallery, so many that memory has as much of the time as the
processor; several read them once. Each proposes what it proposes alone, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from matcher.gallery.columns import I32
from matcher.gallery.filters import Allowed
from matcher.gallery.memory import View
from matcher.gallery.pairing import Probe
from matcher.gallery.propose import Proposer
from matcher.gallery.search import TwoFormScorer, has_two_forms
from matcher.score.fusion_probe import PersonProbe
from matcher.score.identification import strangers_wanted
from matcher.stages import Stage, stage
from matcher.types import Modality


def foreseen(
    probes: Sequence[PersonProbe], view: View, passing: Allowed, threads: int, check: Callable[[], None]
) -> list[dict[Modality, I32]]:
    """Return of each probe the subjects that its eyes propose, by modality; what cannot be shared is absent.

    Parameters
    ----------
    probes : sequence of PersonProbe
        Of searches with the same view and filter, none of them exact.
    view : View
    passing : Allowed
    threads : int
    check : callable
        Called now and then; what it raises ends the pass.

    Raises
    ------
    CalibrationMissingError
        If the gallery holds templates that one of the probes has no calibration with.
    """
    proposer = Proposer(view, passing, threads, check)
    parts: dict[tuple[Modality, int], list[tuple[int, Probe]]] = {}
    scorers: dict[Modality, TwoFormScorer] = {}
    for number, person in enumerate(probes):
        for m in person.modalities:
            if has_two_forms(m.scorer):
                scorers[m.modality] = m.scorer
                its = parts.setdefault((m.modality, strangers_wanted(person)), [])
                its += [(number, probe) for probe in m.probes]
    proposed: list[dict[Modality, I32]] = [{} for _ in probes]
    with stage(Stage.PROPOSE):
        for (modality, wanted), asked in parts.items():
            found = proposer.propose_each(modality, scorers[modality], [probe for _, probe in asked], wanted)
            for (number, _), subjects in zip(asked, found, strict=True):
                known = proposed[number].get(modality)
                proposed[number][modality] = subjects if known is None else np.union1d(known, subjects)
    return proposed
