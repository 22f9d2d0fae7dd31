"""Compiles every kernel that a server or a test run will need: `python -m matcher.warm`."""

from __future__ import annotations

from importlib import import_module


def warm_all(extractor: str = "numba") -> None:
    """Run each modality once on a small synthetic sample, so that its kernels are compiled and cached."""
    # A comparison of persons needs it: loaded here, no first request waits for it.
    import_module("scipy.optimize")

    from matcher.datasets.fingerprint_synthesis.warm import warm as warm_synthesis
    from matcher.datasets.iris_synthesis.warm import warm as warm_eyes
    from matcher.face.warm import warm as warm_face
    from matcher.fingerprint.warm import warm
    from matcher.gallery.face_search import warm as warm_face_search
    from matcher.iris.warm import warm as warm_iris

    warm(extractor)
    warm_iris()
    warm_face()
    warm_face_search()
    warm_synthesis()
    warm_eyes()


if __name__ == "__main__":
    warm_all()
