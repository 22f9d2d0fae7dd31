"""Compiles every kernel that a server or a test run will need: `python -m matcher.warm`."""

from __future__ import annotations

import logging
from importlib import import_module

from matcher.errors import ModelError

logger = logging.getLogger(__name__)


def warm_all(extractor: str = "numba", *, models: bool = False) -> None:
    """Run each modality once on a small synthetic sample, so that its kernels are compiled and cached.

    With `models`, the face models are loaded too; without them all but images of faces works.
    """
    from matcher.datasets.fingerprint_synthesis.warm import warm as warm_synthesis
    from matcher.datasets.iris_synthesis.warm import warm as warm_eyes
    from matcher.datasets.population.warm import warm as warm_population
    from matcher.face.warm import warm as warm_face
    from matcher.fingerprint.warm import warm
    from matcher.gallery.face_search import warm as warm_face_search
    from matcher.iris.warm import warm as warm_iris
    from matcher.score.units import unit_calibration

    # A comparison of persons needs both: made here, no first request waits for them.
    import_module("scipy.optimize")
    unit_calibration()

    warm(extractor)
    warm_iris()
    try:
        warm_face(models=models)
    except ModelError as error:
        logger.warning("Images of faces are refused: %s", error)
    warm_face_search()
    warm_synthesis()
    warm_eyes()
    warm_population()


if __name__ == "__main__":
    warm_all()
