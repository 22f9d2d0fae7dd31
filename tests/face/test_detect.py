"""Detectors around a network: free sides, sizes, thresholds; the second look; the warm-up; the picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matcher.errors import ArgumentError, ModelCorruptError
from matcher.face.align import FACE_SHAPE, LOOK_EYES, LOOK_SIDE, aligned, look_again
from matcher.face.detect import LONGEST, CenterFace, Faces, YuNet, free_sides
from matcher.face.extract import assess_trace, extract
from matcher.face.plot_quality import plot_quality
from matcher.face.trace import Trace
from matcher.face.warm import warm
from matcher.models.onnx_format import GraphWriter
from matcher.types import ColourImage


def fake_yunet() -> bytes:
    """A network with YuNet's inputs and outputs, fixed at 640 x 640: a face is where it is bright."""
    graph = GraphWriter("yunet", {"input": (1, 3, 640, 640)})
    for stride in (8, 16, 32):
        cells = graph.node("AveragePool", "input", kernel_shape=(stride, stride), strides=(stride, stride))
        blue = graph.node("Slice", cells, *(graph.constant(np.array([v])) for v in (0, 1, 1)))
        share = graph.node("Mul", blue, graph.constant(np.array([1 / 255], np.float32)))
        for kind, width in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
            value = share if width == 1 else graph.node("Mul", share, graph.constant(np.zeros(1, np.float32)))
            wide = graph.node("Concat", *[value] * width, axis=1)
            last = graph.node("Transpose", wide, perm=(0, 2, 3, 1))
            shape = graph.constant(np.array([1, -1, width]))
            graph.output(f"{kind}_{stride}", graph.node("Reshape", last, shape))
    return graph.model({"": 18})


def fake_centerface() -> bytes:
    """The same with CenterFace's names; boxes of e^1 cells."""
    graph = GraphWriter("centerface", {"input.1": (10, 3, 32, 32)})
    cells = graph.node("AveragePool", "input.1", kernel_shape=(4, 4), strides=(4, 4))
    red = graph.node("Slice", cells, *(graph.constant(np.array([v])) for v in (0, 1, 1)))
    share = graph.node("Mul", red, graph.constant(np.array([1 / 255], np.float32)))
    nothing = graph.node("Mul", share, graph.constant(np.zeros(1, np.float32)))
    graph.output("537", share)
    graph.output(
        "538",
        graph.node("Concat", *[graph.node("Add", nothing, graph.constant(np.ones(1, "f4")))] * 2, axis=1),
    )
    graph.output("539", graph.node("Concat", *[nothing] * 2, axis=1))
    graph.output("540", graph.node("Concat", *[nothing] * 10, axis=1))
    return graph.model({"": 18})


def spot(height: int, width: int, top: int, left: int, side: int, colour: tuple[int, int, int]) -> np.ndarray:
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[top : top + side, left : left + side] = colour
    return pixels


@pytest.mark.parametrize(("height", "width"), [(100, 130), (96, 128), (33, 200), (640, 480)])
def test_yunet_reads_any_size_and_blue_first(height: int, width: int) -> None:
    faces = YuNet(fake_yunet()).find(spot(height, width, 8, 24, 8, (0, 0, 255)))
    assert len(faces) == 1
    assert faces.scores[0] == pytest.approx(1.0)
    # The anchor at row 1, column 3 of stride 8, its box one stride wide about its own corner.
    assert faces.boxes[0].tolist() == pytest.approx([20, 4, 8, 8])
    assert faces.points[0] == pytest.approx(np.tile([24.0, 8.0], (5, 1)))
    # Red is another channel.
    assert len(YuNet(fake_yunet()).find(spot(height, width, 8, 24, 8, (255, 0, 0)))) == 0


def test_a_large_picture_is_made_smaller_and_places_come_back() -> None:
    pixels = spot(900, 2 * LONGEST, 64, 320, 64, (0, 0, 255))
    faces = YuNet(fake_yunet()).find(pixels)
    assert len(faces) >= 1
    best = faces.boxes[0]
    assert 250 < best[0] < 400
    assert 20 < best[1] < 140


def test_centerface_reads_red_first() -> None:
    faces = CenterFace(fake_centerface()).find(spot(70, 90, 8, 24, 4, (255, 0, 0)))
    assert len(faces) == 1
    side = 4 * np.e
    assert faces.boxes[0] == pytest.approx([26 - side / 2, 10 - side / 2, side, side], rel=1e-5)
    assert len(CenterFace(fake_centerface()).find(spot(70, 90, 8, 24, 4, (0, 0, 255)))) == 0


def test_a_file_without_a_network_is_refused() -> None:
    with pytest.raises(ModelCorruptError):
        YuNet(b"none")
    with pytest.raises(ModelCorruptError):
        free_sides(b"\xff\xff")


class Shifted:
    """Sees the face of the second look a little aside, and in the mirror as much to the other side; twice."""

    def __init__(self, shift: float, lost: bool = False) -> None:
        self.shift, self.lost, self.seen = shift, lost, 0

    def find(self, pixels: np.ndarray) -> Faces:
        assert pixels.shape == (LOOK_SIDE, LOOK_SIDE, 3)
        self.seen += 1
        eyes = FACE_SHAPE[:2]
        size = LOOK_EYES[(self.seen - 1) // 2] / np.linalg.norm(eyes[1] - eyes[0])
        points = (FACE_SHAPE - eyes.mean(axis=0)) * size + [LOOK_SIDE / 2, LOOK_SIDE * 0.42]
        if self.seen % 2 == 0:
            points[:, 0] = LOOK_SIDE - 1 - points[:, 0]
            points = points[[1, 0, 2, 4, 3]]
        points[:, 0] += self.shift
        far = points + 150
        kept = [far] if self.lost else [far, points]
        n = len(kept)
        return Faces(np.zeros((n, 4), "f4"), np.array(kept, np.float32), np.ones(n, np.float32))


def test_the_second_look_takes_the_mean_of_face_and_mirror_image() -> None:
    points = FACE_SHAPE * 1.3 + np.array([60, 40])
    pixels = np.zeros((300, 300, 3), np.uint8)
    # What is seen aside on both is no place: it cancels out.
    detector = Shifted(4.0)
    again = look_again(pixels, points, detector)
    assert again == pytest.approx(points, abs=1e-3)
    assert detector.seen == 2 * len(LOOK_EYES)
    assert look_again(pixels, points, Shifted(0.0, lost=True)) is points


def test_an_aligned_crop_shows_the_points_where_the_manifest_says(tiny: Any) -> None:
    manifest = tiny().manifest
    target = np.array(manifest.points)
    pixels = np.zeros((200, 200, 3), np.uint8)
    points = target * 2.5 + np.array([30, 20])
    for x, y in np.rint(points).astype(int):
        pixels[y - 2 : y + 3, x - 2 : x + 3] = 255
    shown = aligned(pixels, points, manifest)
    assert shown.shape == (48, 48, 3)
    for x, y in np.rint(target).astype(int):
        assert shown[y, x].min() > 100


def test_the_picture_of_an_extraction_is_written(tiny: Any, told: Any, tmp_path: Path) -> None:
    image = ColourImage(np.random.default_rng(2).integers(0, 256, (240, 320, 3)).astype(np.uint8))
    trace = Trace()
    template = extract(image, model=tiny(), detector=told(np.add(FACE_SHAPE, (100, 60))), trace=trace)
    quality = assess_trace(image, trace)
    assert quality.overall == template.quality
    plot_quality(image, trace, quality, tmp_path / "face.png")
    assert (tmp_path / "face.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ArgumentError, match="cannot be written"):
        plot_quality(image, trace, quality, tmp_path / "none" / "face.png")
    with pytest.raises(KeyError):
        trace.record("other", np.zeros(1))
    assert "crops" in trace


def test_warming_needs_no_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from matcher.face.detect import load_detector

    monkeypatch.setenv("MATCHER_CACHE", str(tmp_path))
    load_detector.cache_clear()
    warm()
    warm(models=True)
    load_detector.cache_clear()
