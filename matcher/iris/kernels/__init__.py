"""numba loops of the iris extractor: no checks here, their callers validate, cast and allocate."""

from matcher.kernel_cache import configure

configure()
