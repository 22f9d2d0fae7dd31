"""What a server tells Prometheus: rate, errors and duration of calls and stages, samples, and the gallery.

Names and labels are a contract with dashboards and alerts (docs/observability.md lists them). No label ever
holds what a caller sent: methods, codes, reasons, stages and modalities are closed lists.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from matcher.answers import Status
from matcher.errors import NotReadyError
from matcher.gallery.upkeep import Workload
from matcher.stages import Stage, observed
from matcher.types import Modality
from matcher.version import __version__

NANOSECONDS = 1e9
"""In a second."""

CALL_BUCKETS_S = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1, 2, 4, 8, 16)
"""Bounds of durations, seconds: each twice the one before, around the bars of a verify and of a search."""

QUALITY_BUCKETS = (10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
"""Bounds of the overall quality, 0 to 100."""

NO_REASON = ""
"""Label of a call that failed by no error of ours: refused by gRPC itself, or by a deadline."""


Depths = Callable[[], Mapping[str, int]]
"""Tells how many wait in each queue."""


def no_queues() -> Mapping[str, int]:
    """Return the depths of a server without queues."""
    return {}


class Watched(Protocol):
    """What an engine tells of itself."""

    @property
    def ready(self) -> bool:
        """Whether it answers."""

    def status(self) -> Status:
        """What it holds."""

    def workload(self) -> Workload:
        """What waits."""


class Metrics:
    """All metrics of one server, in a registry of their own.

    Attributes
    ----------
    registry : CollectorRegistry
        What is served to Prometheus.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._calls = Counter(
            "matcher_calls", "Calls that ended.", ("method", "code", "reason"), registry=self.registry
        )
        self._duration = Histogram(
            "matcher_call_seconds",
            "From a call's first byte at its handler to its end.",
            ("method",),
            buckets=CALL_BUCKETS_S,
            registry=self.registry,
        )
        self._in_flight = Gauge(
            "matcher_calls_in_flight", "Calls that are being answered.", ("method",), registry=self.registry
        )
        stages = Histogram(
            "matcher_stage_seconds",
            "Stages of the work; see matcher.stages.",
            ("stage",),
            buckets=CALL_BUCKETS_S,
            registry=self.registry,
        )
        # Made once: a stage is then one addition, and every stage is there from the start, at zero.
        self._stages = {stage: stages.labels(stage.value) for stage in Stage}
        self._samples = Counter(
            "matcher_samples",
            "Samples read: 'template', or why there is none.",
            ("modality", "kind", "outcome"),
            registry=self.registry,
        )
        quality = Histogram(
            "matcher_sample_quality",
            "Overall quality of the templates read, 0 to 100.",
            ("modality",),
            buckets=QUALITY_BUCKETS,
            registry=self.registry,
        )
        self._quality = {modality: quality.labels(modality.name.lower()) for modality in Modality}
        # By label: finding a metric by its labels takes longer than to count. There are few of each.
        self._methods: dict[str, tuple[Gauge, Histogram]] = {}
        self._ended: dict[tuple[str, str, str], Counter] = {}
        self._outcomes: dict[tuple[Modality, str, str], Counter] = {}
        info = Gauge("matcher_build_info", "Always 1.", ("version",), registry=self.registry)
        info.labels(__version__).set(1)

    @contextmanager
    def call(self, method: str) -> Iterator[CallOutcome]:
        """Count a call of a method, given by its short name; the block says how it ended."""
        outcome, begin = CallOutcome(), time.perf_counter()
        self.call_begins(method)
        try:
            yield outcome
        finally:
            self.call_ends(method, outcome, time.perf_counter() - begin)

    def call_begins(self, method: str) -> None:
        """Count a call in flight."""
        in_flight, _ = self._of_method(method)
        in_flight.inc()

    def call_ends(self, method: str, outcome: CallOutcome, seconds: float) -> None:
        """Count a call that is over."""
        in_flight, duration = self._of_method(method)
        in_flight.dec()
        duration.observe(seconds)
        key = method, outcome.code, outcome.reason
        ended = self._ended.get(key)
        if ended is None:
            ended = self._ended[key] = self._calls.labels(*key)
        ended.inc()

    def _of_method(self, method: str) -> tuple[Gauge, Histogram]:
        found = self._methods.get(method)
        if found is None:
            found = self._methods[method] = self._in_flight.labels(method), self._duration.labels(method)
        return found

    def stage(self, name: Stage, begin_ns: int, end_ns: int) -> None:
        """Count a stage: an observer, see `matcher.stages`."""
        self._stages[name].observe((end_ns - begin_ns) / NANOSECONDS)

    def sample(self, modality: Modality, kind: str, outcome: str) -> None:
        """Count a sample that was read, or could not be: the outcome is "template" or an error's reason."""
        key = modality, kind, outcome
        counted = self._outcomes.get(key)
        if counted is None:
            counted = self._outcomes[key] = self._samples.labels(modality.name.lower(), kind, outcome)
        counted.inc()

    def template(self, modality: Modality, quality: float) -> None:
        """Count the quality of a template, 0 to 100."""
        self._quality[modality].observe(quality)

    @contextmanager
    def watching(self, engine: Watched, queues: Depths = no_queues) -> Iterator[None]:
        """Tell of an engine, its server's queues, and every stage in this process, until the block ends."""
        gallery = GalleryCollector(engine, queues)
        self.registry.register(gallery)
        try:
            with observed(self.stage):
                yield
        finally:
            self.registry.unregister(gallery)


class CallOutcome:
    """How a call ended; OK unless somebody says otherwise.

    Attributes
    ----------
    code : str
        Name of the gRPC code.
    reason : str
        Of `google.rpc.ErrorInfo`; empty where there is none.
    """

    def __init__(self) -> None:
        self.code = "OK"
        self.reason = NO_REASON


class GalleryCollector(Collector):
    """Asks an engine when Prometheus asks: nothing is counted twice, and nothing while nobody looks."""

    def __init__(self, engine: Watched, queues: Depths = no_queues) -> None:
        self._engine, self._queues = engine, queues

    def describe(self) -> Iterable[Metric]:
        """Return nothing: what there is depends on the engine's state."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Return the state of the gallery; of one that is being read only that it is not ready."""
        yield _gauge("matcher_ready", "Whether calls are answered.", float(self._engine.ready))
        depth = GaugeMetricFamily("matcher_queue_depth", "Requests that wait.", labels=("queue",))
        for queue, waiting in self._queues().items():
            depth.add_metric((queue,), waiting)
        yield depth
        try:
            status, workload = self._engine.status(), self._engine.workload()
        except NotReadyError:
            return
        yield _gauge("matcher_subjects", "Enrolled now.", status.subjects)
        yield _gauge("matcher_change_sequence", "Number of the last change.", status.sequence)
        yield _gauge("matcher_people_bytes", "Memory beside the samples.", status.people_bytes)
        samples = GaugeMetricFamily("matcher_gallery_samples", "Enrolled now.", labels=("modality",))
        memory = GaugeMetricFamily(
            "matcher_gallery_bytes", "Memory of the samples as they are searched.", labels=("modality",)
        )
        for one in status.modalities:
            samples.add_metric((one.modality.name.lower(),), one.samples)
            memory.add_metric((one.modality.name.lower(),), one.resident_bytes)
        yield samples
        yield memory
        yield _gauge("matcher_queued_writes", "Changes that wait for a commit.", workload.queued_writes)
        yield _gauge(
            "matcher_index_behind_changes",
            "Changes since the index was last put in order; they are searched, only less fast.",
            workload.changes_since_upkeep,
        )
        yield _gauge(
            "matcher_index_age_seconds", "Since the index was last put in order.", workload.upkeep_age_s
        )
        yield _gauge(
            "matcher_snapshot_behind_changes",
            "Changes since the last snapshot, which a restart replays.",
            workload.changes_since_snapshot,
        )


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)
