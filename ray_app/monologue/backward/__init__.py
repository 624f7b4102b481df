"""Backward monologues: how a result constrains the input, step by step, and one input that gives it."""
