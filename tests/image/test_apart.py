"""Images decoded in other processes: the same pixels and errors; a process that dies is replaced."""

from __future__ import annotations

import io
import os
import resource
import signal
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image as PillowImage

from matcher.errors import ImageCorruptError, ImageError, NotReadyError
from matcher.image import apart
from matcher.image.apart import GREY, Decoders, decoders_at_hand, start_decoders, stop_decoders
from matcher.image.colour import read_colour
from matcher.image.read import read_grey, read_image


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    """Two processes."""
    made = Decoders(2)
    yield made
    made.close()


@pytest.fixture
def at_hand(decoders: Decoders, monkeypatch: pytest.MonkeyPatch) -> Decoders:
    """The same, used for every image."""
    monkeypatch.setattr(apart, "_current", [decoders])
    return decoders


def written(image_format: str, mode: str = "L", size: tuple[int, int] = (90, 70)) -> bytes:
    """A picture of noise."""
    rng = np.random.default_rng(5)
    shape = (size[1], size[0]) if mode == "L" else (size[1], size[0], 3)
    file = io.BytesIO()
    PillowImage.fromarray(rng.integers(0, 256, shape, np.uint8)).save(file, image_format)
    return file.getvalue()


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "TIFF", "BMP", "JPEG2000"])
def test_the_pixels_are_the_same(
    image_format: str, decoders: Decoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Grey and in colour; and they may be written into, as those that are decoded here."""
    grey, colour = written(image_format), written(image_format, "RGB")
    here = read_grey(grey), read_colour(colour).pixels, read_image(grey, ppi=500).pixels
    monkeypatch.setattr(apart, "_current", [decoders])
    there = read_grey(grey), read_colour(colour).pixels, read_image(grey, ppi=500).pixels
    for one, other in zip(here, there, strict=True):
        assert np.array_equal(one, other)
        assert one.flags.writeable == other.flags.writeable


def test_the_errors_are_the_same(decoders: Decoders, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of files damaged anywhere, decoded here and there."""
    whole = written("PNG")
    for at in range(30, len(whole), len(whole) // 12):
        damaged = whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :]
        said = []
        for current in ([], [decoders]):
            monkeypatch.setattr(apart, "_current", current)
            try:
                said.append(read_grey(damaged).tobytes())
            except ImageError as error:
                said.append((type(error), error.message, error.hint))
        assert said[0] == said[1]


def test_a_killed_process_is_replaced(at_hand: Decoders) -> None:
    """Kill -9 of all, again and again: every image is decoded all the same."""
    whole = written("PNG")
    wanted = read_grey(whole)
    for _ in range(2):
        for process in at_hand.processes:
            os.kill(process, signal.SIGKILL)
        found = read_grey(whole)
        assert np.array_equal(found, wanted)
    assert 1 <= len(at_hand.processes) <= 2


def test_an_image_that_kills_its_decoder_is_refused_and_nothing_else(
    at_hand: Decoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that dies of it, twice: a typed error; the next image is decoded."""
    whole = written("PNG")
    real = apart._Worker._write

    def dying(worker: apart._Worker, data: bytes, end: float) -> None:
        worker.popen.kill()
        worker.popen.wait()
        real(worker, data, end)

    monkeypatch.setattr(apart._Worker, "_write", dying)
    with pytest.raises(ImageCorruptError, match="stopped"):
        read_grey(whole)
    monkeypatch.undo()
    monkeypatch.setattr(apart, "_current", [at_hand])
    assert read_grey(whole).shape == (70, 90)


def test_an_image_that_hangs_its_decoder_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is stopped answers nothing; it is killed when the time is over."""
    decoders = Decoders(1)
    try:
        whole = written("PNG")
        assert decoders.decode(whole, GREY, (90, 70)).shape == (70, 90)
        monkeypatch.setattr(decoders, "_time", 0.0)
        monkeypatch.setattr(apart, "TIME_S", 0.0)
        with pytest.raises(ImageCorruptError, match="too long"):
            decoders.decode(whole, GREY, (90, 70))
        monkeypatch.undo()
        assert decoders.decode(whole, GREY, (90, 70)).shape == (70, 90)
        with pytest.raises(ImageCorruptError, match="differ in size"):
            decoders.decode(whole, GREY, (90, 71))
    finally:
        decoders.close()
    with pytest.raises(NotReadyError):
        decoders.decode(whole, GREY, (90, 70))


def test_memory_is_bounded() -> None:
    """An image that needs more than its decoder may take is refused; the next one is decoded."""
    decoders = Decoders(1, memory_bytes=300 << 20)
    try:
        large = io.BytesIO()
        PillowImage.new("RGB", (16384, 2048)).save(large, "PNG")
        with pytest.raises(ImageError):
            decoders.decode(large.getvalue(), 2, (16384, 2048))
        assert decoders.decode(written("PNG"), GREY, (90, 70)).shape == (70, 90)
    finally:
        decoders.close()


def test_many_images_at_once(at_hand: Decoders) -> None:
    """More callers than processes; each gets its own image."""
    files = [written("PNG", size=(60 + n, 70)) for n in range(6)]
    widths: dict[int, int] = {}

    def read(number: int) -> None:
        widths[number] = read_grey(files[number]).shape[1]

    threads = [threading.Thread(target=read, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert widths == {number: 60 + number for number in range(6)}


def test_a_process_is_heard_however_many_files_are_open() -> None:
    """A server with a thousand connections: `select` knows the first 1,024 descriptors only."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2048:
        pytest.skip("no more than 1,024 files may be open here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    opened: list[int] = []
    try:
        while not opened or opened[-1] < 1100:
            opened.append(os.open(os.devnull, os.O_RDONLY))
        decoders = Decoders(1)
        try:
            assert decoders.decode(written("PNG"), GREY, (90, 70)).shape == (70, 90)
        finally:
            decoders.close()
    finally:
        for descriptor in opened:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_they_are_used_once_started() -> None:
    assert decoders_at_hand() is None
    assert start_decoders(1) is decoders_at_hand()
    stop_decoders()
    assert decoders_at_hand() is None
