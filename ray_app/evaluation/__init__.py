"""Scores that can be trusted: benchmarks, generation, grading, metrics."""
