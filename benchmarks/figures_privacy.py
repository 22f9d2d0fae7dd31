"""The rows of three-party matching: comparisons a second, traffic, bytes, loss, and decisions that differ.

    python -m benchmarks.figures_privacy               everything at hand, JSON on standard output; minutes
    python -m benchmarks.figures --only privacy        the same into the file of figures
    python -m benchmarks.figures_privacy --only small alone  batches of 10,000 and one probe alone: a minute
    python -m benchmarks.figures_privacy --smallest    shows that the script runs

Three party processes on loopback over mutual TLS. A rate is comparisons over the CPU seconds of the busiest
party's process, transport and serialisation included: so many a second a core of one party does. Bars of
issue 9.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.bars import Bar, data_root
from benchmarks.privacy_loss import face_loss, face_loss_of_set, private_scores, rate
from benchmarks.privacy_products import products_share, reading
from matcher.datasets.load import load
from matcher.datasets.protocol import pairs
from matcher.evaluate.modality_face import face_modality
from matcher.evaluate.modality_iris import IrisModality
from matcher.evaluate.run import evaluate
from matcher.iris.parameters import EXTRACTOR_ID
from matcher.iris.types import FULL_BITS, SEARCH_BITS
from matcher.privacy.client import Record
from matcher.privacy.encode import IrisForm, encoded_bits
from matcher.privacy.layout import Layout
from matcher.privacy.local import LocalParties
from matcher.privacy.records import TYPICAL_SHARE, iris_rule
from matcher.privacy.rule import Rule, rule_for

LONG_BITS = 12_800
"""Code of World ID, arXiv 2405.04463."""

FMR = 1e-4

THRESHOLD = {LONG_BITS: 0.2, FULL_BITS: 0.19}
"""Plain raw scores around that FMR."""

EYES = ["right"]

BAR_RATE = 1.5e6
"""Comparisons a second and core of 2,048 bits, batches of 10,000 and more."""

ROUNDS = 5

TOGETHER = 20
"""Probes, at least, between two readings of the parties' times."""

FACES = 600
"""Pictures of LFW, the first by name: 180,000 pairs are enough for an FMR of 1e-3; more cost minutes."""

BARS = (
    Bar(
        "comparisons_per_second_core_2048",
        "comparisons a second and core, 2,048 bits",
        BAR_RATE,
        at_least=True,
    ),
    Bar("comparisons_per_second_core_12800", "the same, 12,800 bits", 4e5, at_least=True),
    Bar(
        "comparisons_per_second_core_10000_by_10",
        "2,048 bits, a batch of 10,000: ten probes, 1,000 eyes",
        BAR_RATE,
        at_least=True,
    ),
    Bar("comparisons_per_second_core_10000", "the same, one probe, 10,000 eyes", BAR_RATE, at_least=True),
    Bar("comparisons_per_second_core_30000", "the same, one probe, 30,000 eyes", BAR_RATE, at_least=True),
    Bar("products_share_of_limit", "inner products, share of the machine's limit", 0.5, at_least=True),
    Bar("bits_per_comparison_2048", "bits sent a comparison and party, 2,048 bits", 200.0),
    Bar("bits_per_comparison_12800", "the same, 12,800 bits", 200.0),
    Bar("stored_bytes", "stored bytes an eye and party, a mask number a bit", 8400.0),
    Bar("stored_bytes_pairs", "the same, a mask number for two bits", 6500.0),
    Bar("casia1_fnmr_above_plain", "CASIA1: FNMR at FMR 1e-4 above the plain full code's", 0.003),
    Bar("mmu2_fnmr_above_plain", "MMU2: the same", 0.015),
    Bar("face_tar_below_plain", "faces: TAR at FMR 1e-3 below plain", 0.003),
    Bar("verify_ms_median", "1:1 verification on loopback, milliseconds, median", 40.0),
)
"""What the issue asks for."""


PARTS = ("short", "small", "alone", "turned", "long", "products", "losses", "faces")
"""What is measured."""

ALONE = (10_000, 30_000)
"""Eyes that one probe alone is held against."""


def random_people(bits: int, count: int, pairs: bool = False) -> dict[str, Record]:
    """Return records of random codes, six bits of ten valid."""
    rng = np.random.default_rng(bits)
    found: dict[str, Record] = {}
    for k in range(count):
        mask = (rng.random(bits) < 0.6).astype(np.uint8)
        eye = encoded_bits(rng.integers(0, 2, bits, dtype=np.uint8), mask, pairs=pairs)
        found[f"s{k}"] = {"right.code": eye.code, "right.mask": eye.mask}
    return found


def rule_of(bits: int, pairs: bool = False) -> Rule:
    """Return the rule that irises of so many bits are compared by."""
    if bits == SEARCH_BITS:
        return iris_rule(EXTRACTOR_ID, FMR, IrisForm(pairs=pairs))
    return rule_for(THRESHOLD[bits], bits, TYPICAL_SHARE)


def layout(bits: int, reach: int, pairs: bool = False) -> Layout:
    """Return a layout of one eye."""
    return Layout(IrisForm(bits, pairs), rule_of(bits, pairs), reach=reach, eyes=("right",))


def speed(
    bits: int, eyes: int, batches: list[int], reach: int, verifications: int, *, pairs: bool = False
) -> dict[str, Any]:
    """Return rates and traffic of batches of so many probes, and the median time of a verification."""
    people = random_people(bits, eyes, pairs)
    rows = []
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalParties(Path(folder), layout(bits, reach, pairs), people) as parties,
    ):
        client = parties.client
        client.identify([people["s0"]], EYES)
        for batch in batches:
            probes = [people[f"s{k}"] for k in range(batch)]
            rates, traffic = [], []
            # Asking a party for its time costs some too: between two such questions lie enough batches.
            times_each = max(1, TOGETHER // batch)
            for _ in range(ROUNDS):
                before = client.statuses()
                for _ in range(times_each):
                    found = client.identify(probes, EYES)
                after = client.statuses()
                if any(f"s{k}" not in ids for k, ids in enumerate(found)):
                    raise AssertionError("a probe did not find itself")
                count = times_each * batch * eyes * (2 * reach + 1)
                spent = max(b.cpu_seconds - a.cpu_seconds for a, b in zip(before, after, strict=True))
                rates.append(count / spent)
                traffic.append(
                    max(b.sent_bytes - a.sent_bytes for a, b in zip(before, after, strict=True)) * 8 / count
                )
            rows.append(
                {
                    "probes": batch,
                    "comparisons": count // times_each,
                    "rotations": 2 * reach + 1,
                    "per_second_core": statistics.median(rates),
                    "bits": statistics.median(traffic),
                }
            )
        times = []
        for _ in range(verifications):
            start = time.perf_counter()
            if not client.verify("s0", people["s0"], EYES):
                raise AssertionError("a subject is not itself")
            times.append((time.perf_counter() - start) * 1e3)
    return {"bits": bits, "eyes": eyes, "batches": rows, "verify_ms_median": statistics.median(times)}


def alone(sizes: Sequence[int]) -> dict[str, Any]:
    """Return what one probe costs against so many eyes, and what reading their shares takes of it."""
    rows = []
    for by_pairs, eyes in ((False, sizes[0]), (False, sizes[1]), (True, sizes[0])):
        [batch] = speed(SEARCH_BITS, eyes, [1], 0, 1, pairs=by_pairs)["batches"]
        seconds = eyes / batch["per_second_core"]
        rows.append({"eyes": eyes, "mask_pairs": by_pairs, "seconds": seconds, **batch})
    few, many = rows[0], rows[1]
    an_eye = (many["seconds"] - few["seconds"]) / (many["eyes"] - few["eyes"])
    start = few["seconds"] - an_eye * few["eyes"]
    left = 1 / BAR_RATE - an_eye
    return {
        "batches": rows,
        "seconds_an_eye": an_eye,
        "seconds_a_batch": start,
        # None where each further eye costs more than the bar allows: then no size reaches it.
        "reaches_bar_from_eyes": max(0.0, start / left) if left > 0 else None,
        "reading_seconds": reading(sizes[0]),
    }


def iris_losses(jobs: int) -> dict[str, Any]:
    """Return FNMR at FMR 1e-4 of the plain full code and of private codes, of the real sets at hand."""
    data = data_root()
    found: dict[str, Any] = {}
    for name in ("casia1", "mmu2"):
        if data is None or not (data / "iris" / name).is_dir():
            continue
        result = evaluate(load(name, data / "iris" / name, modality="iris"), IrisModality(), jobs=jobs)
        templates = [item.template for item in result.extractions.items if item.template is not None]
        there = ~result.extractions.failed
        listed = pairs(result.dataset)
        row: dict[str, Any] = {"plain_full": result.report["fnmr_at_fmr"]["1e-4"]}
        for label, form, full in (
            ("search", IrisForm(), False),
            ("search_mask_pairs", IrisForm(pairs=True), False),
            ("full", IrisForm(FULL_BITS), True),
        ):
            rule = rule_of(form.bits, form.pairs)
            row[label] = rate(listed, there, private_scores(templates, form, rule, full), "1e-4")
        found[name] = row
    return found


def face_losses(jobs: int, smallest: bool) -> dict[str, Any]:
    """Return what faces lose: on LFW where it is at hand, else on generated embeddings."""
    data = data_root()
    root = None if data is None or smallest else data / "face" / "lfw"
    if root is None or not root.is_dir():
        return face_loss(200 if smallest else 2000)
    every = load("lfw", root, modality="face")
    some = dataclasses.replace(every, samples=every.samples[:FACES])
    return face_loss_of_set(evaluate(some, face_modality("numba", None), jobs=jobs))


def measure(*, smallest: bool = False, jobs: int = 1, only: Sequence[str] = PARTS) -> dict[str, Any]:
    """Return everything, or some of `PARTS`, as plain JSON values."""
    eyes, long_eyes = (100, 30) if smallest else (10_000, 2_000)
    few = [1, 2] if smallest else [1, 8]
    verifications = 5 if smallest else 50
    makers: dict[str, Callable[[], Any]] = {
        "short": lambda: speed(SEARCH_BITS, eyes, few if smallest else [8, 64], 0, verifications),
        "small": lambda: speed(SEARCH_BITS, eyes // 10, [1 if smallest else 10], 0, 5),
        "alone": lambda: alone((100, 200) if smallest else ALONE),
        "turned": lambda: speed(SEARCH_BITS, eyes // 10, few, 15, verifications),
        "long": lambda: speed(LONG_BITS, long_eyes, [2 if smallest else 64], 0, 5),
        "products": lambda: [products_share(200 if smallest else 4000, turns) for turns in (1, 32)],
        "losses": lambda: {} if smallest else iris_losses(jobs),
        "faces": lambda: face_losses(jobs, smallest),
    }
    found = {part: makers[part]() for part in only}
    figures = {key: value for part, made in found.items() for key, value in _figures_of(part, made).items()}
    return {
        "figures": figures,
        "bars": {
            bar.key: {"limit": bar.limit, "met": None if smallest else bar.met(figures[bar.key])}
            for bar in BARS
            if bar.key in figures
        },
        **found,
    }


def _figures_of(part: str, made: Any) -> dict[str, Any]:
    """Return a part's rows of `BARS`."""
    if part == "products":
        return {"products_share_of_limit": min(one["share_of_limit"] for one in made)}
    if part == "losses":
        rows = {name: made.get(name) for name in ("casia1", "mmu2")}
        return {
            "stored_bytes": IrisForm().stored_bytes,
            "stored_bytes_pairs": IrisForm(pairs=True).stored_bytes,
            **{
                f"{n}_fnmr_above_plain": r["search"] - r["plain_full"] if r else None for n, r in rows.items()
            },
        }
    if part == "faces":
        return {"face_tar_below_plain": made["private_fnmr"] - made["plain_fnmr"]}
    if part == "turned":
        return {"verify_ms_median": made["verify_ms_median"]}
    first, last = made["batches"][0], made["batches"][-1]
    if part == "alone":
        return {
            "comparisons_per_second_core_10000": first["per_second_core"],
            "comparisons_per_second_core_30000": made["batches"][1]["per_second_core"],
        }
    if part == "small":
        return {"comparisons_per_second_core_10000_by_10": first["per_second_core"]}
    bits = SEARCH_BITS if part == "short" else LONG_BITS
    return {
        f"comparisons_per_second_core_{bits}": last["per_second_core"],
        f"bits_per_comparison_{bits}": last["bits"],
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smallest", action="store_true", help="a few random eyes")
    parser.add_argument("--jobs", type=int, default=1, help="processes that extract")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="some parts")
    given = parser.parse_args()
    found = measure(smallest=given.smallest, jobs=given.jobs, only=given.only)
    print(json.dumps({"machine": machine.describe(), **found}, indent=1))


if __name__ == "__main__":
    main()
