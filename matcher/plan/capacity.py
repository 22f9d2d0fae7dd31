"""From a country's numbers, measured rates and assumptions to machines."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from matcher.errors import ArgumentError
from matcher.plan.assumptions import Assumption
from matcher.plan.rates import Rates

DAY_S = 86_400
"""Seconds in a day."""

YEAR_DAYS = 365.25
"""Days in a year."""

GB = 1e9
"""Bytes in a gigabyte (SI)."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What a country asks of the engine.

    Attributes
    ----------
    subjects : int
        In the register.
    enrolments_per_day : float
        Each is one uniqueness search.
    verifications_per_day : float
    searches_per_day : float
        Identifications beside the uniqueness searches.
    """

    subjects: int
    enrolments_per_day: float
    verifications_per_day: float
    searches_per_day: float = 0.0

    def __post_init__(self) -> None:
        numbers = (self.enrolments_per_day, self.verifications_per_day, self.searches_per_day)
        if self.subjects < 1 or not all(math.isfinite(n) and n >= 0 for n in numbers):
            raise ArgumentError("Plan: expected at least one subject, and no negative number a day.")


@dataclass(frozen=True, slots=True)
class Capacity:
    """What that takes. Rates are at the busiest time; cores and machines include the replicas of the shards.

    Attributes
    ----------
    searches, verifications, extractions, commits : float
        A second.
    shards, subjects_per_shard : int
    shard_limit : str
        What bounds the size of a shard: "latency" or "memory".
    search_seconds : float
        One search, on one core of each shard at once.
    search_cores, verify_cores, extract_cores : int
    databases : int
        Partitions of the store that the commits need.
    machines : int
    ram_gb, store_gb, image_gb, log_gb : float
        Main memory of all shards; disks of all copies.
    network_gb_s : float
        Between router and shards, and in and out.
    """

    searches: float
    verifications: float
    extractions: float
    commits: float
    shards: int
    subjects_per_shard: int
    shard_limit: str
    search_seconds: float
    search_cores: int
    verify_cores: int
    extract_cores: int
    databases: int
    machines: int
    ram_gb: float
    store_gb: float
    image_gb: float
    log_gb: float
    network_gb_s: float


def capacity(demand: Demand, rates: Rates, assumed: Mapping[str, Assumption]) -> Capacity:
    """Return what a demand takes.

    A search visits every shard: its CPU is shards * fixed + subjects * slope, the line through the measured
    searches. Shards are as large as latency and a machine's memory allow; cores follow from the busiest
    hour's CPU at the utilisation assumed.

    Raises
    ------
    ArgumentError
        If no shard, however small, answers within the latency.
    """
    a = {name: one.value for name, one in assumed.items()}
    peak = a["peak_factor"] / DAY_S
    searches = (demand.enrolments_per_day + demand.searches_per_day) * peak
    verifications = demand.verifications_per_day * peak
    images = sum(rates.samples.values())
    extractions = (
        demand.enrolments_per_day * a["enrol_with_image"] * images
        + demand.verifications_per_day * a["verify_with_image"]
    ) * peak
    fixed, slope = (seconds / a["core_speed"] for seconds in rates.line())
    size, limit = _shard_size(demand, rates, a, fixed, slope)
    shards = math.ceil(demand.subjects / size)
    size = math.ceil(demand.subjects / shards)
    replicas = a["replicas"]
    busy = a["utilisation"] * a["core_speed"]
    search_cpu = searches * (shards * fixed + demand.subjects * slope) * a["core_speed"]
    # Each copy of a shard has at least one core, however few the searches.
    search_cores = max(math.ceil(search_cpu / busy), math.ceil(shards * replicas))
    verify_cores = math.ceil(verifications * rates.verify_seconds / busy)
    every = sum(rates.samples[m] * rates.extract_seconds[m] for m in rates.samples)
    extract_cpu = (
        demand.enrolments_per_day * a["enrol_with_image"] * every
        + demand.verifications_per_day * a["verify_with_image"] * _terminal_seconds(rates)
    ) * peak
    extract_cores = math.ceil(extract_cpu / busy)
    commits = demand.enrolments_per_day * peak
    ram = demand.subjects * rates.hot_bytes * replicas / GB
    cores = search_cores + verify_cores + extract_cores
    machines = max(
        math.ceil(cores / a["cores_per_machine"]),
        math.ceil(ram / (a["ram_per_machine"] * a["ram_share"])),
        math.ceil(replicas),
    )
    requests = demand.enrolments_per_day + demand.verifications_per_day + demand.searches_per_day
    wire = searches * (shards + 1) * (rates.probe_bytes + rates.reply_bytes)
    wire += verifications * (rates.probe_bytes + rates.reply_bytes)
    wire += commits * a["enrol_with_image"] * a["image_bytes"]
    return Capacity(
        searches=searches,
        verifications=verifications,
        extractions=extractions,
        commits=commits,
        shards=shards,
        subjects_per_shard=size,
        shard_limit=limit,
        search_seconds=fixed + size * slope,
        search_cores=search_cores,
        verify_cores=verify_cores,
        extract_cores=extract_cores,
        databases=max(math.ceil(commits / (rates.enrolments_per_second * a["store_partitions_spare"])), 1),
        machines=machines,
        ram_gb=ram,
        store_gb=demand.subjects * rates.stored_bytes * replicas / GB,
        image_gb=demand.subjects * a["images_kept"] * a["image_bytes"] * replicas / GB,
        log_gb=requests * YEAR_DAYS * a["years"] * a["audit_bytes"] * replicas / GB,
        network_gb_s=wire / GB,
    )


def _shard_size(
    demand: Demand, rates: Rates, a: Mapping[str, float], fixed: float, slope: float
) -> tuple[int, str]:
    in_time = math.inf if slope == 0 else (a["search_latency"] - fixed) / slope
    if in_time < 1:
        raise ArgumentError(
            f"Plan: a search of the smallest shard takes {fixed:.3g} s, longer than {a['search_latency']} s.",
            hint="Allow more with --set search_latency=SECONDS.",
        )
    in_memory = a["ram_per_machine"] * a["ram_share"] * GB / rates.hot_bytes
    limit = "latency" if in_time < in_memory else "memory"
    return int(min(max(min(in_time, in_memory), 1.0), demand.subjects)), limit


def _terminal_seconds(rates: Rates) -> float:
    """Return what the image of a verification takes: a finger where there are any."""
    modality = "fingerprint" if "fingerprint" in rates.samples else min(rates.samples)
    return rates.extract_seconds[modality]
