"""The picture of one mated pair of prints: both images, their minutiae, and lines between the paired ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matcher.demo.job import Pair
from matcher.samples import Sample
from matcher.types import FingerprintTemplate, Image, Modality


def typical(pairs: Sequence[Pair]) -> Pair | None:
    """Return the pair of prints whose score is the median of all, None without any."""
    prints = [pair for pair in pairs if pair.probe.modality is Modality.FINGERPRINT]
    ordered = sorted(prints, key=lambda pair: pair.score.value)
    return ordered[len(ordered) // 2] if ordered else None


def draw(pair: Pair, source: str, path: Path) -> None:
    """Write the picture of a pair of `source` as PNG.

    Raises
    ------
    ArgumentError
        If the file cannot be written.
    """
    from matcher.fingerprint.plot import plot_pair
    from matcher.fingerprint.resident import resident
    from matcher.score.fingerprint import FingerprintProbe, paired

    probe_image, probe = _seen(pair.probe)
    reference_image, reference = _seen(pair.reference)
    joined = paired(FingerprintProbe(probe), resident(reference))
    extrapolated = " (extrapolated)" if pair.score.extrapolated else ""
    title = f"{source}: a mated pair, score {pair.score.value:.0f}{extrapolated}"
    plot_pair(probe_image, probe, reference_image, reference, joined, path, title)


def _seen(sample: Sample) -> tuple[Image, FingerprintTemplate]:
    from matcher.fingerprint.extract import extract
    from matcher.image.read import read_image

    image = read_image(sample.data, ppi=sample.ppi)
    return image, extract(image)
