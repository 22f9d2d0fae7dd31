"""Numba loops of the population generator: no checks here, the callers validate, cast and allocate."""

from matcher.kernel_cache import configure

configure()
