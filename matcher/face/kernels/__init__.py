"""Numba loops of the face pipeline; their callers validate, cast and allocate."""

from matcher.kernel_cache import configure

configure()
