"""Measurements of this package: `python -m benchmarks.figures`. README.md maps scripts to tables."""
