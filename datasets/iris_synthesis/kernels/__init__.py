"""Numba loops of the synthetic eye generator: no checks here, the callers validate, cast and allocate."""

from matcher.kernel_cache import configure

configure()
