"""Search among faces: one probe and a batch, in a scan and in an inverted file; every answer is asserted.

Bar (issue 5): in 1,000,000 embeddings at least 300 probes a second at batch 1, losing at most one in 1,000
of the mates that a scan ranks first. `python -m benchmarks.face_search` measures that; here 20,000 rows show
that the steps work and how two versions of the code compare.
"""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.face_search import BATCH, CANDIDATES, Search, Task, generated_task, loss, own_index
from matcher.gallery.face_segment import loaded_faiss

ROWS, PROBES = 20_000, 500
LOSS = 0.02
"""Least strict of what is asked: small segments have few lists."""


@pytest.fixture(scope="module")
def task() -> Task:
    """Return a gallery with probes."""
    return generated_task(ROWS, PROBES)


@pytest.fixture(scope="module", params=["scan", "inverted file"])
def search(request: pytest.FixtureRequest, task: Task) -> Search:
    """Return a way of searching."""
    if request.param == "inverted file" and loaded_faiss() is None:
        pytest.skip("FAISS is not installed")
    return own_index(task.gallery, indexed=request.param != "scan")[0]


def test_one_probe(benchmark: BenchmarkFixture, task: Task, search: Search) -> None:
    probe = int(task.counted.argmax())
    found = benchmark(search, task.probes[probe : probe + 1], CANDIDATES)
    assert found[0, 0] == task.mate[probe]


def test_a_batch(benchmark: BenchmarkFixture, task: Task, search: Search) -> None:
    batch = task.first(BATCH)
    found = benchmark(search, batch.probes, CANDIDATES)
    assert loss(batch, found)["loss"] <= LOSS
