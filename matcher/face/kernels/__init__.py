"""Numba loops of the face pipeline; their callers validate, cast and allocate."""
