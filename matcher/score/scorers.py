"""The scorer of each modality, made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from matcher.gallery.search import Scorer
from matcher.types import Modality


def _fingerprint() -> Scorer:
    from matcher.score.scorer import FingerprintScorer

    return FingerprintScorer()


def _iris() -> Scorer:
    from matcher.score.iris_scorer import IrisScorer

    return IrisScorer()


def _face() -> Scorer:
    from matcher.score.face_scorer import FaceScorer

    return FaceScorer()


class LazyScorers(Mapping[Modality, Scorer]):
    """A scorer of each modality, made when it is first asked for; a race makes two alike, no harm."""

    def __init__(self, factories: Mapping[Modality, Callable[[], Scorer]]) -> None:
        self._factories = factories
        self._made: dict[Modality, Scorer] = {}

    def __getitem__(self, modality: Modality) -> Scorer:
        if modality not in self._made:
            self._made[modality] = self._factories[modality]()
        return self._made[modality]

    def __iter__(self) -> Iterator[Modality]:
        return iter(self._factories)

    def __len__(self) -> int:
        return len(self._factories)


def _packed_fingerprint() -> Scorer:
    from matcher.score.scorer import PackedFingerprintScorer

    return PackedFingerprintScorer()


def gallery_scorers() -> LazyScorers:
    """Return the scorers of this package for galleries of any size: candidates take as little as they can."""
    return LazyScorers(
        {Modality.FINGERPRINT: _packed_fingerprint, Modality.IRIS: _iris, Modality.FACE: _face}
    )


def default_scorers() -> LazyScorers:
    """Return the scorers of this package."""
    return LazyScorers({Modality.FINGERPRINT: _fingerprint, Modality.IRIS: _iris, Modality.FACE: _face})
