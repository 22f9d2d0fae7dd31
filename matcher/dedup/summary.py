"""A run in numbers: counts, what was expected against what was found, and how sure that is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Any

from scipy.stats import beta, poisson

from matcher.dedup.allowance import Kind
from matcher.dedup.decide import Trouble, Verdict
from matcher.dedup.run import Deduplication
from matcher.dedup.tables import record_rows
from matcher.types import Modality
from matcher.version import __version__

CONFIDENCE = 0.95
"""Of every interval."""

MAX_GROUPS = 50
"""Most values of an attribute for which quality is told apart."""

FEW = 30
"""Records below which a group's figures are called indicative."""


def poisson_interval(expected: float) -> tuple[int, int]:
    """Return between which counts a Poisson number of that mean lies, at `CONFIDENCE`."""
    if expected <= 0.0:
        return 0, 0
    tail = (1.0 - CONFIDENCE) / 2.0
    return int(poisson.ppf(tail, expected)), int(poisson.ppf(1.0 - tail, expected))


def proportion_interval(count: int, total: int) -> tuple[float, float] | None:
    """Return the exact interval of a share (Clopper & Pearson 1934) at `CONFIDENCE`; None of nothing."""
    if total == 0:
        return None
    tail = (1.0 - CONFIDENCE) / 2.0
    low = float(beta.ppf(tail, count, total - count + 1)) if count else 0.0
    high = float(beta.ppf(1.0 - tail, count + 1, total - count)) if count < total else 1.0
    return low, high


def expected_false(found: Deduplication) -> float:
    """Return the false pairs that the thresholds let through: FPIR x searches / 2, or less."""
    return found.allowed.false_pairs


def summarise(found: Deduplication) -> dict[str, Any]:
    """Return the summary, plain JSON values.

    Parameters
    ----------
    found : Deduplication
    """
    duplicates = [pair for pair in found.pairs if pair.verdict is Verdict.DUPLICATE]
    expected = expected_false(found)
    low, high = poisson_interval(expected)
    records = len(found.source.ids)
    count = len(duplicates)
    return {
        "matcher": __version__,
        "records": records,
        "new_records": records - found.asked.first_new,
        "samples": found.samples.count,
        "templates": {
            m.name: sum(t["modality"] == m.name for t in found.samples.templates) for m in Modality
        },
        "records_without_template": records - len({t["record"] for t in found.samples.templates}),
        "failures": dict(sorted(Counter(f["reason"] for f in found.samples.failures).items())),
        "fpir": found.settings.fpir,
        "threshold": found.allowed.threshold,
        "kinds": [_kind(found, kind) for kind in Kind if kind in found.allowed.kinds],
        "pairs_possible": found.asked.pairs(records),
        "pairs_compared": int(found.histogram.sum()),
        "pairs_compared_in_full": found.nominated,
        "duplicate_pairs": count,
        "review_pairs": len(found.pairs) - count,
        "expected_false_pairs": {"mean": expected, "interval": [low, high], "confidence": CONFIDENCE},
        "false_share_estimate": {
            "mean": min(expected / count, 1.0) if count else None,
            "interval": [min(low / count, 1.0), min(high / count, 1.0)] if count else None,
        },
        "missed_estimate": _missed(found),
        "clusters": len(found.clusters.found),
        "records_in_clusters": sum(len(c.records) for c in found.clusters.found),
        "largest_cluster": max((len(c.records) for c in found.clusters.found), default=0),
        "weak_links": len(found.clusters.weak_links),
        "rules": dict(sorted(Counter(pair.rule.value for pair in duplicates).items())),
        "troubles": _troubles(found),
        "same_files": len(found.samples.same_files),
        "by_attribute": by_attribute(found),
    }


def _kind(found: Deduplication, kind: Kind) -> dict[str, Any]:
    """Return what pairs of one kind were allowed, and what was found."""
    own = found.allowed.kinds[kind]
    return {
        "kind": kind.value,
        "pairs": own.pairs,
        "threshold": own.threshold,
        "expected_false_pairs": own.false_pairs,
        "duplicate_pairs": sum(p.kind is kind and p.verdict is Verdict.DUPLICATE for p in found.pairs),
    }


def _missed(found: Deduplication) -> dict[str, Any]:
    """Return how many pairs within clusters of three and more did not reach the threshold for themselves.

    It says how often the comparison of two records of one person fails; it leaves out people whose every
    comparison failed, so it is a lower bound.
    """
    larger = [cluster for cluster in found.clusters.found if len(cluster.records) > 2]
    possible = sum(math.comb(len(cluster.records), 2) for cluster in larger)
    missed = possible - sum(len(cluster.pairs) for cluster in larger)
    return {
        "pairs_within_larger_clusters": possible,
        "below_threshold": missed,
        "share": missed / possible if possible else None,
        "interval": proportion_interval(missed, possible),
        "indicative": len(larger) < FEW,
    }


def _troubles(found: Deduplication) -> dict[str, int]:
    counts = Counter(trouble.value for pair in found.pairs for trouble in pair.troubles)
    counts[Trouble.WEAK_LINK.value] += len(found.clusters.weak_links)
    counts[Trouble.SAME_FILE.value] += len(found.samples.same_files)
    return {trouble.value: counts[trouble.value] for trouble in Trouble if counts[trouble.value]}


def by_attribute(found: Deduplication) -> dict[str, list[dict[str, Any]]]:
    """Return quality, failures and duplicates by each value of the attributes that have few of them."""
    rows = record_rows(found)
    told: dict[str, list[dict[str, Any]]] = {}
    for name, values in found.source.attributes.items():
        if not 1 < len(set(values)) <= MAX_GROUPS:
            continue
        groups: dict[str, list[dict[str, Any]]] = {}
        for value, row in zip(values, rows, strict=True):
            groups.setdefault(value, []).append(row)
        told[name] = [_group(value, own) for value, own in sorted(groups.items())]
    return told


def _group(value: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    failed = sum(bool(row["failures"]) for row in rows)
    doubled = sum(row["cluster"] >= 0 for row in rows)
    quality = {}
    for modality in Modality:
        own = [row[f"{modality.name.lower()}_quality"] for row in rows]
        known = [number for number in own if number is not None]
        quality[modality.name] = float(median(known)) if known else None
    return {
        "value": value,
        "records": len(rows),
        "with_failures": failed,
        "with_failures_interval": proportion_interval(failed, len(rows)),
        "in_clusters": doubled,
        "in_clusters_interval": proportion_interval(doubled, len(rows)),
        "quality_median": quality,
        "indicative": len(rows) < FEW,
    }
