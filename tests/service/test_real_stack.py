"""`matcher serve` and its clients as they are installed: real extraction and scoring, on synthetic prints."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from matcher.client import Client
from matcher.datasets.fingerprint_synthesis import generate_finger, generate_impression
from matcher.errors import FailureToExtractError, ImageError
from matcher.fingerprint.extract import extract
from matcher.image.read import read_image
from matcher.template.codec import encode_template

SUBJECTS = 4
START_S = 120.0
MATCHER = [sys.executable, "-m", "matcher.cli.main"]


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    PillowImage.fromarray(pixels).save(out, "PNG", dpi=(500, 500))
    return out.getvalue()


@pytest.fixture(scope="module")
def prints() -> list[tuple[bytes, bytes]]:
    """Two easy impressions of a finger of each subject."""
    fingers = [generate_finger(seed) for seed in range(SUBJECTS)]
    return [
        tuple(png(generate_impression(finger, seed, difficulty=0.0).pixels) for seed in (0, 1))
        for finger in fingers
    ]


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    port_file = tmp_path / "port"
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    process = subprocess.Popen(
        [
            *MATCHER,
            "serve",
            "--store",
            f"sqlite:///{tmp_path}/gallery.db",
            "--listen",
            "127.0.0.1:0",
            "--port-file",
            str(port_file),
        ],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        end = time.monotonic() + START_S
        while not port_file.exists():
            assert process.poll() is None, "the server did not start"
            assert time.monotonic() < end, "the server takes too long to start"
            time.sleep(0.05)
        address = f"127.0.0.1:{port_file.read_text().strip()}"
        assert process.stdout is not None
        assert process.stdout.readline() == f"matcher: ready at {address}\n"
        variables = Path(f"/proc/{process.pid}/environ")
        assert not variables.exists() or b"OMP_NUM_THREADS=1\0" in variables.read_bytes()
        yield address
        process.terminate()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def test_the_main_job_on_images_templates_and_the_command_line(
    address: str, prints: list[tuple[bytes, bytes]], tmp_path: Path
) -> None:
    with Client(address, timeout=120) as client:
        client.wait_ready()
        for number, (first, _) in enumerate(prints):
            client.enroll([first], subject_id=f"s{number}")
        for number, (_, second) in enumerate(prints):
            assert client.verify(f"s{number}", [second]).decision.accepted
            assert not client.verify(f"s{(number + 1) % SUBJECTS}", [second]).decision.accepted
            template = encode_template(extract(read_image(second)))
            by_image, by_template = client.identify([second]), client.identify([template])
            assert [c.subject_id for c in by_image.candidates] == [f"s{number}"]
            assert by_image.candidates[0].score.value == by_template.candidates[0].score.value
            assert by_image.candidates[0].score.calibration.startswith("numba-1")
        blank = png(np.full((300, 300), 255, np.uint8))
        with pytest.raises(FailureToExtractError):
            client.enroll([blank])
        with pytest.raises(ImageError):
            client.enroll([prints[0][0][:200]])
        assert client.status().extractors == ("numba/1",)
    probe = tmp_path / "probe.png"
    probe.write_bytes(prints[2][1])
    for arguments, status, field in (
        (("identify", str(probe)), 0, ("candidates", 0, "subject_id")),
        (("verify", "s2", str(probe)), 0, ("subject_id",)),
        (("verify", "s1", str(probe)), 1, None),
    ):
        done = subprocess.run(
            [*MATCHER, *arguments, "--server", address, "--json"], capture_output=True, text=True, timeout=120
        )
        assert done.returncode == status, done.stderr
        value = json.loads(done.stdout)
        for part in field or ():
            value = value[part]
        assert field is None or value == "s2"
