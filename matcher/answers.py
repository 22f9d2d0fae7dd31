"""What the engine answers; the client of the service answers with the same types."""

from __future__ import annotations

from dataclasses import dataclass

from matcher.errors import MatcherError
from matcher.person import MatchWarning, PersonPart
from matcher.sample_quality import QualityPart
from matcher.template.modality import Template
from matcher.types import Candidate, Decision, Modality


@dataclass(frozen=True, slots=True)
class Enrolled:
    """An enrolment that is durable and can be searched.

    Attributes
    ----------
    subject_id : str
        As asked for, or made by the engine.
    created : bool
        False where an earlier request with the same idempotency key had enrolled this subject.
    sequence : int
        Number of the change, in commit order.
    warnings : tuple of MatchWarning
        Samples that repeat each other; empty for a request that was answered before.
    client_encounter_id : str or None
        The client's own id of the encounter, as it was asked for.
    """

    subject_id: str
    created: bool
    sequence: int
    warnings: tuple[MatchWarning, ...] = ()
    client_encounter_id: str | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a probe is the subject that it claims to be.

    Attributes
    ----------
    decision : Decision
        Its score is 0 (FMR 1) where `comparisons` is 0.
    comparisons : int
        Pairs of samples that were compared; 0 where the subject has no sample of the probe's positions.
    parts : tuple of PersonPart
        Of each finger, eye and face of the probe.
    warnings : tuple of MatchWarning
        What looks wrong with the labels or samples of either side.
    """

    decision: Decision
    comparisons: int
    parts: tuple[PersonPart, ...] = ()
    warnings: tuple[MatchWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class Certainty:
    """How much a probe can say at all: of few minutiae, or a covered iris, even the right person scores low.

    Attributes
    ----------
    reachable : float
        Score of an impression as like the probe as another one of the same fingers, eyes and face ever is.
    sufficient : bool
        Whether that reaches the threshold. Where it does not, an empty answer says nothing: ask for more
        samples, or for a lower threshold and a person who looks at the candidates.
    """

    reachable: float
    sufficient: bool


@dataclass(frozen=True, slots=True)
class Identification:
    """Who a probe may be.

    Attributes
    ----------
    candidates : tuple of Candidate
        At or above the threshold, best first, at most as many as were asked for.
    threshold : float
        Score that was asked for, or that the FPIR asked for means in a gallery of this size.
    subjects : int
        N, how many subjects were searched.
    sequence : int
        Last change that the search saw.
    warnings : tuple of MatchWarning
        Samples of the probe that repeat each other; what concerns a candidate stands with it.
    certainty : Certainty or None
        What the probe could have shown; None where nobody asked (an answer from an older server).
    unsearched : int
        Enrolled samples of the probe's modalities that no form of it compares with: they are of another
        generation. 0 where all images can be read by every extractor in use.
    """

    candidates: tuple[Candidate, ...]
    threshold: float
    subjects: int
    sequence: int
    warnings: tuple[MatchWarning, ...] = ()
    certainty: Certainty | None = None
    unsearched: int = 0


@dataclass(frozen=True, slots=True)
class UniqueEnrolment:
    """Whether somebody was new, and so enrolled.

    Attributes
    ----------
    enrolled : Enrolled or None
        None where candidates were found: nobody is enrolled then.
    search : Identification or None
        The search that decided; its candidates are who the person may be. None for a request that was
        answered before.
    """

    enrolled: Enrolled | None
    search: Identification | None


@dataclass(frozen=True, slots=True)
class Extracted:
    """A template that was extracted.

    Attributes
    ----------
    index : int
        Place of its sample among those that were sent.
    template : Template
    """

    index: int
    template: Template


@dataclass(frozen=True, slots=True)
class Assessed:
    """How well a sample will do in comparisons.

    Attributes
    ----------
    index : int
        Place of the sample among those that were sent.
    modality : Modality
    quality : int
        0 to 100; 0 where it gives no template.
    parts : tuple of QualityPart
        What it is made of; empty of templates, and of images where the extractor does not tell.
    failure : MatcherError or None
        Why it gives no template.
    """

    index: int
    modality: Modality
    quality: int
    parts: tuple[QualityPart, ...] = ()
    failure: MatcherError | None = None


@dataclass(frozen=True, slots=True)
class GalleryCount:
    """A gallery and how many belong to it; inactive encounters count.

    Attributes
    ----------
    name : str
    encounters, subjects : int
    """

    name: str
    encounters: int
    subjects: int


@dataclass(frozen=True, slots=True)
class Access:
    """One entry of a server's log of accesses, as the person it is about may know it.

    Attributes
    ----------
    number : int
        In the log, from 0.
    time_us : int
        When it ended, microseconds since 1970-01-01 UTC.
    client, method, transaction_id, outcome, address : str
        Who, what, for what, how it ended (OK or the reason of the error), from where.
    subject_id : str
        The person's id then: a subject that was merged into theirs since had another; "" from older servers.
    """

    number: int
    time_us: int
    client: str
    method: str
    transaction_id: str
    outcome: str
    address: str
    subject_id: str = ""


@dataclass(frozen=True, slots=True)
class ModalityStatus:
    """What an engine holds of one modality.

    Attributes
    ----------
    modality : Modality
    samples : int
        Enrolled now.
    resident_bytes : int
        Memory that they occupy in the form that is searched.
    extractors : tuple of str
        Whose templates there are, or were since the start; of faces, their models.
    """

    modality: Modality
    samples: int
    resident_bytes: int
    extractors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """A kind of a server's work, and who waits for it.

    Attributes
    ----------
    work : str
    running, waiting : int
        Turns taken, and calls that wait.
    running_limit, waiting_limit : int
        Most of either.
    mean_s : float
        Mean time of a turn, seconds.
    """

    work: str
    running: int
    waiting: int
    running_limit: int
    waiting_limit: int
    mean_s: float


@dataclass(frozen=True, slots=True)
class Status:
    """The state of an engine.

    Attributes
    ----------
    version : str
        Of this program.
    store : str
        Kind of database.
    subjects : int
        Enrolled now.
    sequence : int
        Last change, in commit order.
    modalities : tuple of ModalityStatus
        Of each modality that was enrolled.
    people_bytes : int
        Memory of what is kept of subjects and encounters beside their samples.
    queues : tuple of QueueStatus
        Of a server; an engine by itself has none.
    """

    version: str
    store: str
    subjects: int
    sequence: int
    modalities: tuple[ModalityStatus, ...] = ()
    people_bytes: int = 0
    queues: tuple[QueueStatus, ...] = ()

    @property
    def samples(self) -> int:
        """Samples enrolled now, of all modalities."""
        return sum(one.samples for one in self.modalities)

    @property
    def resident_bytes(self) -> int:
        """Memory that all samples occupy in the form that is searched."""
        return sum(one.resident_bytes for one in self.modalities)

    @property
    def extractors(self) -> tuple[str, ...]:
        """Whose templates the gallery holds."""
        return tuple(name for one in self.modalities for name in one.extractors)
