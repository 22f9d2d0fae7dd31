"""Numba loops of the iris extractor; their callers validate, cast and allocate."""
