"""LEADER: the rearranged network against the authors' order of steps, and what becomes of its findings.

Weights are drawn at random: no test needs the published file, and those that can use it say so.
"""

from __future__ import annotations

import builtins
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from matcher.datasets.fingerprint_synthesis.finger import generate_finger
from matcher.datasets.fingerprint_synthesis.impression import generate_impression
from matcher.errors import (
    ArgumentError,
    BlankImageError,
    ImageTooLargeError,
    ImageTooSmallError,
    ModelCorruptError,
    ModelMissingError,
    ModelRuntimeError,
    NoForegroundError,
    TooFewMinutiaeError,
)
from matcher.fingerprint import leader, leader_graph, leader_network
from matcher.fingerprint.extractors import EXTRACTORS, find_extractor
from matcher.fingerprint.leader import EXTRACTOR_ID, MARGIN, extract_leader, print_box
from matcher.fingerprint.leader_network import PEAK_RADIUS, Found, LeaderNetwork, around, padded, peaks
from matcher.fingerprint.leader_weights import LeaderWeights
from matcher.fingerprint.resident import resident
from matcher.fingerprint.trace import Trace
from matcher.models.cache import load_model
from matcher.models.onnx_format import GraphWriter, array_of, read_model
from matcher.models.registry import LEADER
from matcher.score.fingerprint import FingerprintProbe, score
from matcher.template.codec import decode_template, encode_template
from matcher.types import MAX_MINUTIAE, FingerPosition, Image, MinutiaKind

REFERENCE = Path(__file__).resolve().parent.parent / "reference_leader.py"

ROUNDING = 2e-4
"""Between float32 in one order and float64 in another, on values of order 1 through some 40 layers."""

Array = npt.NDArray[Any]


@pytest.fixture(scope="module")
def slow() -> ModuleType:
    """The module tests/reference_leader.py."""
    spec = importlib.util.spec_from_file_location("matcher_reference_leader", REFERENCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def random_network(slow: ModuleType) -> tuple[LeaderNetwork, Any]:
    """The network with random weights, and the weights."""
    weights = slow.RandomWeights()
    network = LeaderNetwork.__new__(LeaderNetwork)
    network._position = leader_network._session(leader_graph.position_graph(weights))
    network._detail = leader_network._session(leader_graph.detail_graph(weights))
    return network, weights


@pytest.fixture(scope="module")
def published() -> bytes:
    """The published file; skips the test where it was not fetched."""
    try:
        return load_model(LEADER)
    except (ModelMissingError, ModelCorruptError):
        pytest.skip("the LEADER model is not at hand: matcher models fetch leader")


def picture(height: int, width: int, seed: int = 1) -> Array:
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


def test_both_parts_do_what_the_authors_network_does(
    slow: ModuleType, random_network: tuple[LeaderNetwork, Any]
) -> None:
    network, weights = random_network
    pixels = picture(64, 96)
    wanted = slow.leader(pixels, weights)
    got, features = network._position.run(
        ["score", "features"], {"input": pixels.astype(np.float32)[None, :, :, None]}
    )
    assert np.ptp(wanted["score"]) > 0.05  # else agreement would say nothing
    assert np.abs(got[0, 0] - wanted["score"]).max() < ROUNDING
    assert np.abs(features[0] - wanted["features"]).max() < 20 * ROUNDING
    # The second part at every phase, in corners, on edges and within.
    ys, xs = (a.ravel().astype(np.int32) for a in np.mgrid[0:64:3, 0:96:5])
    ys, xs = np.append(ys, [63, 0, 63, 62]), np.append(xs, [95, 95, 0, 94])
    patches, inside = around(features[0], xs // 2, ys // 2)
    direction, kind = network._detail.run(["direction", "kind"], {"patches": patches, "inside": inside})
    row, phase = np.arange(len(xs)), ys % 2 * 2 + xs % 2
    for part in range(2):
        assert np.abs(direction[row, 4 * part + phase] - wanted["direction"][part, ys, xs]).max() < ROUNDING
    assert np.abs(kind[row, phase] - wanted["kind"][ys, xs]).max() < ROUNDING
    assert np.ptp(wanted["kind"]) > 0.05


def test_findings_are_the_peaks_with_their_direction_and_kind(
    slow: ModuleType, random_network: tuple[LeaderNetwork, Any]
) -> None:
    network, weights = random_network
    pixels = picture(61, 90)  # no multiples of 32: grown by a plain colour
    frame = [*pixels[0], *pixels[-1], *pixels[:, 0], *pixels[:, -1]]
    grown = np.full((64, 96), np.median(frame))
    grown[1:62, 3:93] = pixels
    given, left, top = padded(pixels)
    assert (left, top) == (3, 1)
    assert np.array_equal(given[0, :, :, 0], grown)
    wanted = {name: value[..., 1:62, 3:93] for name, value in slow.leader(grown, weights).items()}
    level = float(np.quantile(wanted["score"], 0.9))
    found = network.find(pixels, level)
    assert len(found.x) > 5
    assert found.x.max() < 90
    assert found.y.max() < 61
    at = found.y, found.x
    assert np.abs(found.score - wanted["score"][at]).max() < ROUNDING
    assert np.abs(found.ending - wanted["kind"][at]).max() < ROUNDING
    cosine, sine = wanted["direction"][:, at[0], at[1]]
    turn = np.angle(np.exp(1j * (found.angle - np.arctan2(sine, cosine))))
    assert np.abs(turn * np.hypot(cosine, sine)).max() < 5 * ROUNDING


def test_no_findings_and_too_many_are_both_kept_in_bounds(random_network: tuple[LeaderNetwork, Any]) -> None:
    network, _ = random_network
    assert len(network.find(picture(64, 64), 1.1).x) == 0
    found = network.find(picture(320, 320), 0.0)
    assert len(found.x) == MAX_MINUTIAE
    assert (
        len(peaks(network._position.run(["score"], {"input": padded(picture(320, 320))[0]})[0][0, 0], 0.0)[0])
        > 255
    )


@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (40, 61)])
@pytest.mark.parametrize("levels", [2, 5, 1000])
def test_peaks_are_those_of_the_slow_search(slow: ModuleType, shape: tuple[int, int], levels: int) -> None:
    # Few levels make many ties.
    values = np.random.default_rng(levels).integers(0, levels, shape) / levels
    score_map = values.astype(np.float32)
    xs, ys, found = peaks(score_map, 0.4)
    assert list(zip(xs.tolist(), ys.tolist(), strict=True)) == slow.peaks(score_map, 0.4, PEAK_RADIUS)
    assert np.array_equal(found, score_map[ys, xs])


def test_peaks_of_a_plain_and_of_nothing_numeric() -> None:
    flat = np.full((9, 9), 0.7, np.float32)
    xs, ys, _ = peaks(flat, 0.5)
    assert (xs.tolist(), ys.tolist()) == ([0], [0])
    assert len(peaks(np.full((9, 9), np.nan, np.float32), 0.5)[0]) == 0


def test_a_kernel_for_the_enlarged_picture_becomes_four_for_the_small_one(slow: ModuleType) -> None:
    rng = np.random.default_rng(3)
    small, kernel = rng.normal(size=(4, 6, 7)), rng.normal(size=(2, 4, 5, 5)).astype(np.float32)
    wanted = slow.convolve(slow.enlarged(small), kernel)
    four = slow.convolve(small, leader_graph.phases(kernel)).reshape(2, 2, 2, 6, 7)
    assert np.allclose(four.transpose(0, 3, 1, 4, 2).reshape(2, 12, 14), wanted, atol=1e-5)


class FakeNetwork:
    """Finds what it is told, and keeps what it was given."""

    def __init__(self, *places: tuple[int, int], angle: float = 0.0, ending: float = 1.0) -> None:
        n = len(places)
        xy = np.array(places, np.int32).reshape(n, 2)
        scores = np.linspace(0.6, 0.9, n).astype(np.float32)
        self.found = Found(
            xy[:, 0], xy[:, 1], np.full(n, angle, np.float32), np.full(n, ending, np.float32), scores
        )

    def find(self, pixels: Array, threshold: float) -> Found:
        self.given, self.threshold = pixels, threshold
        return self.found


@pytest.fixture(scope="module")
def impression() -> Image:
    return generate_impression(generate_finger(31), 1)


PLACES = ((10, 20), (30, 40), (50, 60), (70, 80), (90, 100))


@pytest.mark.parametrize(
    ("angle", "units"), [(0.0, 0), (np.pi / 2, 64), (-np.pi / 2, 192), (np.pi, 128), (-1e-4, 0), (-0.03, 255)]
)
@pytest.mark.parametrize(("ending", "kind"), [(0.9, MinutiaKind.ENDING), (0.1, MinutiaKind.BIFURCATION)])
def test_findings_become_a_template_in_image_coordinates(
    angle: float, units: int, ending: float, kind: int, impression: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeNetwork(*PLACES, angle=angle, ending=ending)
    monkeypatch.setattr(leader, "network", lambda: fake)
    # The print lies in a wide white frame: the network is given the print alone.
    framed = np.pad(impression.pixels, 200, constant_values=255)
    trace = Trace()
    template = extract_leader(Image(framed), position=FingerPosition.LEFT_INDEX, trace=trace)
    height, width = fake.given.shape
    assert height % 32 == 0
    assert width % 32 == 0
    assert framed.size > 2 * fake.given.size
    found = list(zip(template.minutiae.x.tolist(), template.minutiae.y.tolist(), strict=True))
    left, top = found[-1][0] - PLACES[0][0], found[-1][1] - PLACES[0][1]
    assert np.array_equal(framed[top : top + height, left : left + width], fake.given)
    assert found == [(left + x, top + y) for x, y in PLACES[::-1]]  # best first
    assert template.minutiae.quality.tolist() == [90, 82, 75, 68, 60]
    assert set(template.minutiae.direction.tolist()) == {units}
    assert set(template.minutiae.kind.tolist()) == {kind}
    assert (template.extractor, template.quality, template.position) == (
        "leader/1",
        75,
        FingerPosition.LEFT_INDEX,
    )
    assert (template.width, template.height) == framed.shape[::-1]
    assert decode_template(encode_template(template)) == template
    assert list(trace) == ["contrast_mask", "minutiae"]
    assert np.array_equal(trace["minutiae"][:, :2], found)
    assert len(resident(template))


def test_failures_to_extract_are_those_of_the_other_extractor(
    impression: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leader, "network", lambda: FakeNetwork(*PLACES[:3]))
    for pixels, expected in (
        (np.full((300, 300), 255, np.uint8), BlankImageError),
        (np.zeros((300, 300), np.uint8), BlankImageError),
        (picture(40, 300), ImageTooSmallError),
        (impression.pixels, TooFewMinutiaeError),
        (np.tile(impression.pixels, (4, 4)), ImageTooLargeError),
    ):
        with pytest.raises(expected) as caught:
            extract_leader(Image(pixels))
        assert caught.value.reason


def test_the_box_holds_the_mask_with_its_margin() -> None:
    rng = np.random.default_rng(4)
    for _ in range(200):
        width, height = rng.integers(64, 700, 2)
        rows, columns = -(-height // 8), -(-width // 8)
        mask = np.zeros((rows, columns), np.bool_)
        top, left = rng.integers(0, rows), rng.integers(0, columns)
        mask[top : top + rng.integers(1, rows + 1), left : left + rng.integers(1, columns + 1)] = True
        if mask.sum() < 40:
            with pytest.raises(NoForegroundError):
                print_box(mask, width, height)
            continue
        x0, y0, x1, y1 = print_box(mask, width, height)
        assert 0 <= x0 < x1 <= width
        assert 0 <= y0 < y1 <= height
        for low, high, length, used in ((x0, x1, width, mask.any(0)), (y0, y1, height, mask.any(1))):
            cells = np.flatnonzero(used)
            assert low <= max(cells[0] * 8 - MARGIN, 0)
            assert high >= min((cells[-1] + 1) * 8 + MARGIN, length)
            assert (high - low) % 32 == 0 or (high - low) > length - 32


def test_extractors_are_chosen_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert find_extractor("leader").id == EXTRACTOR_ID
    assert {e.name for e in EXTRACTORS.values()} == set(EXTRACTORS)
    with pytest.raises(ArgumentError, match="numba, leader"):
        find_extractor("other")
    monkeypatch.setenv("MATCHER_CACHE", str(tmp_path))
    leader_network.network.cache_clear()
    with pytest.raises(ModelMissingError, match="matcher models fetch leader"):
        find_extractor("leader").load()
    assert not any(tmp_path.iterdir())  # asked for, not fetched


def test_an_engine_of_leader_refuses_to_start_without_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from matcher.engine import Engine

    monkeypatch.setenv("MATCHER_CACHE", str(tmp_path / "cache"))
    leader_network.network.cache_clear()
    with pytest.raises(ModelMissingError):
        Engine(f"sqlite:///{tmp_path / 'gallery.db'}", extractor="leader")
    assert not (tmp_path / "gallery.db").exists()


def test_without_the_runtime_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *more: Any) -> Any:
        if name == "onnxruntime":
            raise ImportError(name)
        return real(name, *more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ModelRuntimeError, match="onnxruntime"):
        leader_network._session(b"")


def test_layers_are_read_by_their_names() -> None:
    graph = GraphWriter("one", {"x": (1, "h")})
    kernel, bias = np.arange(6, dtype=np.float32).reshape(2, 3, 1, 1), np.array([1.0, 2.0], np.float32)
    graph.output("y", graph.node("Conv", "x", graph.constant(kernel), graph.constant(bias), group=1))
    model = read_model(graph.model({"": 18}))
    model.graph.node[0].name = "functional_1/some_1/BiasAdd"
    weights = LeaderWeights(model.SerializeToString())
    matrix, read = weights.pointwise("some")
    assert np.array_equal(matrix, kernel[:, :, 0, 0].T)
    assert np.array_equal(read, bias)
    with pytest.raises(ModelCorruptError, match="other"):
        weights.convolution("other")


def test_what_is_no_onnx_file_is_a_typed_error() -> None:
    for data in (b"\xff" * 40, b"\x3a\x7f"):
        with pytest.raises(ModelCorruptError):
            LeaderWeights(data)
    graph = GraphWriter("one", {})
    graph.constant(np.zeros((2, 3), np.float32))
    model = read_model(graph.model({"": 18}))
    model.graph.initializer[0].dims[0] = 2**40
    with pytest.raises(ModelCorruptError, match="size"):
        array_of(model.graph.initializer[0])
    with pytest.raises(ModelCorruptError):
        LeaderWeights(GraphWriter("empty", {}).model({"": 18})).pointwise("some")


def test_the_published_file_gives_what_its_own_graph_gives(published: bytes, impression: Image) -> None:
    pixels = np.pad(impression.pixels, 32, mode="edge")[: impression.height // 32 * 32]
    pixels = np.ascontiguousarray(pixels[:, : impression.width // 32 * 32])
    [whole] = leader_network._session(published).run(None, {"input": padded(pixels)[0]})
    found = LeaderNetwork(published).find(pixels, 0.5)
    own = whole[0, found.y, found.x]
    assert len(found.x) > 10
    assert len(found.x) == (whole[0, :, :, 3] >= 0.5).sum()
    assert np.abs(np.angle(np.exp(1j * (own[:, 1] - found.angle)))).max() < 1e-3
    assert np.abs(own[:, 2] - found.ending).max() < 1e-3
    assert np.abs(own[:, 3] - found.score).max() < 1e-3


def test_mates_score_above_others_and_noise_gives_no_template(published: bytes) -> None:
    fingers = [generate_finger(seed) for seed in (41, 42)]
    one, two = ([extract_leader(generate_impression(f, n)) for f in fingers] for n in (1, 2))
    table = np.array([[score(FingerprintProbe(a), resident(b)).raw for b in two] for a in one])
    assert table.diagonal().min() > 2 * table[~np.eye(2, dtype=np.bool_)].max()
    for seed in range(3):
        with pytest.raises(TooFewMinutiaeError):
            extract_leader(Image(picture(300, 300, seed)))
