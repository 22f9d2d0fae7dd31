"""Search over packed search codes: what an exhaustive pass finds, whatever is filtered, cut or shared out."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher import _core
from matcher.datasets.iris_codes import IrisCodes
from matcher.datasets.iris_codes_settings import fitted_settings
from matcher.errors import ArgumentError
from matcher.score.iris import IrisProbe, search_score_many
from matcher.score.iris_record import RESIDENT_WORDS, SEARCH_WORDS, search_records
from matcher.score.iris_search import MAX_PROBES, IrisHits, bitmap_of, coarse_model, search

U64 = npt.NDArray[np.uint64]

EYES = 3000
RELIABLE = 0.257
"""About -10 log10(FMR) = 60."""

NEXT = 0.277
"""About 70."""


@pytest.fixture(scope="module")
def gallery() -> U64:
    """Search records of 3,000 eyes."""
    return search_records(*IrisCodes(7).search_codes(0, EYES))


@pytest.fixture(scope="module")
def probes() -> U64:
    """Second samples of the eyes 100 to 139, little noise to much."""
    codes = IrisCodes(7)
    made = [codes.search_codes(100 + 10 * n, 10, 1, noise=0.05 + 0.12 * n) for n in range(4)]
    return search_records(*(np.concatenate(side) for side in zip(*made, strict=True)))


@pytest.fixture(scope="module")
def table(gallery: U64, probes: U64) -> npt.NDArray[np.float32]:
    """Exhaustive scores, (probes, eyes), by the one-to-one comparison."""
    words = np.zeros((len(probes), RESIDENT_WORDS), np.uint64)
    words[:, :SEARCH_WORDS] = probes
    return np.stack([search_score_many(IrisProbe(form), gallery) for form in words])


def expected(
    table: npt.NDArray[np.float32], least: float, most: int, allowed: npt.NDArray[np.bool_]
) -> list[tuple[int, int, float]]:
    out = []
    for p, scores in enumerate(table):
        rows = np.flatnonzero(allowed & (scores >= np.float32(least)))
        rows = rows[np.lexsort((rows, -scores[rows]))]
        out += [(p, int(r), float(scores[r])) for r in (rows[:most] if most else rows)]
    return out


def found(hits: IrisHits) -> list[tuple[int, int, float]]:
    return list(zip(hits.probe.tolist(), hits.row.tolist(), hits.raw.tolist(), strict=True))


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(("least", "most"), [(0.0, 1), (0.0, 7), (0.15, 0), (0.3, 3), (0.0, 0)])
def test_exhaustive_is_every_score(
    gallery: U64, probes: U64, table: npt.NDArray[np.float32], least: float, most: int, threads: int
) -> None:
    hits = search(probes, gallery, least_raw=least, most=most, threads=threads)
    assert found(hits) == expected(table, least, most, np.ones(EYES, bool))
    assert hits.pairs == hits.scored == table.size


@settings(max_examples=40, deadline=None)
@given(
    begin=st.integers(0, EYES),
    length=st.integers(0, EYES),
    share=st.sampled_from([0.0, 0.02, 0.5, 1.0]),
    seed=st.integers(0, 99),
    threads=st.integers(1, 4),
    reliable=st.sampled_from([None, RELIABLE]),
)
def test_ranges_and_bitmaps_cut_exactly(
    gallery: U64,
    probes: U64,
    table: npt.NDArray[np.float32],
    begin: int,
    length: int,
    share: float,
    seed: int,
    threads: int,
    reliable: float | None,
) -> None:
    end = min(begin + length, EYES)
    allowed = np.random.default_rng(seed).random(EYES) < share
    hits = search(
        probes,
        gallery,
        begin=begin,
        end=end,
        bitmap=bitmap_of(allowed),
        least_raw=RELIABLE,
        reliable_raw=reliable,
        threads=threads,
    )
    rows = np.arange(EYES)
    inside = allowed & (rows >= begin) & (rows < end)
    assert found(hits) == expected(table, RELIABLE, 0, inside)
    assert hits.pairs == len(probes) * inside.sum()


def test_coarse_to_fine_returns_the_exhaustive_scores(
    gallery: U64, probes: U64, table: npt.NDArray[np.float32]
) -> None:
    hits = search(probes, gallery, reliable_raw=RELIABLE, least_raw=RELIABLE)
    assert found(hits) == expected(table, RELIABLE, 0, np.ones(EYES, bool))
    # Not by looking at everything.
    assert hits.turns_passed < 1.0 * hits.pairs  # of eleven rotations each
    assert hits.scored < 0.05 * hits.pairs
    mates = np.arange(100, 140)
    assert (table[np.arange(40), mates] >= RELIABLE)[:20].sum() >= 15
    rows, raw = hits.of(3)
    assert rows[0] == 103
    assert raw[0] == table[3, 103]


def test_mates_at_the_limit_are_not_lost(full_size: bool) -> None:
    """Of mates whose exhaustive score lies between 60 and 70 by the fitted tail, 99.99 % are returned."""
    count = 400_000 if full_size else 6_000
    codes = IrisCodes(11, replace(fitted_settings(), turn=4.0))
    near = lost = 0
    for first in range(0, count, 2048):
        noise = 0.34 + 0.04 * (first // 2048 % 6)
        one, two = (search_records(*codes.search_codes(first, 2048, s, noise=noise)) for s in (1, 2))
        # Each probe searches its mate's row alone.
        for p in range(len(one)):
            whole = search(one[p : p + 1], two, begin=p, end=p + 1, least_raw=RELIABLE)
            if len(whole.raw) == 0 or whole.raw[0] > NEXT:
                continue
            near += 1
            quick = search(one[p : p + 1], two, begin=p, end=p + 1, least_raw=RELIABLE, reliable_raw=RELIABLE)
            lost += found(quick) != found(whole)
    assert near > count / 40
    assert lost <= (1e-4 * near if full_size else 1)


def test_mates_below_the_sure_score_are_returned_more_seldom_but_as_they_are(
    gallery: U64, probes: U64, table: npt.NDArray[np.float32]
) -> None:
    """Wanted from 0.15 on, sure from `RELIABLE` on: all of the sure ones, most of the others, nobody else."""
    wanted = set(expected(table, 0.15, 0, np.ones(EYES, bool)))
    sure = {hit for hit in wanted if hit[2] >= RELIABLE}
    between = search(probes, gallery, reliable_raw=RELIABLE, least_raw=0.15)
    careful = search(probes, gallery, reliable_raw=0.15, least_raw=0.15)
    assert sure
    assert sure <= set(found(between)) <= wanted
    assert len(sure) < len(found(between)) <= len(found(careful))
    assert between.turns_passed < 0.5 * careful.turns_passed


def test_statistics_follow_the_model() -> None:
    """The coarse statistic of mates: mean and variance as modelled, left tail no heavier than normal."""
    codes, model = IrisCodes(13, replace(fitted_settings(), turn=4.0)), coarse_model()
    one, two = (search_records(*codes.search_codes(0, 4096, s, noise=0.4)) for s in (1, 2))
    raw = np.concatenate(
        [search(one[p : p + 1], two, begin=p, end=p + 1).raw for p in range(len(one))]
    ).astype(float)
    share = np.bitwise_count(one.reshape(-1, 4, 2, 8)[:, :, 1]).sum(axis=(1, 2)) / 2048
    # A few generated eyes are shut: no share of them is valid.
    near = (raw > 0.24) & (raw < 0.30)
    raw, share, seen = raw[near], share[near], _core.iris_coarse_statistics(one, two)[near]
    mean = model.slope * raw * share**model.power
    away = (seen - mean) / np.sqrt(model.variance + (1 - share) / share)
    assert near.sum() > 300
    assert abs(away.mean()) < 0.15
    assert 0.85 < away.std() < 1.15
    assert away.min() > -4.5


def test_reach_limits_rotations(gallery: U64) -> None:
    """A candidate turned by 5 steps is found from a reach of 5 on."""
    codes, masks = IrisCodes(7).search_codes(50, 1)
    turned = search_records(np.roll(codes, 5, axis=1), np.roll(masks, 5, axis=1))
    for reach in (0, 1, 5, 6, 15):
        for reliable in (None, RELIABLE):
            hits = search(turned, gallery, reach=reach, least_raw=RELIABLE, reliable_raw=reliable)
            assert (50 in hits.row.tolist()) == (reach >= 5)
    upright = search(search_records(codes, masks), gallery, reach=0, least_raw=0.0)
    assert len(upright.row) == EYES
    assert upright.row[0] == 50
    assert (upright.raw >= 0).all()


def test_empty_and_masked_searches(gallery: U64, probes: U64) -> None:
    assert found(search(probes, gallery[:0])) == []
    assert found(search(probes[:0], gallery)) == []
    blind = np.zeros((9, SEARCH_WORDS), np.uint64)
    for reliable in (None, RELIABLE):
        assert found(search(blind, gallery, least_raw=0.01, reliable_raw=reliable)) == []
        assert found(search(probes, blind, least_raw=0.01, reliable_raw=reliable)) == []


def test_wrong_arguments_are_refused(gallery: U64, probes: U64) -> None:
    short = np.zeros(EYES // 64, np.uint64)
    for arguments, words in (
        ({"begin": -1}, "begin"),
        ({"end": EYES + 1}, "begin, end"),
        ({"begin": 2, "end": 1}, "begin, end"),
        ({"reach": 16}, "reach"),
        ({"reach": -1}, "reach"),
        ({"most": -1}, "most"),
        ({"threads": 257}, "threads"),
        ({"least_raw": float("nan")}, "least_raw"),
        ({"reliable_raw": 1.5}, "reliable_raw"),
        ({"bitmap": short}, "bitmap"),
        ({"bitmap": short.astype(np.int64)}, "bitmap"),
    ):
        with pytest.raises(ArgumentError, match=words):
            search(probes, gallery, **arguments)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="64 words"):
        search(probes[:, :-1], gallery)
    with pytest.raises(ArgumentError, match="uint64"):
        search(probes, gallery.view(np.int64))
    with pytest.raises(ArgumentError, match="probes"):
        search(np.zeros((MAX_PROBES + 1, SEARCH_WORDS), np.uint64), gallery)
    with pytest.raises(ArgumentError, match="bool"):
        bitmap_of(np.zeros(3, np.uint8))


def test_every_instruction_set_finds_the_same(gallery: U64, probes: U64, tmp_path: Path) -> None:
    """The coarse pass too: what passes is the same at every level."""
    np.savez(tmp_path / "codes.npz", gallery=gallery, probes=probes)
    program = (
        "import hashlib, numpy as np\n"
        "from matcher import _core\n"
        "from matcher.score.iris_search import search\n"
        f"codes = np.load({os.fspath(tmp_path / 'codes.npz')!r})\n"
        "gallery, probes = codes['gallery'], codes['probes']\n"
        "digest = hashlib.sha256()\n"
        "one, two = {'reliable_raw': 0.33}, {'reliable_raw': 0.2, 'begin': 3, 'end': 777}\n"
        "for given in (one, two, {'reach': 0}):\n"
        "    hits = search(probes[::7], gallery, least_raw=0.1, **given)\n"
        "    for part in (hits.probe, hits.row, hits.raw): digest.update(part.tobytes())\n"
        "    digest.update(str((hits.pairs, hits.turns_passed, hits.scored)).encode())\n"
        "digest.update(_core.iris_coarse_statistics(probes, gallery[:len(probes)]).tobytes())\n"
        "digest.update(str(_core.read_sum(gallery.reshape(-1)[:-5])).encode())\n"
        "print(_core.simd_level(), digest.hexdigest())\n"
    )

    def run(level: str) -> list[str]:
        made = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "MATCHER_SIMD": level},
            capture_output=True,
            text=True,
            check=True,
        )
        return made.stdout.split()

    best = run("")
    levels = ["scalar", "avx2", "avx512"]
    said = [run(level) for level in levels[: levels.index(best[0]) + 1]]
    assert [answer[0] for answer in said] == levels[: len(said)]
    assert {answer[1] for answer in said} == {best[1]}


def test_read_sum_is_the_sum(gallery: U64) -> None:
    for count in (0, 1, 63, 64, 65, 1000):
        words = gallery.reshape(-1)[:count]
        assert _core.read_sum(words) == int(words.sum(dtype=np.uint64))
