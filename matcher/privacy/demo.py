"""The demonstration: three parties on loopback, generated irises, and the plain search beside them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from matcher.datasets.iris_codes import IrisCodes
from matcher.iris.parameters import EXTRACTOR_ID
from matcher.iris.types import SEARCH_BITS
from matcher.privacy.client import Record
from matcher.privacy.encode import encoded_bits, unpacked
from matcher.privacy.layout import Layout
from matcher.privacy.local import LocalParties
from matcher.privacy.products import MAX_REACH
from matcher.privacy.records import layout_for
from matcher.score.calibration import load_calibration, threshold_for_fmr
from matcher.score.iris_record import search_records
from matcher.score.iris_scorer import SEARCH
from matcher.score.iris_search import search

U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]

SEED = 20

EYES = ["right"]

FMR = 1e-6
"""Of one comparison, all rotations included."""

STRANGERS = 1_000_000
"""Number of the first eye that is never enrolled."""

ENROLLED_AT_ONCE = 1000

VERIFICATIONS = 20


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that must hold, and what was found."""

    text: str
    found: str
    held: bool


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What was found: lines of a report, and claims."""

    lines: list[str]
    claims: list[Claim]


def demonstrate(folder: Path, eyes: int, probes: int, tell: Callable[[str], None]) -> Demonstration:
    """Enrol eyes with three parties, search with mates and strangers, compare with plain counting.

    Parameters
    ----------
    folder : Path
        For certificates and stores; removed by the caller.
    eyes, probes : int
        Eyes to enrol; mates and strangers to search for, as many of each.
    tell : callable
        Told what is done next.
    """
    tell(f"{eyes} generated eyes")
    population = IrisCodes(SEED)
    codes, masks = population.search_codes(0, eyes)
    chosen = np.linspace(0, eyes - 1, probes).astype(int)
    mates = [population.search_codes(int(row), 1, 1) for row in chosen]
    strangers = population.search_codes(STRANGERS, probes)
    probe_codes = np.concatenate([*(code for code, _ in mates), strangers[0]])
    probe_masks = np.concatenate([*(mask for _, mask in mates), strangers[1]])
    layout = layout_for(EXTRACTOR_ID, FMR)
    layout = Layout(layout.form, layout.rule, layout.reach, eyes=("right",))
    people = {f"s{k}": record(codes[k], masks[k]) for k in range(eyes)}
    looked = [record(code, mask) for code, mask in zip(probe_codes, probe_masks, strict=True)]
    lines, claims = [], []
    tell("three parties")
    with LocalParties(folder, layout) as parties:
        client, names = parties.client, list(people)
        start = time.monotonic()
        for begin in range(0, eyes, ENROLLED_AT_ONCE):
            tell(f"enrolling {begin} of {eyes}")
            client.enroll({name: people[name] for name in names[begin : begin + ENROLLED_AT_ONCE]})
        spent = time.monotonic() - start
        lines.append(f"enrolled {eyes} eyes in {spent:.1f} s, {layout.record_bytes} B each at each party")
        tell("searching")
        before, start = client.statuses(), time.monotonic()
        found = client.identify(looked, EYES)
        spent, after = time.monotonic() - start, client.statuses()
        count = len(looked) * eyes * (2 * MAX_REACH + 1)
        cpu = max(b.cpu_seconds - a.cpu_seconds for a, b in zip(before, after, strict=True))
        sent = max(b.sent_bytes - a.sent_bytes for a, b in zip(before, after, strict=True))
        lines.append(f"{len(looked)} searches, {count / 1e6:.1f} million comparisons: {spent:.1f} s")
        lines.append(f"a party: {cpu:.1f} s of CPU ({count / cpu / 1e6:.1f} million a second and core)")
        lines.append(f"a party sent {sent / 1e6:.1f} MB ({8 * sent / count:.0f} bits a comparison)")
        tell("the plain rule over the same pairs")
        start = time.process_time()
        wanted = plain_matches(layout, probe_codes, probe_masks, codes, masks)
        lines.append(
            f"the same decisions in the clear, by plain counting: {time.process_time() - start:.1f} s"
        )
        same = [[f"s{row}" for row in rows] for rows in wanted] == found
        claims.append(Claim("every decision is the plain fixed-point rule's", f"{count:,} comparisons", same))
        lines += beside_plain_matcher(probe_codes, probe_masks, codes, masks, found)
        right = sum(ids == [f"s{row}"] for ids, row in zip(found[:probes], chosen, strict=True))
        lines.append(f"mates found: {right} of {probes}")
        false = sum(len(ids) for ids in found[probes:])
        claims.append(Claim("no stranger is taken for anybody", f"{false} of {probes}", false == 0))
        times = []
        for k in range(VERIFICATIONS):
            start = time.perf_counter()
            client.verify(f"s{k}", people[f"s{k}"], EYES)
            times.append((time.perf_counter() - start) * 1e3)
        lines.append(f"1:1 verification: {float(np.median(times)):.0f} ms, median")
        tell("deleting, refreshing")
        client.delete("s0")
        claims.append(
            Claim("who is deleted is not found", "1 deleted", client.identify([people["s0"]], EYES) == [[]])
        )
        start = time.monotonic()
        client.refresh()
        lines.append(f"all shares drawn anew in {time.monotonic() - start:.1f} s")
        last = f"s{eyes - 1}"
        held = client.identify([people[last]], EYES) == [[last]]
        claims.append(Claim("after a refresh the answers are the same", "1 search", held))
    return Demonstration(lines, claims)


def record(code: U8, mask: U8) -> Record:
    """Return an eye's record."""
    found = encoded_bits(unpacked(code), unpacked(mask))
    return {"right.code": found.code, "right.mask": found.mask}


def plain_matches(layout: Layout, probes: U8, probe_masks: U8, codes: U8, masks: U8) -> list[list[int]]:
    """Return the rows that each probe matches by the rule, in the clear."""
    e, m = _signed(codes, masks)
    p, pm = _signed(probes, probe_masks)
    found = np.zeros((len(p), len(e)), bool)
    an_angle = SEARCH_BITS // 256
    for turn in range(-layout.reach, layout.reach + 1):
        cd = np.roll(p, -turn * an_angle, axis=1) @ e.T
        md = np.roll(pm, -turn * an_angle, axis=1) @ m.T
        found |= layout.rule.matches(cd.astype(np.int64), md.astype(np.int64))
    return [np.flatnonzero(row).tolist() for row in found]


def beside_plain_matcher(
    probes: U8, probe_masks: U8, codes: U8, masks: U8, found: list[list[str]]
) -> list[str]:
    """Return what the plain matcher's exhaustive search says at the same false match rate, and its time."""
    name = EXTRACTOR_ID + SEARCH
    least = load_calibration(name, name).raw_at(threshold_for_fmr(FMR))
    gallery, looked = search_records(codes, masks), search_records(probes, probe_masks)
    start = time.process_time()
    hits = search(looked, gallery, least_raw=least)
    spent = time.process_time() - start
    plain = {(int(p), int(r)) for p, r in zip(hits.probe, hits.row, strict=True)}
    private = {(k, int(one[1:])) for k, ids in enumerate(found) for one in ids}
    return [
        f"the plain matcher, exhaustive, in the clear: {spent:.2f} s of CPU",
        f"matches: private {len(private)}, plain {len(plain)}, of both {len(private & plain)}",
    ]


def _signed(codes: U8, masks: U8) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return signed codes and masks; products of them are whole numbers, exact in float32."""
    bits = np.unpackbits(codes, axis=1, bitorder="little").astype(np.float32)
    valid = np.unpackbits(masks, axis=1, bitorder="little").astype(np.float32)
    return valid - 2.0 * bits * valid, valid
